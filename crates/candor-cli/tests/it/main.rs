//! The command from outside: what is typed, what comes out, what is on the disk afterwards.
#![allow(missing_docs)]

mod architecture;
mod audit;
#[path = "../../../candor-report/tests/browser/mod.rs"]
mod browser;
mod collect;
mod compare;
mod crop;
mod explain;
mod exported;
mod fixtures;
mod interruption;
mod lesson;
mod models;
mod outside;
mod predict;
#[path = "../../../candor-report/tests/python/mod.rs"]
mod python;
mod recipes;
mod rendered;
mod runs;
mod scenarios;
mod shared;
mod smaller_verbs;
mod study;
/// The sites that misbehave, as candor-data's own tests have them.
#[expect(dead_code, reason = "sites misbehave in more ways than the command line has to be tried on")]
#[path = "../../../candor-data/tests/it/web.rs"]
mod web;
