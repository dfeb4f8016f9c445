//! Tests of candor-report from outside.

mod browser;
mod drawing;
mod fixture;
mod page;
