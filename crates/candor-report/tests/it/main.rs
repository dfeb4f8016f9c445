//! Tests of candor-report from outside.

mod browser;
mod drawing;
mod fixture;
mod model_card;
mod page;
