//! Tests of candor-analysis from outside.

mod audit_docs;
mod baselines;
mod check_figures;
mod coverage;
mod explain_docs;
mod label_errors;
mod metrics;
mod properties;
