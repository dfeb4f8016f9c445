//! The filters of the first layer.

use super::{ExplainError, IN_A_ROW, Row, Seen, Subject, View, picture};

pub(super) static VIEW: View = View {
    id: "filters",
    title: "First-layer filters",
    shows: "What the first layer looks for at each place: a picture that matches a filter, bright where it is bright and dark where \
            it is dark, makes its feature map large. Middle grey is a weight of zero; one scale for all.",
    misleads: "Only the first layer sees the picture itself, so only its filters are pictures of anything. Small filters look alike in \
               most networks, whatever they were trained for, and filters like noise are a sign of too little training, not of \
               a secret.",
    reference: "Krizhevsky, Sutskever and Hinton, “ImageNet classification with deep convolutional neural networks”, NeurIPS 2012, \
                figure 3.",
    look,
};

/// More filters than this are counted, not drawn.
const MOST: usize = 64;

fn look(subject: &Subject<'_>, _seen: &[Seen<'_>]) -> Result<Vec<Row>, ExplainError> {
    let filters = subject.network.filters().ok_or(ExplainError::NoFilters)?;
    let [height, width] = filters.size;
    let channels = subject.network.input().channels;
    let len = height * width * channels.count();
    let largest = filters.weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
    let all: Vec<&[f32]> = filters.weights.chunks_exact(len).collect();
    let row = |(number, some): (usize, &[&[f32]])| {
        let first = number * IN_A_ROW + 1;
        Row {
            label: vec![
                filters.layer.clone(),
                format!("filters {first} to {} of {}", first + some.len() - 1, all.len()),
            ],
            images: some
                .iter()
                .map(|weights| picture((height, width), channels, weights, [-largest, largest]))
                .collect(),
        }
    };
    Ok(all[..all.len().min(MOST)].chunks(IN_A_ROW).enumerate().map(row).collect())
}
