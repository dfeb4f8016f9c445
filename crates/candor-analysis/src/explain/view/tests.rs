//! The views on a network small enough to be seen through.

use candor_core::{Seed, Silent};

use super::super::tests::{PATCH, Planted, SIDE, background, picture};
use super::*;

#[test]
fn every_view_shows_something_and_every_word_is_there() {
    let (network, background, bright) = (Planted::new(), background(), picture(1, true));
    let subject = Subject::new(&network, &background, &bright, Seed(1), &Silent).unwrap();
    let seen = [Seen { name: "bright", input: &bright }];
    for view in VIEWS {
        assert!(std::ptr::eq(View::find(view.id).unwrap(), view), "{view:?}");
        for text in [view.title, view.shows, view.misleads, view.reference] {
            assert!(!text.is_empty() && !text.contains("  "), "{view:?}: {text}");
        }
        let rows = view.look(&subject, &seen).unwrap();
        assert_eq!(rows, view.look(&subject, &seen).unwrap(), "{view:?}");
        assert!(!rows.is_empty() && rows.iter().all(|row| !row.images.is_empty()), "{view:?}");
    }
    assert!(View::find("tea-leaves").is_none());
}

#[test]
fn the_picture_that_maximises_the_class_has_the_planted_patch() {
    let (network, background, bright) = (Planted::new(), background(), picture(1, true));
    let subject = Subject::new(&network, &background, &bright, Seed(1), &Silent).unwrap();
    let rows = maximised::VIEW.look(&subject, &[Seen { name: "bright", input: &bright }]).unwrap();
    let [plain, patch] = [0, 1].map(|class: usize| mean_on_patch(&rows[class].images[0]));
    assert!(patch > 200.0 && plain < 55.0, "{patch} and {plain}");
    assert_eq!(rows[1].label[0], "patch");
    assert!(rows[1].label[2].starts_with("real pictures: "), "{:?}", rows[1].label);
}

#[test]
fn filters_are_drawn_on_one_scale_with_grey_for_zero() {
    let (network, background, bright) = (Planted::new(), background(), picture(1, true));
    let subject = Subject::new(&network, &background, &bright, Seed(1), &Silent).unwrap();
    let rows = filters::VIEW.look(&subject, &[]).unwrap();
    assert_eq!(rows[0].label, ["activation", "filters 1 to 2 of 2"]);
    assert_eq!(rows[0].images[0].pixels(), [0, 128, 255, 128]);
}

fn mean_on_patch(image: &Image) -> f64 {
    let inside = |at: &usize| PATCH.contains(&(at / SIDE)) && PATCH.contains(&(at % SIDE));
    let values: Vec<f64> = (0..SIDE * SIDE).filter(inside).map(|at| f64::from(image.pixels()[at])).collect();
    values.iter().sum::<f64>() / values.len() as f64
}
