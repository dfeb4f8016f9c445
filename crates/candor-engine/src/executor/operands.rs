//! How values go into the products of convolutions and dense layers: as they are, or rounded.

use crate::Precision;
use crate::kernel::{Isa, round_in_place, round_to_bf16};

/// What makes operands of values.
#[derive(Clone, Copy)]
pub(super) struct Operands {
    isa: Isa,
    precision: Precision,
}

impl Operands {
    pub fn new(isa: Isa, precision: Precision) -> Operands {
        Operands { isa, precision }
    }

    /// Floats of room that [`Operands::of`] wants for so many values.
    pub fn room(self, len: usize) -> usize {
        match self.precision {
            Precision::F32 => 0,
            Precision::Bf16 => len,
        }
    }

    /// Values as they go into products: themselves, or what they are rounded to, in `room`.
    pub fn of<'a>(self, values: &'a [f32], room: &'a mut [f32]) -> &'a [f32] {
        match self.precision {
            Precision::F32 => values,
            Precision::Bf16 => {
                let rounded = &mut room[..values.len()];
                round_to_bf16(self.isa, values, rounded);
                rounded
            }
        }
    }

    /// Makes a gradient that will not be read otherwise ready for products.
    pub fn prepare(self, gradient: &mut [f32]) {
        match self.precision {
            Precision::F32 => {}
            Precision::Bf16 => round_in_place(self.isa, gradient),
        }
    }
}
