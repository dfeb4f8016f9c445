//! Tests of candor-analysis from outside.

mod metrics;
mod properties;
