//! Writing a picture so that the same pixels are the same bytes on every machine and for ever: binary Netpbm, a header and
//! the pixels. This is the original of a picture that came as a row of numbers.

use candor_core::{Channels, Image};

/// PGM (grey) or PPM (colour) with 8 bits a value.
pub(super) fn encode(image: &Image) -> Vec<u8> {
    let magic = match image.channels() {
        Channels::Grey => "P5",
        Channels::Rgb => "P6",
    };
    let mut bytes = format!("{magic}\n{} {}\n255\n", image.width(), image.height()).into_bytes();
    bytes.extend_from_slice(image.pixels());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Limits, decode};

    #[test]
    fn what_is_written_is_read_back() {
        for (channels, pixels) in [(Channels::Grey, 6), (Channels::Rgb, 18)] {
            let image = Image::new(3, 2, channels, (0..pixels).map(|value| value * 7).collect()).unwrap();
            assert_eq!(decode(&encode(&image), &Limits::default()).unwrap(), image);
        }
    }
}
