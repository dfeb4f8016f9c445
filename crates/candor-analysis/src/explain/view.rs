//! Seeing the network: what its layers are made of, and what they make of pictures.
//!
//! A [`View`] gives rows of pictures. It says nothing of where the evidence in a picture is, so there is no gate for it: what it
//! shows is the network itself. Each view is one file; [`VIEWS`] lists them for the command line and the report.

mod feature_maps;
mod filters;
mod maximised;
#[cfg(test)]
mod tests;

use std::fmt;

use candor_core::{Channels, Image};

use super::{ExplainError, Subject};

/// Every view, from the first layer to the last.
pub static VIEWS: [&View; 3] = [&filters::VIEW, &feature_maps::VIEW, &maximised::VIEW];

/// Pictures beside each other in a row, at most.
const IN_A_ROW: usize = 8;

/// One way to look into a network.
pub struct View {
    /// Its name on the command line and in files.
    pub id: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What it shows, in plain words.
    pub shows: &'static str,
    /// When it misleads.
    pub misleads: &'static str,
    /// After whom.
    pub reference: &'static str,
    look: fn(&Subject<'_>, &[Seen<'_>]) -> Result<Vec<Row>, ExplainError>,
}

/// A picture that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What it is called.
    pub name: &'a str,
    /// As the network's input.
    pub input: &'a [f32],
}

/// Pictures beside each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What stands before them, a line each.
    pub label: Vec<String>,
    /// The pictures.
    pub images: Vec<Image>,
}

impl View {
    /// The view with this id.
    pub fn find(id: &str) -> Option<&'static View> {
        VIEWS.into_iter().find(|view| view.id == id)
    }

    /// What there is to see. `seen` are pictures for the views that look at some.
    ///
    /// # Errors
    /// When the person asked to stop, the classifier gives up, or it has nothing of the kind.
    pub fn look(&self, subject: &Subject<'_>, seen: &[Seen<'_>]) -> Result<Vec<Row>, ExplainError> {
        (self.look)(subject, seen)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Values as a picture: `low` is black, `high` is white.
fn picture(
    (height, width): (usize, usize),
    channels: Channels,
    values: &[f32],
    [low, high]: [f32; 2],
) -> Image {
    let range = (high - low).max(f32::MIN_POSITIVE);
    let byte = |value: &f32| (255.0 * (value - low) / range).round() as u8;
    Image::new(width, height, channels, values.iter().map(byte).collect()).expect("as many values as pixels")
}
