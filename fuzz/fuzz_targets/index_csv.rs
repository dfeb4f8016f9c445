//! `cargo fuzz run index_csv --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::feed("index_csv", bytes));
