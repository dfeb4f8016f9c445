//! Pictures inside the page: small PNGs as data URIs that together fit into what is left of the page's size.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use candor_core::{Channels, Fit, Image, Preprocessing};

/// Longest side in pixels, from the one wanted to the smallest worth looking at.
const SIDES_PX: [usize; 7] = [128, 112, 96, 80, 64, 48, 32];

/// The picture as large as a report shows it: in its own proportions, no side longer than 128 px, never enlarged.
pub fn thumbnail(image: &Image) -> Image {
    shrink(image, SIDES_PX[0])
}

/// Data URIs of `images`, all scaled alike, as large as `budget_bytes` allows. `None` for pictures that do not fit
/// even at the smallest size: the first ones are kept.
pub(crate) fn data_uris(images: &[&Image], budget_bytes: usize) -> Vec<Option<String>> {
    let mut images: Vec<Image> = images.iter().map(|image| thumbnail(image)).collect();
    let mut uris = first_that_fit(&images, budget_bytes);
    for side_px in &SIDES_PX[1..] {
        if uris.len() == images.len() {
            break;
        }
        images = images.iter().map(|image| shrink(image, *side_px)).collect();
        uris = first_that_fit(&images, budget_bytes);
    }
    let dropped = images.len() - uris.len();
    uris.into_iter().map(Some).chain(std::iter::repeat_n(None, dropped)).collect()
}

/// Data URIs of the first images, up to the one that no longer fits.
fn first_that_fit(images: &[Image], budget_bytes: usize) -> Vec<String> {
    let mut left = budget_bytes;
    let fits = |uri: &String| {
        let rest = left.checked_sub(uri.len());
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    images.iter().map(data_uri).take_while(fits).collect()
}

/// The picture in its own proportions with no side longer than `side_px`; never enlarged.
fn shrink(image: &Image, side_px: usize) -> Image {
    let longest = image.width().max(image.height());
    if longest <= side_px {
        return image.clone();
    }
    let scaled = |side: usize| ((side * side_px + longest / 2) / longest).max(1);
    let (width, height) = (scaled(image.width()), scaled(image.height()));
    Preprocessing { height, width, channels: image.channels(), fit: Fit::Stretch }.apply(image)
}

pub(crate) fn data_uri(image: &Image) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png(image)))
}

/// The picture as a PNG file.
pub fn png(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width() as u32, image.height() as u32);
    encoder.set_color(match image.channels() {
        Channels::Grey => png::ColorType::Grayscale,
        Channels::Rgb => png::ColorType::Rgb,
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header().expect("an image has sides, and memory can be written");
    writer.write_image_data(image.pixels()).expect("an image's buffer fits its sides");
    writer.finish().expect("memory can be written");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(width: usize, height: usize, channels: Channels) -> Image {
        let mut rng = candor_core::Seed(5).rng();
        let pixels = (0..width * height * channels.count()).map(|_| rng.next_u64() as u8).collect();
        Image::new(width, height, channels, pixels).unwrap()
    }

    fn decode(uri: &str) -> Image {
        let bytes = STANDARD.decode(uri.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let channels = match info.color_type {
            png::ColorType::Grayscale => Channels::Grey,
            _ => Channels::Rgb,
        };
        Image::new(info.width as usize, info.height as usize, channels, pixels).unwrap()
    }

    #[test]
    fn a_small_picture_comes_back_pixel_by_pixel() {
        for channels in [Channels::Grey, Channels::Rgb] {
            let image = noise(28, 20, channels);
            let uris = data_uris(&[&image], 100_000);
            assert_eq!(decode(uris[0].as_ref().unwrap()), image);
        }
    }

    #[test]
    fn proportions_are_kept_and_a_thread_of_a_picture_keeps_a_pixel() {
        let cases =
            [((400, 200), (128, 64)), ((200, 400), (64, 128)), ((3000, 1), (128, 1)), ((100, 9), (100, 9))];
        for ((width, height), expected) in cases {
            let small = shrink(&noise(width, height, Channels::Grey), 128);
            assert_eq!((small.width(), small.height()), expected);
        }
    }

    #[test]
    fn a_tight_budget_shrinks_pictures_before_it_drops_any() {
        let image = noise(128, 128, Channels::Grey);
        let images = vec![&image; 10];
        let sizes = |budget| {
            let uris = data_uris(&images, budget);
            assert!(uris.iter().flatten().map(String::len).sum::<usize>() <= budget);
            uris.iter().map(|uri| uri.as_ref().map(|uri| decode(uri).width())).collect::<Vec<_>>()
        };
        assert_eq!(sizes(1_000_000), [Some(128); 10]);
        assert_eq!(sizes(60_000), [Some(64); 10]);
        let kept = sizes(8_000).into_iter().flatten().collect::<Vec<_>>();
        assert!((1..10).contains(&kept.len()) && kept.iter().all(|&side| side == 32), "{kept:?}");
    }
}
