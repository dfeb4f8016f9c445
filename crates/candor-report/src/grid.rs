//! Figures made of pictures in rows, with words before and above them. What is drawn is told once; the SVG and the PNG show
//! the same.

use candor_core::{Channels, Image};
use font8x8::{BASIC_FONTS, GREEK_FONTS, LATIN_FONTS, UnicodeFonts};
use maud::{Markup, html};

use crate::colour_scale::ColourScale;
use crate::text::shorten;
use crate::thumbnail::{data_uri, png};

/// Side of a cell, px; small pictures are enlarged to it pixel by pixel.
const CELL_PX: usize = 84;
const GAP_PX: usize = 6;
/// Room for a row's words and their lines, for the names of the columns, and for a title and the scale.
const LABEL_PX: usize = 228;
const LINE_PX: usize = 18;
const HEAD_PX: usize = 30;
const FOOT_PX: usize = 72;
/// Characters that fit before a row, and above a column.
const LABEL_CHARACTERS: usize = 27;
const NAME_CHARACTERS: usize = 11;
/// The PNG is larger than the SVG by this much, so that its letters can be read.
const ZOOM: usize = 2;
/// Side of a letter in the PNG, before it is enlarged.
const LETTER_PX: usize = 8;
const INK: [u8; 3] = [0x1a; 3];

/// Rows of pictures.
#[derive(Clone, Debug, Default)]
pub struct PictureGrid {
    /// What a reader hears who cannot see it.
    pub description: String,
    /// Above everything, where there is something to say.
    pub title: Option<String>,
    /// What stands above each column; none where the columns have no names.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<GridRow>,
    /// What the colours mean, below everything.
    pub scale: Option<ColourScale>,
}

/// One row.
#[derive(Clone, Debug, Default)]
pub struct GridRow {
    /// What stands before it, a line each.
    pub label: Vec<String>,
    /// Its pictures.
    pub cells: Vec<Image>,
}

/// Something in its place, px from the upper left corner.
enum Mark<'a> {
    /// From the baseline's left end, or its middle.
    Words {
        x: usize,
        y: usize,
        is_centred: bool,
        is_bold: bool,
        text: String,
    },
    Picture {
        x: usize,
        y: usize,
        image: &'a Image,
    },
    Bar {
        x: usize,
        y: usize,
        image: Image,
    },
}

const BAR_PX: [usize; 2] = [240, 12];

impl PictureGrid {
    /// The figure, self-contained.
    pub fn svg(&self) -> String {
        let [width, height] = self.size();
        html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height)
                font-family="system-ui,sans-serif" font-size="13" fill="#1a1a1a" role="img" aria-label=(self.description) {
                rect width="100%" height="100%" fill="#fff" {}
                @for mark in self.marks() { (mark.svg()) }
            }
        }
        .into_string()
            + "\n"
    }

    /// The same in pixels. Letters that the small built-in font has not (it has Latin and Greek ones) are boxes.
    pub fn png(&self) -> Vec<u8> {
        let [width, height] = self.size().map(|px| px * ZOOM);
        let mut canvas = Canvas { width, pixels: vec![255; width * height * 3] };
        self.marks().iter().for_each(|mark| mark.paint(&mut canvas));
        let image = Image::new(width, height, Channels::Rgb, canvas.pixels);
        png(&image.expect("the canvas was made for these sides"))
    }

    fn size(&self) -> [usize; 2] {
        let cells = self.rows.iter().map(|row| row.cells.len()).chain([self.columns.len(), 1]).max();
        let foot = if self.scale.is_some() { FOOT_PX } else { GAP_PX };
        let bar = if self.scale.is_some() { BAR_PX[0] + GAP_PX } else { 0 };
        [
            LABEL_PX + bar.max(cells.unwrap_or(1) * (CELL_PX + GAP_PX)),
            self.top() + self.rows.len() * (CELL_PX + GAP_PX) + foot,
        ]
    }

    /// Where the rows begin.
    fn top(&self) -> usize {
        HEAD_PX * (usize::from(self.title.is_some()) + usize::from(!self.columns.is_empty())).max(1)
    }

    fn marks(&self) -> Vec<Mark<'_>> {
        let (step, top) = (CELL_PX + GAP_PX, self.top());
        let mut marks = Vec::new();
        if let Some(title) = &self.title {
            let text = shorten(title, self.size()[0] / LETTER_PX - 2);
            marks.push(Mark::Words { x: 8, y: 21, is_centred: false, is_bold: true, text });
        }
        for (column, name) in self.columns.iter().enumerate() {
            let (x, y) = (LABEL_PX + column * step + CELL_PX / 2, top - 10);
            let text = shorten(name, NAME_CHARACTERS);
            marks.push(Mark::Words { x, y, is_centred: true, is_bold: false, text });
        }
        for (number, row) in self.rows.iter().enumerate() {
            let y = top + number * step;
            let first = y + (CELL_PX + LINE_PX - LINE_PX * row.label.len().max(1)) / 2 + 4;
            for (line, text) in row.label.iter().enumerate() {
                let text = shorten(text, LABEL_CHARACTERS);
                let y = first + LINE_PX * line;
                marks.push(Mark::Words { x: 8, y, is_centred: false, is_bold: line == 0, text });
            }
            let cells = row.cells.iter().enumerate();
            marks.extend(cells.map(|(column, image)| Mark::Picture {
                x: LABEL_PX + column * step,
                y,
                image,
            }));
        }
        if let Some(scale) = &self.scale {
            let (x, y) = (LABEL_PX, top + self.rows.len() * step + 10);
            marks.push(Mark::Bar { x, y, image: scale.bar() });
            for tick in scale.ticks() {
                let x = x + (tick.place * BAR_PX[0] as f32).round() as usize;
                marks.push(Mark::Words { x, y: y + 28, is_centred: true, is_bold: false, text: tick.text });
            }
            for (text, x) in scale.words.iter().zip([x, x + BAR_PX[0] / 2]) {
                let text = text.clone();
                marks.push(Mark::Words { x, y: y + 46, is_centred: false, is_bold: false, text });
            }
        }
        marks
    }
}

impl Mark<'_> {
    fn svg(&self) -> Markup {
        match self {
            Mark::Words { x, y, is_centred, is_bold, text } => html! {
                text x=(x) y=(y) text-anchor=[is_centred.then_some("middle")] font-weight=[is_bold.then_some("600")] { (text) }
            },
            Mark::Picture { x, y, image } => html! {
                image x=(x) y=(y) width=(CELL_PX) height=(CELL_PX) style="image-rendering:pixelated" href=(data_uri(image)) {}
            },
            Mark::Bar { x, y, image } => html! {
                image x=(x) y=(y) width=(BAR_PX[0]) height=(BAR_PX[1]) preserveAspectRatio="none"
                    style="image-rendering:pixelated" href=(data_uri(image)) {}
                rect x=(x) y=(y) width=(BAR_PX[0]) height=(BAR_PX[1]) fill="none" stroke="#bbb" {}
            },
        }
    }

    fn paint(&self, canvas: &mut Canvas) {
        match self {
            Mark::Words { x, y, is_centred, is_bold, text } => {
                let half = if *is_centred { text.chars().count() * LETTER_PX / 2 } else { 0 };
                let start = x.saturating_sub(half) * ZOOM;
                for shift in 0..=usize::from(*is_bold) {
                    canvas.write(start + shift, (y - LETTER_PX) * ZOOM, text);
                }
            }
            Mark::Picture { x, y, image } => canvas.place(x * ZOOM, y * ZOOM, CELL_PX * ZOOM, image),
            Mark::Bar { x, y, image } => {
                let [width, height] = BAR_PX.map(|px| px * ZOOM);
                for (across, down) in
                    (0..width).flat_map(|across| (0..height).map(move |down| (across, down)))
                {
                    let rgb = image.pixel(across * (image.width() - 1) / (width - 1), 0);
                    canvas.set(x * ZOOM + across, y * ZOOM + down, [rgb[0], rgb[1], rgb[2]]);
                }
            }
        }
    }
}

struct Canvas {
    width: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    fn set(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        if x < self.width
            && let Some(pixel) = self.pixels.get_mut((y * self.width + x) * 3..(y * self.width + x) * 3 + 3)
        {
            pixel.copy_from_slice(&colour);
        }
    }

    /// A picture in a square of `side` px, in its own proportions.
    fn place(&mut self, x: usize, y: usize, side: usize, image: &Image) {
        let rgb = image.to_channels(Channels::Rgb);
        let longest = rgb.width().max(rgb.height());
        let [width, height] = [rgb.width(), rgb.height()].map(|px| (px * side / longest).max(1));
        let (left, top) = (x + (side - width) / 2, y + (side - height) / 2);
        for (across, down) in (0..width).flat_map(|across| (0..height).map(move |down| (across, down))) {
            let pixel = rgb.pixel(across * rgb.width() / width, down * rgb.height() / height);
            self.set(left + across, top + down, [pixel[0], pixel[1], pixel[2]]);
        }
    }

    fn write(&mut self, x: usize, y: usize, text: &str) {
        for (number, letter) in text.chars().enumerate() {
            let x = x + number * LETTER_PX * ZOOM;
            for (row, bits) in glyph(letter).into_iter().enumerate() {
                for column in (0..LETTER_PX).filter(|column| bits >> column & 1 == 1) {
                    for at in 0..ZOOM * ZOOM {
                        self.set(x + column * ZOOM + at % ZOOM, y + row * ZOOM + at / ZOOM, INK);
                    }
                }
            }
        }
    }
}

/// Eight rows of eight bits, the lowest one to the left.
fn glyph(letter: char) -> [u8; LETTER_PX] {
    const BOX: [u8; LETTER_PX] = [0x7f, 0x41, 0x41, 0x41, 0x41, 0x41, 0x7f, 0];
    const DOTS: [u8; LETTER_PX] = [0, 0, 0, 0, 0, 0, 0x49, 0];
    let letter = match letter {
        '…' => return DOTS,
        '−' | '–' => '-',
        '“' | '”' => '"',
        '‘' | '’' => '\'',
        other => other,
    };
    let found =
        BASIC_FONTS.get(letter).or_else(|| LATIN_FONTS.get(letter)).or_else(|| GREEK_FONTS.get(letter));
    found.unwrap_or(BOX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour_scale::colour_of;

    fn decoded(bytes: &[u8]) -> (usize, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width as usize, pixels)
    }

    #[test]
    fn the_png_has_the_pictures_and_the_words_of_the_svg() {
        let row = GridRow {
            label: vec!["a <b>".into(), "Straße, −1".into()],
            cells: vec![Image::filled(2, 1, Channels::Grey, 0), Image::filled(1, 1, Channels::Rgb, 90)],
        };
        let scale = ColourScale { end: 4.0, words: ["less".into(), "more".into()] };
        let grid = PictureGrid {
            description: "x & y".into(),
            title: Some("What is seen".into()),
            columns: vec!["one".into()],
            rows: vec![row],
            scale: Some(scale),
        };
        let svg = grid.svg();
        for text in
            ["a &lt;b&gt;", "Straße, −1", "x &amp; y", "What is seen", "one", "less", "more", "+2.0", "−4.0"]
        {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        let (width, pixels) = decoded(&grid.png());
        assert_eq!(width, ZOOM * (LABEL_PX + BAR_PX[0] + GAP_PX), "the bar is wider than two pictures");
        let ink = |x: std::ops::Range<usize>, y: std::ops::Range<usize>| {
            let dark = |x: usize, y: usize| pixels[(y * ZOOM * width + x * ZOOM) * 3] < 100;
            y.flat_map(|y| x.clone().map(move |x| (x, y))).filter(|&(x, y)| dark(x, y)).count()
        };
        let bar_y = grid.top() + CELL_PX + GAP_PX + 10 + 1;
        let bar: Vec<[u8; 3]> = (0..BAR_PX[0] * ZOOM)
            .map(|across| {
                pixels[(bar_y * ZOOM * width + LABEL_PX * ZOOM + across) * 3..][..3].try_into().unwrap()
            })
            .collect();
        let at = |share: f32| colour_of(share, 255.0);
        assert_eq!((bar[0], bar[bar.len() - 1]), (at(-1.0), at(1.0)));
        let near = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 3);
        assert!(
            near(bar[3 * (bar.len() - 1) / 4], at(0.5)),
            "the bar of the PNG is coloured as the maps are"
        );
        assert!(ink(8..120, 10..22) > 50, "the title is written");
        assert!(ink(8..120, grid.top()..grid.top() + CELL_PX) > 50, "the label is written");
        assert_eq!(
            ink(LABEL_PX..LABEL_PX + CELL_PX, grid.top()..grid.top() + CELL_PX),
            CELL_PX * CELL_PX / 2
        );
    }

    #[test]
    fn letters_that_the_font_has_not_are_boxes() {
        assert_eq!(glyph('馬'), glyph('ж'));
        assert_ne!(glyph('ß'), glyph('ж'));
        assert_eq!(glyph('−'), glyph('-'));
    }
}
