//! What should say nothing of the class, and how far a simple model gets that sees nothing else.

use std::collections::BTreeMap;

use crate::audit::Case;
use crate::baseline::{Baseline, Lesson, Rows, View};

/// Each number of a file is cut into so many parts with as many pictures each.
const BINS: usize = 8;
/// Most names of one kind, such as cameras, that are told apart.
const MOST_NAMES: usize = 50;

/// Something that should say nothing.
pub(super) struct Cue {
    /// Within a sentence.
    pub name: &'static str,
    pub kind: Kind,
}

/// What a cue is: that decides how the network is asked whether it depends on it.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A part of the picture, which can be exchanged for that of another one.
    Place(View),
    /// The mean colour, all over the picture: it may be what the classes are about.
    Colour,
    /// Size and compression of the file, which can be made alike.
    File,
    /// Where the picture comes from. It cannot be changed, but there are pictures of which it says the wrong class.
    Origin(fn(&Case<'_>, usize) -> Option<String>),
}

impl Cue {
    /// Whether it is the mean colour, which never fails.
    pub fn is_colour(&self) -> bool {
        matches!(self.kind, Kind::Colour)
    }
}

/// In the order of the table.
pub(super) static CUES: [Cue; 8] = [
    Cue { name: "the corners", kind: Kind::Place(View::Corners) },
    Cue { name: "the border", kind: Kind::Place(View::Border) },
    Cue { name: "the mean colour", kind: Kind::Colour },
    Cue { name: "the file (size, compression)", kind: Kind::File },
    Cue { name: "the camera (EXIF, names of files)", kind: Kind::Origin(camera) },
    Cue {
        name: "the software (EXIF)",
        kind: Kind::Origin(|case, index| case.facts[index].file.as_ref()?.software.clone()),
    },
    Cue {
        name: "the day (EXIF)",
        kind: Kind::Origin(|case, index| case.facts[index].file.as_ref()?.day.clone()),
    },
    Cue { name: "the source (column, web site, folder)", kind: Kind::Origin(|_, _| None) },
];

fn camera(case: &Case<'_>, index: usize) -> Option<String> {
    let camera = case.facts[index].file.as_ref().and_then(|file| file.camera.clone());
    camera.or_else(|| case.name_pattern(index).map(str::to_owned))
}

/// What the simple model says of each of `judged` after learning from `learn`. `None` where there is nothing of the kind.
pub(super) fn blind_answers(
    case: &Case<'_>,
    cue: &Cue,
    learn: &[usize],
    judged: &[usize],
) -> Option<Vec<usize>> {
    let [known, new] = rows(case, cue, learn, judged)?;
    let labels: Vec<usize> = learn.iter().map(|&index| case.samples()[index].class).collect();
    let model = Baseline::find("logistic-regression")?;
    let learned = model.learn(&Lesson::new(&known, &labels, case.classes().len())).ok()?;
    Some(learned.guess(&new))
}

fn rows(case: &Case<'_>, cue: &Cue, learn: &[usize], judged: &[usize]) -> Option<[Rows; 2]> {
    let seen = |view: View| {
        [learn, judged]
            .map(|indices| Rows::of(indices.iter().map(|&index| view.row(&(case.seen)(index))).collect()))
    };
    match cue.kind {
        Kind::Place(view) => Some(seen(view)),
        Kind::Colour => Some(seen(View::MeanColour)),
        Kind::File => binned(learn, judged, |index| case.facts[index].row()),
        Kind::Origin(_) if cue.name.starts_with("the source") => {
            let sources = case.sources()?;
            // A camera has a row of its own.
            let is_camera = sources.what.contains("camera") || sources.what.contains("pattern");
            let name = |index: usize| sources.of[index].map(|source| sources.names[source].clone());
            (!is_camera).then(|| named(learn, judged, name)).flatten()
        }
        Kind::Origin(name) => named(learn, judged, |index| name(case, index)),
    }
}

/// One column for each of the most frequent names, and one for none. `None` where all are alike.
fn named(learn: &[usize], judged: &[usize], name: impl Fn(usize) -> Option<String>) -> Option<[Rows; 2]> {
    let mut counts: BTreeMap<Option<String>, usize> = BTreeMap::new();
    learn.iter().for_each(|&index| *counts.entry(name(index)).or_default() += 1);
    let mut names: Vec<&Option<String>> = counts.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(counts[*name]));
    names.truncate(MOST_NAMES);
    if names.len() < 2 {
        return None;
    }
    let row = |&index: &usize| {
        let own = name(index);
        names.iter().map(|name| f64::from(u8::from(**name == own))).collect()
    };
    Some([learn, judged].map(|indices| Rows::of(indices.iter().map(row).collect())))
}

/// Each number as a place among those learned from: one value of 1 a number. `None` where all are alike.
fn binned(learn: &[usize], judged: &[usize], row: impl Fn(usize) -> Vec<f64>) -> Option<[Rows; 2]> {
    let known: Vec<Vec<f64>> = learn.iter().map(|&index| row(index)).collect();
    let new: Vec<Vec<f64>> = judged.iter().map(|&index| row(index)).collect();
    let columns = known.iter().chain(&new).map(Vec::len).min()?;
    let edges: Vec<Vec<f64>> = (0..columns).map(|column| edges(&known, column)).collect();
    if edges.iter().all(|edges| edges.len() < 2) {
        return None;
    }
    let place = |row: &Vec<f64>| {
        edges.iter().enumerate().flat_map(|(column, edges)| one_hot(edges, row[column])).collect::<Vec<f64>>()
    };
    Some([&known, &new].map(|rows| Rows::of(rows.iter().map(place).collect())))
}

/// The values that begin the parts of a column, ascending and different.
fn edges(rows: &[Vec<f64>], column: usize) -> Vec<f64> {
    let mut values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
    values.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = (0..BINS).map(|bin| values[bin * values.len() / BINS]).collect();
    edges.dedup();
    edges
}

fn one_hot(edges: &[f64], value: f64) -> Vec<f64> {
    let place = edges.iter().rposition(|&edge| value >= edge).unwrap_or(0);
    (0..edges.len()).map(|at| f64::from(u8::from(at == place))).collect()
}
