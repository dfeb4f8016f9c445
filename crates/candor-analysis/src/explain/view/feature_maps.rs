//! What each layer makes of a picture.

use candor_core::{Channels, LayerFacts};

use super::{ExplainError, IN_A_ROW, Row, Seen, Subject, View, picture};

pub(super) static VIEW: View = View {
    id: "feature-maps",
    title: "Feature maps, layer by layer",
    shows: "What the layers make of a picture: of each layer the maps that differ most from place to place, bright where they are \
            large. Each row has one scale. From layer to layer they become coarser: less like the picture, more like the class.",
    misleads: "A map that lights up somewhere does not have to matter for the prediction. The maps shown are those that differ most on \
               this picture: on another one there are others.",
    reference: "Zeiler and Fergus, “Visualizing and understanding convolutional networks”, ECCV 2014; Yosinski and others, \
                “Understanding neural networks through deep visualization”, 2015, section 2.",
    look,
};

/// Pictures that are looked at; and layers of each.
const PICTURES: usize = 4;
const LAYERS: usize = 8;

fn look(subject: &Subject<'_>, seen: &[Seen<'_>]) -> Result<Vec<Row>, ExplainError> {
    let layers = subject.network.layers();
    let chosen = spread(&stages(&layers));
    if chosen.is_empty() {
        return Err(ExplainError::NoFeatureMaps);
    }
    let mut rows: Vec<Vec<Row>> =
        seen.iter().take(PICTURES).map(|seen| vec![itself(subject, seen)]).collect();
    // Layer by layer for all pictures: the network is cut apart once a layer.
    for layer in chosen {
        for (rows, seen) in rows.iter_mut().zip(seen) {
            subject.go_on()?;
            rows.push(of_layer(
                &layer.name,
                layer.maps.unwrap_or_default(),
                &subject.network.maps(seen.input, &layer.name)?,
            ));
        }
    }
    Ok(rows.concat())
}

/// The layers whose maps are done: what a normalisation or activation follows is only on the way.
fn stages(layers: &[LayerFacts]) -> Vec<&LayerFacts> {
    let is_on_the_way = |next: Option<&LayerFacts>| {
        next.is_some_and(|next| ["batch-norm", "activation"].contains(&next.kind.as_str()))
    };
    let has_places = |layer: &LayerFacts| layer.maps.is_some_and(|[height, width, _]| height.min(width) >= 2);
    let all = layers.iter().enumerate();
    all.filter(|(index, layer)| has_places(layer) && !is_on_the_way(layers.get(index + 1)))
        .map(|(_, layer)| layer)
        .collect()
}

/// At most [`LAYERS`] of them, the first and the last among them.
fn spread<'a>(all: &[&'a LayerFacts]) -> Vec<&'a LayerFacts> {
    let count = all.len().min(LAYERS);
    (0..count).map(|index| all[index * (all.len() - 1) / (count - 1).max(1)]).collect()
}

fn itself(subject: &Subject<'_>, seen: &Seen<'_>) -> Row {
    let image = picture(subject.size(), subject.network.input().channels, seen.input, [0.0, 1.0]);
    Row { label: vec![seen.name.to_owned(), "the picture".to_owned()], images: vec![image] }
}

fn of_layer(name: &str, [height, width, channels]: [usize; 3], maps: &[f32]) -> Row {
    let mut all: Vec<&[f32]> = maps.chunks_exact(height * width).collect();
    all.sort_by(|a, b| variance(b).total_cmp(&variance(a)));
    all.truncate(IN_A_ROW);
    let bounds = [f32::INFINITY, f32::NEG_INFINITY];
    let bounds = all.iter().copied().flatten().fold(bounds, |[low, high], &v| [low.min(v), high.max(v)]);
    let images = all.iter().map(|map| picture((height, width), Channels::Grey, map, bounds)).collect();
    let label = vec![name.to_owned(), format!("{height}×{width}, {} of {channels} maps", all.len())];
    Row { label, images }
}

fn variance(map: &[f32]) -> f64 {
    let mean = map.iter().map(|&v| f64::from(v)).sum::<f64>() / map.len() as f64;
    map.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_spread_from_the_first_to_the_last_and_those_on_the_way_are_left_out() {
        let layer = |(index, kind): (usize, &str)| LayerFacts {
            name: format!("layer {index}"),
            kind: kind.into(),
            maps: Some([4, 4, 8]),
            is_trained: true,
        };
        let kinds = ["conv2d", "batch-norm", "activation", "max-pool2d"].repeat(12);
        let layers: Vec<LayerFacts> = kinds.into_iter().enumerate().map(layer).collect();
        let stages = stages(&layers);
        assert_eq!(stages.len(), 24);
        let chosen = spread(&stages);
        assert_eq!((chosen.len(), &chosen[0].name[..], &chosen[7].name[..]), (8, "layer 2", "layer 47"));
        assert_eq!(spread(&stages[..1]).len(), 1);
        assert!(spread(&[]).is_empty());
    }
}
