//! candor-data from outside: bytes and files in, pictures and samples out.

mod collect;
mod croissant;
mod decode;
mod faces;
mod known;
mod packed;
mod shared_data;
mod source;
mod study;
mod web;
