//! Tests of candor-analysis from outside.

mod adversarial;
mod audit_docs;
mod baselines;
mod check_figures;
mod coverage;
mod explain_docs;
mod explanations;
mod label_errors;
mod lesson_docs;
mod metrics;
mod properties;
