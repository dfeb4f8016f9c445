//! The steps from pictures to a judged model, and their order: the one implementation behind every front end.
#![forbid(unsafe_code)]

pub mod recipe;
