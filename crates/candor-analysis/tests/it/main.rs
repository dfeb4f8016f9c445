//! Tests of candor-analysis from outside.

mod baselines;
mod check_figures;
mod coverage;
mod metrics;
mod properties;
