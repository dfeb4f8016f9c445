//! Tests of candor-analysis from outside.

mod coverage;
mod metrics;
mod properties;
