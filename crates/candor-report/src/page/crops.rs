//! A page of its own for faces that were cut out of pictures: what failed, and the crops, the least sure first.

use candor_core::{Area, Channels, Image};
use maud::{Markup, html};

use super::{HTML_LIMIT_BYTES, document};
use crate::text::shorten_front;
use crate::{count, thumbnail};

/// More pictures of each kind are not shown.
pub const MOST_ON_A_SHEET: usize = 150;
/// What the words of the page may take of its size.
const TEXT_BYTES: usize = 500_000;
/// Characters of a file's name below a picture.
const NAME_CHARACTERS: usize = 40;

/// What was cut out of pictures, and out of which nothing was.
#[derive(Clone, Debug)]
pub struct CropSheet<'a> {
    /// Where the pictures are.
    pub title: &'a str,
    /// candor's version.
    pub version: &'a str,
    /// The detector and what was done with what it found, in words.
    pub how: &'a str,
    /// Pictures out of which nothing was cut: the first [`MOST_ON_A_SHEET`], with the faces found in them framed.
    pub failures: Vec<SheetPicture>,
    /// How many there are in all.
    pub all_failures: usize,
    /// Crops: of all the [`MOST_ON_A_SHEET`] with the lowest scores, ascending.
    pub crops: Vec<SheetPicture>,
    /// How many there are in all.
    pub all_crops: usize,
}

/// A picture on the sheet.
#[derive(Clone, Debug)]
pub struct SheetPicture {
    /// As large as it is to be shown, at most.
    pub image: Image,
    /// The file that it is, or that it was cut out of.
    pub file: String,
    /// Its class.
    pub class: String,
    /// What there is to say.
    pub note: String,
}

/// The page.
pub fn crop_sheet_html(sheet: &CropSheet<'_>) -> String {
    let shown: Vec<&Image> =
        sheet.failures.iter().chain(&sheet.crops).map(|picture| &picture.image).collect();
    let uris = thumbnail::data_uris(&shown, HTML_LIMIT_BYTES - TEXT_BYTES);
    let (failures, crops) = uris.split_at(sheet.failures.len());
    let failed = match sheet.all_failures {
        0 => "Something was cut out of every picture.".to_owned(),
        all => format!(
            "Nothing was cut out of {}. They are in failures.jsonl too.{}",
            pictures(all),
            first_of(sheet.failures.len(), all)
        ),
    };
    let cut = format!(
        "{} crops, the least sure first: what is no face is here at the beginning.{}",
        count(sheet.all_crops as u64),
        first_of(sheet.crops.len(), sheet.all_crops)
    );
    let body = html! {
        header {
            p class="maker" { "candor crop" }
            h1 { "Faces in " (sheet.title) }
            p { (sheet.how) }
        }
        main {
            section id="failures" { h2 { "Failures" } p { (failed) } (grid(&sheet.failures, failures)) }
            section id="crops" { h2 { "Crops" } p { (cut) } (grid(&sheet.crops, crops)) }
        }
    };
    document(&format!("Faces in {}", sheet.title), sheet.version, "", body).into_string()
}

fn pictures(number: usize) -> String {
    format!("{} {}", count(number as u64), if number == 1 { "picture" } else { "pictures" })
}

fn first_of(shown: usize, all: usize) -> String {
    if shown < all { format!(" The first {} are shown.", count(shown as u64)) } else { String::new() }
}

fn grid(pictures: &[SheetPicture], uris: &[Option<String>]) -> Markup {
    html! {
        div class="grid" {
            @for (picture, uri) in pictures.iter().zip(uris) {
                figure class="picture" {
                    @if let Some(uri) = uri {
                        img src=(uri) alt={ (picture.note) ": " (picture.file) } title=(picture.file)
                            width=(picture.image.width()) height=(picture.image.height());
                    }
                    figcaption {
                        span class="class" { (picture.class) }
                        span class="provenance" title=(picture.file) { (shorten_front(&picture.file, NAME_CHARACTERS)) }
                        span class="truth" { (picture.note) }
                    }
                }
            }
        }
    }
}

/// The picture as the page shows it, with frames around `areas` of the original.
pub fn framed_thumbnail(image: &Image, areas: &[Area]) -> Image {
    let small = thumbnail::thumbnail(image);
    if areas.is_empty() {
        return small;
    }
    let small = small.to_channels(Channels::Rgb);
    let (width, height) = (small.width(), small.height());
    let scaled = |at: usize, from: usize, to: usize| (at * to / from).min(to - 1);
    let frames: Vec<[usize; 4]> = areas
        .iter()
        .map(|area| {
            [
                scaled(area.x, image.width(), width),
                scaled(area.x + area.width, image.width(), width),
                scaled(area.y, image.height(), height),
                scaled(area.y + area.height, image.height(), height),
            ]
        })
        .collect();
    let on_frame = |x: usize, y: usize| {
        frames.iter().any(|&[left, right, top, bottom]| {
            let inside = (left..=right).contains(&x) && (top..=bottom).contains(&y);
            inside && (x == left || x == right || y == top || y == bottom)
        })
    };
    let mut pixels = small.into_pixels();
    for (at, pixel) in pixels.chunks_exact_mut(3).enumerate() {
        if on_frame(at % width, at / width) {
            pixel.copy_from_slice(&[255, 210, 0]);
        }
    }
    Image::new(width, height, Channels::Rgb, pixels).expect("the sides are those of the thumbnail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_lies_around_what_was_found_and_within_the_thumbnail() {
        let image = Image::filled(256, 128, Channels::Grey, 0);
        let area = |x, y, width, height| Area { x, y, width, height };
        let framed = framed_thumbnail(&image, &[area(20, 20, 40, 40), area(200, 80, 56, 48)]);
        assert_eq!((framed.width(), framed.height()), (128, 64));
        for (x, y, is_frame) in
            [(10, 10, true), (30, 20, true), (20, 20, false), (127, 63, true), (5, 5, false)]
        {
            assert_eq!(framed.pixel(x, y) == [255, 210, 0], is_frame, "{x}, {y}");
        }
        assert_eq!(framed_thumbnail(&image, &[]).channels(), Channels::Grey);
    }

    #[test]
    fn the_sheet_names_what_failed_and_says_how_much_it_leaves_out() {
        let picture = |file: &str, note: &str| SheetPicture {
            image: Image::filled(20, 20, Channels::Rgb, 9),
            file: file.to_owned(),
            class: "staff".to_owned(),
            note: note.to_owned(),
        };
        let page = crop_sheet_html(&CropSheet {
            title: "st <1>",
            version: "0.1.0",
            how: "the only face",
            failures: vec![picture("a/<b>.jpg", "no face was found")],
            all_failures: 1,
            crops: vec![picture("c.jpg", "score 2.1")],
            all_crops: 1200,
        });
        for says in [
            "Faces in st &lt;1&gt;",
            "a/&lt;b&gt;.jpg",
            "no face was found",
            "1,200 crops",
            "The first 1 are shown.",
        ] {
            assert!(page.contains(says), "{says}: {page}");
        }
        assert!(!page.contains("<b>.jpg"));
    }
}
