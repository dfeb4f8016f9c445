//! `lesson convolution`: what a kernel makes of a picture.

use std::path::PathBuf;

use candor_analysis::lesson::convolution::{Convolved, Kernel, convolve};
use candor_analysis::lesson::written;
use candor_core::{Fit, Image, Preprocessing};
use candor_data::decode::{Limits, read_image};
use candor_report::{ConvolutionLesson, convolution_html, png};
use serde::Serialize;

use super::{Lectured, page, quoted, quoted_path, write};
use crate::error::{Result, WorkflowError};
use crate::run_dir::RunDir;

/// Files beside the page.
const INPUT: &str = "input.png";
const OUTPUT: &str = "output.png";

/// Which picture, and which kernel.
#[derive(Clone, Debug)]
pub struct ConvolutionRequest {
    /// The picture.
    pub picture: PathBuf,
    /// A kernel's name, or its weights.
    pub kernel: String,
    /// The longest side that the kernel works on, pixels: larger pictures are made smaller first, because a kernel of three
    /// pixels finds nothing in a large one that anybody could see.
    pub side_px: usize,
    /// The folder for pictures and page, which must not exist or be empty.
    pub out: PathBuf,
}

/// What the kernel made of it.
#[derive(Clone, Debug, Serialize)]
pub struct ConvolutionResult {
    /// The picture.
    pub picture: PathBuf,
    /// The weights.
    pub kernel: Kernel,
    /// The sums.
    #[serde(flatten)]
    pub convolved: Convolved,
    /// The picture as the kernel saw it.
    pub input: PathBuf,
    /// What it made.
    pub output: PathBuf,
}

/// Slides the kernel over the picture and writes both and the page.
///
/// # Errors
/// When the picture cannot be read, the text is no kernel, or the kernel is larger than the picture.
pub fn convolution_lesson(request: &ConvolutionRequest) -> Result<Lectured<ConvolutionResult>> {
    let ConvolutionRequest { picture: path, kernel, side_px, out } = request;
    let refused =
        |error: super::KernelError| WorkflowError::Lesson { path: path.clone(), error: error.into() };
    let kernel: Kernel = kernel.parse().map_err(refused)?;
    let unreadable =
        |error: candor_core::ReadError| WorkflowError::Picture { path: path.clone(), reason: error.reason };
    let original = read_image(path, &Limits::default()).map_err(unreadable)?;
    let found = convolve(&shrunk(&original, *side_px), &kernel).map_err(refused)?;
    let dir = RunDir::create(out)?;
    dir.write(INPUT, png(&found.input))?;
    dir.write(OUTPUT, png(&found.output))?;
    let (source, sentences) = (path.display().to_string(), sentences(&original, &kernel, &found));
    let side = if *side_px == SIDE_PX { String::new() } else { format!(" --side {side_px}") };
    let command =
        format!("candor lesson convolution {} --kernel {}{side}", quoted_path(path), quoted(&request.kernel));
    let page = page("convolution", &source, &sentences, &command);
    let html = convolution_html(&ConvolutionLesson { page, kernel: &kernel, found: &found });
    let lesson = page.lesson;
    let result = ConvolutionResult {
        picture: path.clone(),
        kernel,
        convolved: found,
        input: dir.file(INPUT),
        output: dir.file(OUTPUT),
    };
    write(&dir, lesson, sentences, result, html)
}

/// The longest side where none is asked for, pixels.
pub const SIDE_PX: usize = 400;

/// In its own proportions, no side longer than `side_px`.
fn shrunk(picture: &Image, side_px: usize) -> Image {
    let longest = picture.width().max(picture.height());
    if longest <= side_px {
        return picture.clone();
    }
    let scaled = |side: usize| (side * side_px / longest).max(1);
    let (height, width) = (scaled(picture.height()), scaled(picture.width()));
    Preprocessing { height, width, channels: picture.channels(), fit: Fit::Stretch }.apply(picture)
}

fn sentences(original: &Image, kernel: &Kernel, found: &Convolved) -> Vec<String> {
    let (width, height) = (found.input.width(), found.input.height());
    let mut all = Vec::new();
    if original.width() != width {
        all.push(format!(
            "The picture of {}×{} pixels was made smaller first, to {width}×{height}: a kernel sees a few pixels at a time.",
            original.width(),
            original.height()
        ));
    }
    let finds = kernel.finds().map_or_else(String::new, |finds| format!(" It finds {finds}."));
    let adds = match kernel.is_balanced() {
        true => "Its weights add up to 0: where the picture is grey all over, the output is 0.".to_owned(),
        false => format!(
            "Its weights add up to {}: a picture that is grey all over becomes that many times as bright.",
            written(kernel.sum())
        ),
    };
    let [rows, columns] = found.size;
    all.push(format!(
        "The kernel has {} rows and {} columns.{finds} {adds}",
        kernel.rows.len(),
        kernel.rows[0].len()
    ));
    all.push(format!(
        "From {width}×{height} pixels come {columns}×{rows}, because the kernel must not hang over the edge. The sums lie between {} \
         and {}; the strongest is in column {}, row {}.",
        written(found.lowest),
        written(found.highest),
        found.strongest.x + 1,
        found.strongest.y + 1
    ));
    all
}
