//! Tests of candor-report from outside.

#[path = "../browser/mod.rs"]
mod browser;
mod checklist;
mod drawing;
mod fixture;
mod model_card;
mod page;
#[path = "../python/mod.rs"]
mod python;
mod rendered;
mod schema;
