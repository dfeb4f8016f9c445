//! Exported models in onnxruntime against candor's own answers. Needs a Python with `onnx` and `onnxruntime`: the one
//! that `CANDOR_PYTHON` names, else `python3`; without, the test says that it was skipped.

use std::fs;
use std::path::Path;
use std::process::Command;

use candor_core::{Channels, Classifier, Image, SampleId};
use candor_engine::{Parameters, architecture};

use super::to_onnx;
use crate::model::TrainedModel;
use crate::recipe::{Facts, RecipeFile, resolve};

const SCRIPT: &str = include_str!("check.py");
const PICTURES: usize = 3;
/// The script's exit code where packages are missing.
const MISSING: i32 = 3;

/// Layers of every kind that the architectures leave out, with odd windows, strides and paddings.
const EVERY_KIND: &str = r#"
[[network.layers]]
kind = "zero-pad2d"
top = 1
left = 2
[[network.layers]]
kind = "conv2d"
filters = 6
kernel = [3, 2]
stride = [2, 1]
padding = "same"
groups = 3
bias = false
activation = "tanh"
[[network.layers]]
name = "norm"
kind = "batch-norm"
epsilon = 0.01
[[network.layers]]
name = "pooled"
kind = "avg-pool2d"
size = 3
stride = 2
padding = "same"
[[network.layers]]
name = "largest"
kind = "max-pool2d"
size = 3
stride = 2
padding = "same"
inputs = ["norm"]
[[network.layers]]
name = "both"
kind = "concat"
inputs = ["pooled", "largest"]
[[network.layers]]
name = "mean"
kind = "global-avg-pool"
keep = true
[[network.layers]]
name = "gate"
kind = "activation"
function = "sigmoid"
[[network.layers]]
name = "gated"
kind = "multiply"
inputs = ["both", "gate"]
[[network.layers]]
name = "sum"
kind = "add"
inputs = ["gated", "both"]
[[network.layers]]
kind = "dropout"
rate = 0.5
[[network.layers]]
kind = "upsample2d"
factor = [2, 3]
[[network.layers]]
kind = "activation"
function = "leaky-relu"
[[network.layers]]
kind = "activation"
function = "relu6"
[[network.layers]]
kind = "activation"
function = "silu"
[[network.layers]]
kind = "activation"
function = "hard-swish"
[[network.layers]]
kind = "activation"
function = "gelu"
[[network.layers]]
kind = "flatten"
[[network.layers]]
kind = "dense"
units = 5
bias = false
activation = "relu"
[[network.layers]]
kind = "dense"
units = 4
[[network.layers]]
kind = "activation"
function = "softmax"
"#;

#[test]
fn onnxruntime_gives_the_same_answers() {
    let mut recipes: Vec<(String, usize)> = [2, 4]
        .into_iter()
        .flat_map(|classes| architecture::ALL.iter().map(move |known| (known, classes)))
        // The largest is made of the same layers as others.
        .filter(|(known, _)| known.name != "vgg16-full")
        .map(|(known, classes)| (format!("architecture = \"{}\"", known.name), classes))
        .collect();
    recipes.push((EVERY_KIND.to_owned(), 4));
    for (recipe, classes) in recipes {
        let model = model(&recipe, classes);
        let images: Vec<Image> = (0..PICTURES).map(picture).collect();
        let Some(theirs) = in_onnxruntime(&model, &images) else {
            println!("skipped: there is no Python with onnx and onnxruntime (CANDOR_PYTHON can name one)");
            return;
        };
        let ours: Vec<f32> =
            model.predict(&images).unwrap().into_iter().flat_map(|answer| answer.probabilities).collect();
        assert_eq!(ours.len(), theirs.len(), "{recipe}");
        let differences = ours.iter().zip(&theirs).map(|(ours, theirs)| (ours - theirs).abs());
        let largest = differences.fold(0.0, f32::max);
        println!("{}: largest difference {largest:.1e}", model.about().architecture);
        assert!(largest <= 1e-5, "{recipe}: {ours:?} {theirs:?}");
    }
}

/// A model with random weights whose batch norms have seen something.
fn model(recipe: &str, classes: usize) -> TrainedModel {
    let typed = format!("{recipe}\n[preprocessing]\nheight = 44\nwidth = 37\nchannels = \"rgb\"\n");
    let facts = Facts { classes, ..Facts::default() };
    let (recipe, _) = resolve(&RecipeFile::parse(&typed).unwrap(), &facts).unwrap();
    let network = recipe.build(classes).unwrap();
    let mut parameters = Parameters::initial(&network, 7);
    for tensor in parameters.tensors_mut() {
        let unusual = tensor.name.contains("running") || tensor.name.ends_with("bias");
        let values = tensor.values.iter_mut().enumerate().filter(|_| unusual);
        values.for_each(|(index, value)| *value += 0.1 * (index % 5) as f32);
    }
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    TrainedModel::new(&recipe, &names, parameters, SampleId::of(b""), 1, 1).unwrap()
}

fn picture(seed: usize) -> Image {
    let pixels = (0..44 * 37 * 3).map(|at| ((at * 37 + at / 5 * 11 + seed * 91) % 256) as u8).collect();
    Image::new(37, 44, Channels::Rgb, pixels).unwrap()
}

/// What the exported model gives; `None` where it cannot be run.
fn in_onnxruntime(model: &TrainedModel, images: &[Image]) -> Option<Vec<f32>> {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("check.py"), SCRIPT).unwrap();
    fs::write(at("model.onnx"), to_onnx(model)).unwrap();
    let pixels: Vec<u8> = images.iter().flat_map(|image| image.pixels().to_vec()).collect();
    fs::write(at("pixels"), pixels).unwrap();
    run(&["check.py", "model.onnx", "pixels", "outputs", "44", "37", "3"], dir.path())?;
    let outputs = fs::read(at("outputs")).unwrap();
    Some(outputs.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

fn run(arguments: &[&str], dir: &Path) -> Option<()> {
    let python = std::env::var_os("CANDOR_PYTHON").unwrap_or_else(|| "python3".into());
    let done = Command::new(python).args(arguments).current_dir(dir).output().ok()?;
    if done.status.code() == Some(MISSING) {
        return None;
    }
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(())
}
