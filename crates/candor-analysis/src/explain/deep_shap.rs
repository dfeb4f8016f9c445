//! DeepSHAP.

use candor_core::Quantity;

use super::{ExplainError, Map, Method, Subject};

pub(super) static METHOD: Method = Method {
    id: "deep-shap",
    title: "DeepSHAP",
    shows: "How many points of the class's score each pixel adds or takes away, compared with the same pixel of background \
            pictures. The values of all pixels add up to the difference of the scores.",
    misleads: "A pixel that is the same in the picture and in all of the background gets nothing, although its value may \
               matter. Interactions of pixels are distributed by a rule, layer by layer, not measured.",
    reference: "Lundberg and Lee, “A unified approach to interpreting model predictions”, NeurIPS 2017, section 4.2; \
                Shrikumar, Greenside and Kundaje, “Learning important features through propagating activation differences”, \
                ICML 2017.",
    adds_up: true,
    explain,
};

fn explain(subject: &Subject<'_>, picture: &[f32], classes: &[usize]) -> Result<Vec<Map>, ExplainError> {
    subject.go_on()?;
    let of: Vec<Quantity> = classes.iter().map(|&class| Quantity::Score(class)).collect();
    let values = subject.network.contributions(picture, subject.background, &of)?;
    let (height, width) = subject.size();
    let scores = subject.network.evidence(picture)?.scores;
    let map = |(values, &class): (&[f32], &usize)| {
        let map = Map::of_pixels(height, width, values);
        let difference = f64::from(scores[class]) - subject.background_score(class);
        Map { gap: Some((map.sum() - difference) as f32), ..map }
    };
    Ok(values.chunks_exact(picture.len()).zip(classes).map(map).collect())
}
