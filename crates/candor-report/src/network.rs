//! A network as a drawing: a stack of blocks from the input at the top to the answer at the bottom.
//!
//! A block is as wide and as deep as its maps have columns and rows, and as thick as there are maps, all on a
//! logarithmic scale. A list of values is a flat bar, as long as it has values. Layers that change no shape and hold no
//! parameters are a bead on the line. Beside each stand its settings, its output and its parameters.

mod block;

use maud::{Markup, PreEscaped, html};

use crate::text::shorten;
use crate::{Layer, NetworkDrawing, Shape, figures, theme};
use block::{Block, px};

const WIDTH: f64 = 420.0;
/// Where the middle of all blocks lies.
const SPINE: f64 = 84.0;
/// Where the words begin.
const WORDS: f64 = 176.0;
/// Characters that fit beside a block.
const MOST_CHARACTERS: usize = 38;
const GAP: f64 = 16.0;
/// Room for the two lines of words beside a block, and for the one beside a bead.
const LEAST_HEIGHT: f64 = 32.0;
const BEAD_HEIGHT: f64 = 16.0;
/// More rows than this are drawn at a smaller scale, so that a deep network still fits two pages.
const MANY_ROWS: usize = 16;

/// The network as a standalone SVG file with its own colours, readable on white: what `candor models --svg` writes.
pub fn network_svg(drawing: &NetworkDrawing) -> String {
    let (content, height) = content(drawing);
    // Many programs that read SVG know no CSS variables, so the colours are written out.
    let style = theme::LIGHT.resolve(STANDALONE_STYLE);
    html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        svg xmlns="http://www.w3.org/2000/svg" class="network" width=(WIDTH) height=(height)
            viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(alt(drawing)) {
            title { (drawing.name) }
            style { (PreEscaped(style)) }
            rect width="100%" height="100%" fill="#ffffff" {}
            (content)
        }
    }
    .into_string()
}

/// The same inside the page, in the page's colours.
pub(crate) fn inline(drawing: &NetworkDrawing) -> Markup {
    let (content, height) = content(drawing);
    html! {
        svg class="network" viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(alt(drawing)) {
            (content)
        }
    }
}

/// The page's rules for the drawing, for where there is no page.
pub(crate) const STYLE: &str = include_str!("network/style.css");
const STANDALONE_STYLE: &str = concat!(
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\n",
    include_str!("network/style.css")
);

/// One line of the drawing, from top to bottom.
struct Row {
    block: Block,
    kind: &'static str,
    name: String,
    detail: String,
}

fn content(drawing: &NetworkDrawing) -> (Markup, f64) {
    let rows = rows(drawing);
    let scale = if rows.len() > MANY_ROWS { 0.7 } else { 1.0 };
    let mut middles = Vec::with_capacity(rows.len());
    let mut y = 8.0;
    for row in &rows {
        middles.push(y + row.height(scale) / 2.0);
        y += row.height(scale) + GAP;
    }
    let markup = html! {
        @for (row, &middle) in rows.iter().zip(&middles) { (row.draw(middle, scale)) }
        @for (pair, ends) in rows.windows(2).zip(middles.windows(2)) {
            (arrow(ends[0] + pair[0].block.height(scale) / 2.0, ends[1] - pair[1].block.height(scale) / 2.0))
        }
    };
    (markup, (y - GAP + 10.0).ceil())
}

/// What flows from one block's lower edge to the next one's upper edge.
fn arrow(from: f64, to: f64) -> Markup {
    let (from, to) = (from + 2.0, to - 2.0);
    let head =
        format!("M{} {}L{SPINE} {}L{} {}", SPINE - 3.5, px(to - 4.0), px(to), SPINE + 3.5, px(to - 4.0));
    html! {
        line class="flow" x1=(SPINE) x2=(SPINE) y1=(px(from)) y2=(px(to)) {}
        path class="flow" d=(head) {}
    }
}

fn rows(drawing: &NetworkDrawing) -> Vec<Row> {
    let input = Row {
        block: Block::of(drawing.input),
        kind: "input",
        name: "Input".to_owned(),
        detail: shape(drawing.input),
    };
    let mut before = drawing.input;
    let layers = drawing.layers.iter().map(|layer| {
        let row = Row::of(layer, before);
        before = layer.output;
        row
    });
    std::iter::once(input).chain(layers).collect()
}

impl Row {
    fn of(layer: &Layer, before: Shape) -> Row {
        let passes_through = layer.parameters == 0 && layer.output == before;
        let parameters = match layer.parameters {
            0 => String::new(),
            n => format!(" · {} parameters", figures::count(n)),
        };
        Row {
            block: if passes_through { Block::Bead } else { Block::of(layer.output) },
            kind: colour(&layer.kind),
            name: layer.label.clone(),
            detail: if passes_through { String::new() } else { shape(layer.output) + &parameters },
        }
    }

    fn height(&self, scale: f64) -> f64 {
        let least = if self.detail.is_empty() { BEAD_HEIGHT } else { LEAST_HEIGHT };
        self.block.height(scale).max(least)
    }

    fn draw(&self, middle: f64, scale: f64) -> Markup {
        let name_y = if self.detail.is_empty() { middle + 4.0 } else { middle - 3.0 };
        html! {
            g class={ "layer " (self.kind) } {
                title { (self.name) ": " (self.detail) }
                (self.block.draw(SPINE, middle, scale))
                text class="label" x=(WORDS) y=(px(name_y)) { (shorten(&self.name, MOST_CHARACTERS)) }
                @if !self.detail.is_empty() {
                    text class="detail" x=(WORDS) y=(px(middle + 12.0)) { (self.detail) }
                }
            }
        }
    }
}

/// Which of the theme's block colours a kind of layer has.
fn colour(kind: &str) -> &'static str {
    let kind = kind.to_lowercase();
    match kind.as_str() {
        k if k.contains("conv") => "conv",
        k if k.contains("pool") => "pool",
        k if k.contains("dense") || k.contains("linear") => "dense",
        _ => "other",
    }
}

/// `26 × 26 × 32` or `1,600`.
pub(crate) fn shape(shape: Shape) -> String {
    match shape {
        Shape::Maps { height, width, channels } => format!("{height} × {width} × {channels}"),
        Shape::Vector { units } => figures::count(units as u64),
    }
}

fn alt(drawing: &NetworkDrawing) -> String {
    format!(
        "Drawing of the network {}: {} layers from {} to {}, {} parameters",
        drawing.name,
        drawing.layers.len(),
        shape(drawing.input),
        drawing.layers.last().map_or_else(String::new, |layer| shape(layer.output)),
        figures::count(drawing.parameters()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(kind: &str, label: &str, output: Shape, parameters: u64) -> Layer {
        Layer { kind: kind.into(), label: label.into(), output, parameters, multiply_adds: 0 }
    }

    fn small() -> NetworkDrawing {
        let maps = |side, channels| Shape::Maps { height: side, width: side, channels };
        NetworkDrawing {
            name: "small <net>".into(),
            input: maps(28, 1),
            layers: vec![
                layer("Conv2d", "Conv 32 3×3 valid, ReLU", maps(26, 32), 320),
                layer("MaxPool2d", "MaxPool 2", maps(13, 32), 0),
                layer("Flatten", "Flatten", Shape::Vector { units: 5408 }, 0),
                layer("Dropout", "Dropout .5", Shape::Vector { units: 5408 }, 0),
                layer("Dense", "Dense 10, softmax", Shape::Vector { units: 10 }, 54_090),
            ],
        }
    }

    #[test]
    fn every_layer_stands_there_with_its_shape_and_parameters() {
        let svg = network_svg(&small());
        for part in ["Conv 32 3×3 valid, ReLU", "26 × 26 × 32 · 320 parameters", "5,408", "54,090 parameters"]
        {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert!(svg.contains("small &lt;net&gt;") && !svg.contains("<net>"), "names are escaped");
        assert_eq!(svg.matches("class=\"layer").count(), 6, "the input and five layers");
        assert_eq!(svg.matches("class=\"bead").count(), 1, "only dropout changes nothing");
    }

    #[test]
    fn a_standalone_file_needs_no_css_variables() {
        let svg = network_svg(&small());
        assert!(!svg.contains("var("), "{svg}");
        assert!(svg.contains("fill:#"), "{svg}");
    }

    #[test]
    fn sixty_layers_stay_below_a_row_of_sixty_pixels_each() {
        let mut deep = small();
        deep.layers = (0..60).map(|_| deep.layers[0].clone()).collect();
        let (_, height) = content(&deep);
        assert!(height < 61.0 * 60.0, "{height}");
    }
}
