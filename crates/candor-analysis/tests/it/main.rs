//! Tests of candor-analysis from outside.

mod audit_docs;
mod baselines;
mod check_figures;
mod coverage;
mod label_errors;
mod metrics;
mod properties;
