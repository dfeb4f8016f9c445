//! Tests of candor-report from outside.

mod browser;
mod fixture;
mod page;
