//! The inside of a trained network, as explanations see it: feature maps, contributions, and the same network with random
//! weights.

use candor_core::{
    ClassifyError, DifferentiableClassifier, Filters, LayerFacts, NetworkClassifier, Quantity, Seed,
};
use candor_engine::layer::{Activation, Layer};
use candor_engine::{DeepLift, End, Inputs, Network, Parameters, Predictor, Shape};

use crate::differentiate::{Gradients, batch_of, sign};
use crate::error::Result;
use crate::model::TrainedModel;

type Answer<T> = std::result::Result<T, ClassifyError>;

/// What is compiled for explanations, when it is first needed.
#[derive(Default)]
pub(crate) struct Inside {
    contributions: Option<DeepLift>,
    cut: Option<Cut>,
}

/// A network in two parts.
struct Cut {
    layer: String,
    front: Predictor,
    back: Gradients,
    /// Height, width and channels between them.
    maps: [usize; 3],
}

impl Cut {
    fn new(model: &TrainedModel, layer: &str) -> Answer<Cut> {
        let (front, back) = model.network().split_after(layer).map_err(failed)?;
        let Shape::Image { height, width, channels } = front.output() else {
            return Err(ClassifyError(format!("layer {layer} has no feature maps")));
        };
        let of = |network: &Network| part_of(model.parameters(), network);
        let (batch, classes) = (batch_of(&front), model.about().classes.len());
        Ok(Cut {
            layer: layer.to_owned(),
            front: Predictor::new(&front, &of(&front)?, batch, model.threads()).map_err(failed)?,
            back: Gradients::new(&back, &of(&back)?, classes, model.threads()).map_err(failed)?,
            maps: [height, width, channels],
        })
    }

    fn maps(&mut self, inputs: &[f32], pictures: usize) -> Vec<f32> {
        let mut maps = vec![0.0; pictures * self.maps.iter().product::<usize>()];
        self.front.predict(Inputs::Floats(inputs), &mut maps);
        maps
    }

    fn gradient(&mut self, maps: &[f32], of: &[Quantity]) -> Answer<Vec<f32>> {
        let [height, width, channels] = self.maps;
        let inputs = transposed(maps, channels, height * width);
        Ok(transposed(&self.back.gradient(&inputs, of)?, height * width, channels))
    }
}

/// Of each picture, `rows` × `columns` values as `columns` × `rows`.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let pictures = values.chunks_exact(rows * columns);
    let value = |picture: &[f32], at: usize| picture[at % rows * columns + at / rows];
    pictures.flat_map(|picture| (0..rows * columns).map(move |at| value(picture, at))).collect()
}

/// Those of the parameters that belong to a part of the network.
fn part_of(parameters: &Parameters, network: &Network) -> Answer<Parameters> {
    let names = Parameters::zeros(network);
    let tensors = parameters.tensors().iter().filter(|tensor| names.get(&tensor.name).is_some());
    Parameters::from_tensors(network, tensors.cloned().collect()).map_err(failed)
}

fn failed(error: impl ToString) -> ClassifyError {
    ClassifyError(error.to_string())
}

impl TrainedModel {
    fn with_cut<T>(&self, layer: &str, work: impl FnOnce(&mut Cut) -> Answer<T>) -> Answer<T> {
        let mut inside = self.inside().lock().map_err(|_| ClassifyError("it has crashed before".into()))?;
        if inside.cut.as_ref().is_none_or(|cut| cut.layer != layer) {
            inside.cut = Some(Cut::new(self, layer)?);
        }
        work(inside.cut.as_mut().expect("it was put there"))
    }

    /// Where the contributions to a quantity begin, and what the units weigh there.
    fn seed(&self, of: Quantity) -> Answer<(End, Vec<f32>)> {
        let (units, classes) = (self.network().output().len(), self.about().classes.len());
        let is_single = units == 1 && classes == 2;
        let ending = self.network().output_activation();
        let is_probability = ending == Activation::Softmax || (is_single && ending == Activation::Sigmoid);
        let (end, class) = match of {
            Quantity::Score(class) => (End::Score, class),
            Quantity::Probability(class) if is_probability => (End::Output, class),
            Quantity::Probability(_) => {
                return Err(failed(
                    "contributions to a probability need a network that ends in softmax or in one sigmoid",
                ));
            }
            Quantity::Loss(_) => {
                return Err(failed("contributions are to scores and probabilities, not to a loss"));
            }
        };
        if class >= classes {
            return Err(ClassifyError(format!("there is no class number {} among its {classes}", class + 1)));
        }
        let unit = |unit: usize| f32::from(unit == class);
        Ok((end, if is_single { vec![sign(class)] } else { (0..units).map(unit).collect() }))
    }
}

impl NetworkClassifier for TrainedModel {
    fn layers(&self) -> Vec<LayerFacts> {
        let facts = |node: &candor_engine::NetworkNode| {
            let maps = match node.output {
                Shape::Image { height, width, channels }
                    if self.network().split_after(&node.name).is_ok() =>
                {
                    Some([height, width, channels])
                }
                _ => None,
            };
            let is_trained = node.parameters().iter().any(|spec| spec.trained);
            LayerFacts { name: node.name.clone(), kind: node.layer.kind().to_owned(), maps, is_trained }
        };
        self.network().nodes().iter().map(facts).collect()
    }

    fn contributions(&self, inputs: &[f32], references: &[f32], of: &[Quantity]) -> Answer<Vec<f32>> {
        let len = self.network().input().len();
        if references.is_empty() || !references.len().is_multiple_of(len) || !inputs.len().is_multiple_of(len)
        {
            return Err(ClassifyError(format!("an input and a reference have {len} values each")));
        }
        let seeds: Vec<(End, Vec<f32>)> = of.iter().map(|&of| self.seed(of)).collect::<Answer<_>>()?;
        let mut inside = self.inside().lock().map_err(|_| ClassifyError("it has crashed before".into()))?;
        let kept = inside.contributions.take().filter(|kept| kept.references() == references);
        let deep_lift = match kept {
            Some(kept) => kept,
            None => {
                let at_once = batch_of(self.network());
                DeepLift::new(self.network(), self.parameters(), references, at_once, self.threads())
                    .map_err(failed)?
            }
        };
        let deep_lift = inside.contributions.insert(deep_lift);
        let mut all = vec![0.0; inputs.len() * of.len()];
        for end in [End::Score, End::Output] {
            let chosen: Vec<usize> = (0..of.len()).filter(|&at| seeds[at].0 == end).collect();
            let weights: Vec<Vec<f32>> = chosen.iter().map(|&at| seeds[at].1.clone()).collect();
            let parts = deep_lift.contributions(inputs, end, &weights);
            for (index, part) in parts.chunks_exact(len).enumerate() {
                let (input, which) = (index / chosen.len(), chosen[index % chosen.len()]);
                all[(input * of.len() + which) * len..][..len].copy_from_slice(part);
            }
        }
        Ok(all)
    }

    fn filters(&self) -> Option<Filters> {
        let node = self.network().nodes().first()?;
        let Layer::Conv2d(conv) = &node.layer else { return None };
        let Shape::Image { channels, .. } = node.input else { return None };
        let weight = &self.parameters().get(&format!("{}.weight", node.name))?.values;
        let taps = conv.kernel.rows * conv.kernel.columns;
        (conv.groups == 1).then(|| Filters {
            layer: node.name.clone(),
            size: [conv.kernel.rows, conv.kernel.columns],
            weights: transposed(weight, channels, taps),
        })
    }

    fn maps(&self, inputs: &[f32], layer: &str) -> Answer<Vec<f32>> {
        let pictures = inputs.len() / self.input().bytes();
        self.with_cut(layer, |cut| Ok(cut.maps(inputs, pictures)))
    }

    fn map_gradient(&self, inputs: &[f32], layer: &str, of: &[Quantity]) -> Answer<Vec<f32>> {
        let pictures = inputs.len() / self.input().bytes();
        self.with_cut(layer, |cut| {
            let maps = cut.maps(inputs, pictures);
            cut.gradient(&maps, of)
        })
    }

    fn randomised(&self, layers: &[String], seed: Seed) -> Answer<Box<dyn NetworkClassifier>> {
        let initial = Parameters::initial(self.network(), seed.0);
        let is_random =
            |name: &str| layers.iter().any(|layer| name.rsplit_once('.').is_some_and(|(of, _)| of == layer));
        let tensors = self.parameters().tensors().iter().zip(initial.into_tensors());
        let chosen =
            tensors.map(|(learned, new)| if is_random(&learned.name) { new } else { learned.clone() });
        let parameters = Parameters::from_tensors(self.network(), chosen.collect()).map_err(failed)?;
        let model: Result<TrainedModel> = self.with_parameters(parameters);
        Ok(Box::new(model.map_err(failed)?))
    }
}
