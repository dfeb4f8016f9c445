//! Every kind of picture that candor reads, compared with Pillow's reading of the same file
//! (`fixtures/make_pictures.py`), and every way in which a file can fail to be one.

use std::fs;
use std::path::{Path, PathBuf};

use candor_core::{Channels, Image};
use candor_data::decode::{DecodeErrorKind, Limits, check, decode, inspect};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn picture(name: &str) -> Vec<u8> {
    fs::read(fixtures().join("pictures").join(name)).expect(name)
}

/// Reads a binary PGM (P5) or PPM (P6) as Pillow writes it.
fn read_pnm(path: &Path) -> Image {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut header, mut at) = (Vec::new(), 0);
    while header.len() < 4 {
        let end = at + bytes[at..].iter().position(u8::is_ascii_whitespace).unwrap();
        header.push(std::str::from_utf8(&bytes[at..end]).unwrap());
        at = end + 1;
    }
    let channels = if header[0] == "P5" { Channels::Grey } else { Channels::Rgb };
    let (width, height) = (header[1].parse().unwrap(), header[2].parse().unwrap());
    Image::new(width, height, channels, bytes[at..].to_vec()).unwrap()
}

fn worst_difference(a: &Image, b: &Image) -> u8 {
    a.pixels().iter().zip(b.pixels()).map(|(&a, &b)| a.abs_diff(b)).max().unwrap()
}

/// How far a decoder may be from Pillow. JPEG and lossy WebP leave the inverse transform and the interpolation of
/// colour to the decoder; CMYK is multiplied out with one or another rounding. Everything else is exact.
fn tolerance(name: &str) -> u8 {
    match name {
        "baseline-420.jpg" | "lossy.webp" => 6,
        _ if name.ends_with(".jpg") => 4,
        _ if name.starts_with("cmyk") => 1,
        _ => 0,
    }
}

#[test]
fn every_kind_of_picture_is_read_as_pillow_reads_it() {
    let mut names: Vec<String> = fs::read_dir(fixtures().join("pictures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 40, "the fixtures are missing: {names:?}");
    let mut wrong = Vec::new();
    for name in &names {
        let is_expected =
            |ending| fixtures().join("expected").join(format!("{name}{ending}")).exists().then_some(ending);
        let ending = is_expected(".pgm").or_else(|| is_expected(".ppm")).expect(name);
        let expected = read_pnm(&fixtures().join("expected").join(format!("{name}{ending}")));
        let checked = check(&picture(name), &Limits::default()).map(|seen| (seen.width, seen.height));
        if checked.as_ref().ok() != Some(&(expected.width(), expected.height())) {
            wrong.push(format!("{name} is looked at as {checked:?}"));
        }
        match decode(&picture(name), &Limits::default()) {
            Err(error) => wrong.push(format!("{name} {error}")),
            Ok(image) if (image.width(), image.height()) != (expected.width(), expected.height()) => {
                wrong.push(format!("{name} has {}×{} pixels", image.width(), image.height()));
            }
            // A palette of greys is colour to the BMP decoder; the values are what counts.
            Ok(image) if image.channels() != expected.channels() && name != "grey.bmp" => {
                wrong.push(format!("{name} is {:?}, Pillow has {:?}", image.channels(), expected.channels()));
            }
            Ok(image) => {
                let difference = worst_difference(&image, &expected.to_channels(image.channels()));
                println!("{name}: worst difference {difference}");
                if difference > tolerance(name) {
                    wrong.push(format!("{name} differs by up to {difference}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_picture_without_its_end_is_cut_off() {
    for name in ["baseline-444.jpg", "progressive.jpg", "cmyk.jpg", "rgb.png", "palette.bmp", "lossless.webp"]
    {
        let whole = picture(name);
        for kept in [whole.len() / 2, whole.len() * 3 / 4, whole.len() - 16] {
            let result = decode(&whole[..kept], &Limits::default());
            let kind = result.map_err(|error| error.kind().clone());
            assert!(
                matches!(kind, Err(DecodeErrorKind::CutOff { .. })),
                "{name} cut to {kept} of {}: {kind:?}",
                whole.len()
            );
        }
    }
    for name in ["two-frames.gif", "rgb-lzw.tiff", "grey.tiff"] {
        let whole = picture(name);
        assert!(decode(&whole[..whole.len() / 3], &Limits::default()).is_err(), "{name}");
    }
}

#[test]
fn a_bomb_is_refused_before_it_is_decoded() {
    let mut bomb = picture("rgb.png");
    bomb[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    let crc = crc32(&bomb[12..29]).to_be_bytes();
    bomb[29..33].copy_from_slice(&crc);
    for read in [
        |b: &[u8]| decode(b, &Limits::default()).map(drop),
        |b: &[u8]| inspect(b, &Limits::default()).map(drop),
    ] {
        assert_eq!(
            read(&bomb).unwrap_err().to_string(),
            "has 50000 × 50000 pixels, more than the 100000000 allowed: if you trust it, raise --max-pixels"
        );
    }
}

#[test]
fn a_picture_without_rows_is_damaged() {
    let flat = b"P6 37 0 255\n";
    let expected = "is damaged: its header says that it has 37 × 0 pixels";
    assert_eq!(decode(flat, &Limits::default()).unwrap_err().to_string(), expected);
    assert_eq!(inspect(flat, &Limits::default()).unwrap_err().to_string(), expected);
}

#[test]
fn limits_are_kept_to_the_pixel_and_to_the_byte() {
    let bytes = picture("rgb.png");
    let size = bytes.len() as u64;
    let cases = [
        (Limits { max_pixels: 37 * 22, max_bytes: size }, true),
        (Limits { max_pixels: 37 * 22 - 1, max_bytes: size }, false),
        (Limits { max_pixels: 37 * 22, max_bytes: size - 1 }, false),
    ];
    for (limits, readable) in cases {
        assert_eq!(decode(&bytes, &limits).is_ok(), readable, "{limits:?}");
    }
}

/// CRC-32 as PNG has it, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })
    })
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_decoder_fail_other_than_by_an_error(
        name in proptest::sample::select(vec!["baseline-420.jpg", "orientation-6.jpg", "cmyk.jpg", "progressive.jpg", "palette.png", "two-frames.gif",
            "rgb.bmp", "rgb-lzw.tiff", "lossy.webp"]),
        changes in proptest::collection::vec((0usize..4000, proptest::num::u8::ANY), 1..12),
        kept in 0usize..4000,
    ) {
        let mut bytes = picture(name);
        for (at, value) in changes {
            let length = bytes.len();
            bytes[at % length] = value;
        }
        bytes.truncate(kept.max(12));
        let limits = Limits { max_pixels: 1_000_000, ..Limits::default() };
        let decoded = decode(&bytes, &limits).map(|image| (image.width(), image.height()));
        if let Ok((width, height)) = decoded {
            assert!(width * height <= 1_000_000);
        }
        // Looked at only, it is a picture of the same size, or none for the same reason.
        assert_eq!(check(&bytes, &limits).map(|seen| (seen.width, seen.height)), decoded);
    }
}
