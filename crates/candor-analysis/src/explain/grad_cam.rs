//! Grad-CAM.

use candor_core::{LayerFacts, Quantity};

use super::{ExplainError, Map, Method, Subject};

pub(super) static METHOD: Method = Method {
    id: "grad-cam",
    title: "Grad-CAM",
    shows: "Which regions switch on the last feature maps that speak for the class. Coarse, and for the class only.",
    misleads: "It shows no evidence against a class, and no detail finer than the last feature maps. Where there are several \
               objects of a class, it may show one.",
    reference: "Selvaraju and others, “Grad-CAM: visual explanations from deep networks via gradient-based localization”, \
                ICCV 2017, equations 1 and 2.",
    adds_up: false,
    explain,
};

fn explain(subject: &Subject<'_>, picture: &[f32], classes: &[usize]) -> Result<Vec<Map>, ExplainError> {
    let weigh = |_: &[f32], gradient: &[f32]| gradient.iter().sum::<f32>() / gradient.len() as f32;
    class_activation(subject, picture, classes, weigh)
}

/// The last layer that computes feature maps and still has places: what comes behind a global pooling says where nothing is,
/// and what a pooling makes of maps is only coarser.
pub(super) fn target(layers: &[LayerFacts]) -> Option<(&str, [usize; 3])> {
    let computes = |layer: &LayerFacts| {
        ["conv2d", "activation", "batch-norm", "add", "concat", "multiply"].contains(&layer.kind.as_str())
    };
    let mut all = layers.iter().rev().filter(|layer| computes(layer));
    all.find_map(|layer| Some((layer.name.as_str(), layer.maps.filter(|[h, w, _]| h.min(w) >= &2)?)))
}

/// max(0, Σ weight · feature map) of the last layer with feature maps, as large as the picture; the weight of a map is found
/// from its values and their gradients.
pub(super) fn class_activation(
    subject: &Subject<'_>,
    picture: &[f32],
    classes: &[usize],
    weigh: impl Fn(&[f32], &[f32]) -> f32,
) -> Result<Vec<Map>, ExplainError> {
    subject.go_on()?;
    let layers = subject.network.layers();
    let (layer, [height, width, _]) = target(&layers).ok_or(ExplainError::NoFeatureMaps)?;
    let maps = subject.network.maps(picture, layer)?;
    let of_class = |&class: &usize| {
        let gradients = subject.network.map_gradient(picture, layer, &[Quantity::Score(class)])?;
        let mut values = vec![0.0; height * width];
        for (map, gradient) in maps.chunks_exact(height * width).zip(gradients.chunks_exact(height * width)) {
            let weight = weigh(map, gradient);
            values.iter_mut().zip(map).for_each(|(sum, value)| *sum += weight * value);
        }
        values.iter_mut().for_each(|value| *value = value.max(0.0));
        let (rows, columns) = subject.size();
        Ok(Map { height, width, values, gap: None }.enlarged(rows, columns))
    };
    classes.iter().map(of_class).collect()
}
