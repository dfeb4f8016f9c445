//! The page of the lesson on convolution.

use candor_analysis::lesson::convolution::{Convolved, Kernel};
use candor_core::Image;
use maud::{Markup, html};

use super::{LessonPage, card};
use crate::page::parts;
use crate::thumbnail::data_uri;

/// A picture and what a kernel made of it.
#[derive(Clone, Copy, Debug)]
pub struct ConvolutionLesson<'a> {
    /// What every page needs.
    pub page: LessonPage<'a>,
    /// The weights.
    pub kernel: &'a Kernel,
    /// What it made of the picture.
    pub found: &'a Convolved,
}

/// Pictures smaller than this are shown with their pixels.
const SMALL_PX: usize = 200;

/// The lesson as a self-contained page.
pub fn convolution_html(lesson: &ConvolutionLesson<'_>) -> String {
    let ConvolutionLesson { page, kernel, found } = *lesson;
    let output = match kernel.is_balanced() {
        true => "The output. Grey is 0; what is brighter is positive, what is darker negative.",
        false => "The output: the sums as they are, cut to 0 and 255.",
    };
    page.render(html! {
        (parts::section("pictures", "Before and after", html! {
            div class="plots" {
                (card(picture(&found.input, "The picture in grey"), "The picture, as the kernel sees it."))
                (card(picture(&found.output, "What the kernel made of it"), output))
            }
            (weights("The kernel", &kernel.rows))
        }))
        (parts::section("place", "One place written out", html! {
            p {
                "In column " (found.strongest.x + 1) " and row " (found.strongest.y + 1) " of the output the sum is the strongest: each \
                 pixel below the kernel times its weight, and all of them together."
            }
            div class="beside" {
                (weights("Pixels", &found.strongest.pixels))
                (weights("times weights", &kernel.rows))
                (weights("give", &products(kernel, found)))
            }
            p { "Together: " strong { (number(found.strongest.sum)) } "." }
        }))
    })
}

fn products(kernel: &Kernel, found: &Convolved) -> Vec<Vec<f64>> {
    let rows = kernel.rows.iter().zip(&found.strongest.pixels);
    rows.map(|(weights, pixels)| weights.iter().zip(pixels).map(|(w, &p)| w * f64::from(p)).collect())
        .collect()
}

fn picture(image: &Image, alt: &str) -> Markup {
    let is_small = image.width().max(image.height()) < SMALL_PX;
    html! {
        img class=[is_small.then_some("pixels")] src=(data_uri(image)) alt=(alt) width=(image.width()) height=(image.height());
    }
}

fn weights<T: Copy + Into<f64>>(caption: &str, rows: &[Vec<T>]) -> Markup {
    parts::scroll(
        caption,
        html! {
            table class="kernel" {
                caption { (caption) }
                @for row in rows { tr { @for &weight in row { td { (number(weight.into())) } } } }
            }
        },
    )
}

/// At most four decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
