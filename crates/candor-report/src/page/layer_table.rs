//! What the models are made of: the drawing and the table of layers.

use maud::{Markup, html};

use super::parts;
use crate::{NetworkDrawing, Report, figures, network};

pub(super) fn section(report: &Report) -> Markup {
    let mut drawings: Vec<&NetworkDrawing> = Vec::new();
    for model in &report.models {
        if !drawings.contains(&&model.network) {
            drawings.push(&model.network);
        }
    }
    parts::section(
        "network",
        "The network",
        html! {
            @for drawing in drawings {
                h3 { (drawing.name) }
                div class="network-and-table" {
                    figure class="card" { (network::inline(drawing)) }
                    (parts::scroll("Layers", table(drawing)))
                }
            }
        },
    )
}

fn table(drawing: &NetworkDrawing) -> Markup {
    html! {
        table class="figures" {
            thead {
                tr {
                    th scope="col" { "layer" }
                    th scope="col" { "output" }
                    th scope="col" { "parameters" }
                    th scope="col" { "multiply-adds" }
                }
            }
            tbody {
                tr { th scope="row" { "Input" } td { (network::shape(drawing.input)) } td { "0" } td { "0" } }
                @for layer in &drawing.layers {
                    tr {
                        th scope="row" { (layer.label) }
                        td { (network::shape(layer.output)) }
                        td { (figures::count(layer.parameters)) }
                        td { (figures::count(layer.multiply_adds)) }
                    }
                }
            }
            tfoot {
                tr {
                    th scope="row" { "all" }
                    td {}
                    td { (figures::count(drawing.parameters())) }
                    td { (figures::count(drawing.multiply_adds())) }
                }
            }
        }
    }
}
