//! The computations themselves. The only place that knows how a tensor lies in memory.

mod isa;

pub use isa::Isa;
