//! candor-data from outside: bytes and files in, pictures and samples out.

mod decode;
mod known;
mod shared_data;
mod source;
mod study;
