//! Trainings that begin with another model's weights, keep layers as they are, or average their weights; and the range
//! test of the learning rate.

use candor_core::Silent;
use candor_workflow::recipe::RecipeFile;
use candor_workflow::run_dir::{FEATURES, INITIAL, LEARNING_RATES_SVG, RECIPE};
use candor_workflow::{RunRequest, WorkflowError, find_lr, resume, train};
use safetensors::SafeTensors;

use super::{Place, StopAfter};

fn tensor(place: &Place, run: &str, name: &str) -> Vec<u8> {
    let bytes = place.read(run, "model.safetensors");
    SafeTensors::deserialize(&bytes).unwrap().tensor(name).unwrap().data().to_vec()
}

fn with(request: RunRequest, more: &str) -> RunRequest {
    let flags = RecipeFile::parse(more).unwrap();
    RunRequest { recipe: request.recipe.with(&flags), ..request }
}

/// Interrupts a training again and again, and holds it against a whole one.
pub fn assert_survives(place: &Place, request: impl Fn(&str) -> RunRequest) {
    train(&request("whole"), &Silent).unwrap();
    let pieces = RunRequest { threads: 1, ..request("pieces") };
    let mut outcome = train(&pieces, &StopAfter::new(9)).map(drop);
    let mut stops = 0;
    for steps in [12, 2, 17, 25, 1000, 1000] {
        let Err(error) = &outcome else { break };
        let WorkflowError::Stopped { run: Some(run) } = error else { panic!("{error}") };
        stops += 1;
        outcome = resume(run, 1 + stops % 2, &StopAfter::new(steps)).map(drop);
    }
    outcome.unwrap();
    assert!(stops > 3, "it was stopped only {stops} times");
    place.assert_same("whole", "pieces");
}

#[test]
fn frozen_layers_stay_as_they_were_and_a_killed_training_goes_on_to_the_same_bits() {
    let place = Place::new();
    assert_survives(&place, |out| with(place.request(out, 2), "[training]\nfreeze = \"up to conv2d_2\""));
    let other = with(place.request("other", 1), "[training]\nepochs = 1\nfreeze = \"up to conv2d_2\"");
    train(&other, &Silent).unwrap();
    for name in ["conv2d_1.weight", "conv2d_2.bias"] {
        assert_eq!(tensor(&place, "whole", name), tensor(&place, "other", name), "{name}");
    }
    assert_ne!(tensor(&place, "whole", "dense_1.weight"), tensor(&place, "other", "dense_1.weight"));
    assert!(
        FEATURES.iter().all(|name| !place.at("whole").join(name).exists()),
        "they are of no use any more"
    );
}

#[test]
fn kept_outputs_of_frozen_layers_change_nothing() {
    let place = Place::new();
    // One variant a picture, so that both trainings see the same: once kept, once computed in every epoch.
    let frozen =
        "[augmentation]\nfactor = 1\n[training]\nepochs = 1\nfreeze = \"up to conv2d_1\"\nvariants = ";
    train(&with(place.request("kept", 1), &format!("{frozen}1")), &Silent).unwrap();
    train(&with(place.request("anew", 1), &format!("{frozen}0")), &Silent).unwrap();
    for name in ["conv2d_1.weight", "conv2d_2.weight", "conv2d_2.bias", "dense_1.weight", "dense_1.bias"] {
        assert_eq!(tensor(&place, "kept", name), tensor(&place, "anew", name), "{name}");
    }
}

#[test]
fn averaged_and_clipped_trainings_survive_interruptions() {
    let more = "[training]\nema = 0.9\nclip_norm = 0.5\nlabel_smoothing = 0.1\nclass_weights = \"balanced\"\n\
                [training.optimizer]\nkind = \"adamw\"\n[training.schedule]\nkind = \"inverse-time\"";
    let place = Place::new();
    assert_survives(&place, |out| with(place.request(out, 2), more));
}

#[test]
fn a_training_begins_with_the_weights_that_it_is_given() {
    let place = Place::new();
    train(&place.request("first", 1), &Silent).unwrap();
    let init = format!("[training]\nepochs = 1\nfreeze = \"up to conv2d_2\"\ninit = {:?}", place.at("first"));
    train(&with(place.request("second", 1), &init), &Silent).unwrap();
    assert_eq!(tensor(&place, "second", "conv2d_1.weight"), tensor(&place, "first", "conv2d_1.weight"));
    assert!(place.at("second").join(INITIAL).exists());
    let missing = "[training]\ninit = \"/nowhere/at/all\"";
    let error = train(&with(place.request("third", 1), missing), &Silent).unwrap_err().to_string();
    assert_eq!(error, "/nowhere/at/all: is no model of candor: there is no such file or folder");
    assert!(!place.at("third").exists(), "nothing is left of a run that could not begin");
}

#[test]
fn a_layer_that_is_not_there_cannot_be_frozen() {
    let place = Place::new();
    let more = "[training]\nfreeze = \"up to conv9_9\"";
    let error = train(&with(place.request("run", 1), more), &Silent).unwrap_err().to_string();
    assert!(error.contains("no layer is called conv9_9"), "{error}");
}

#[test]
fn the_range_test_writes_its_drawing_and_no_run() {
    let place = Place::new();
    let found = find_lr(&place.request("rates", 1), &Silent).unwrap();
    assert!(found.steps.len() > 20 && found.lowest_at > 1e-7, "{found:?}");
    assert!(found.suggestion.is_some_and(|rate| rate < found.lowest_at), "{:?}", found.suggestion);
    let drawing = String::from_utf8(place.read("rates", LEARNING_RATES_SVG)).unwrap();
    assert!(drawing.contains("suggested"), "{drawing}");
    assert!(!place.at("rates").join(RECIPE).exists());
}
