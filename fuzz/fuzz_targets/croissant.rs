//! `cargo fuzz run croissant --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::feed("croissant", bytes));
