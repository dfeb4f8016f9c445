//! `cargo fuzz run recipe --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::feed("recipe", bytes));
