//! What belongs together, and why: pictures of one page, one video, one burst. Values in, values out.
//!
//! A split that tears such pictures apart judges a classifier on what it has practically seen. Near copies are found
//! elsewhere, by their pixels, and come in as groups of [`Tie::Duplicates`].

use std::collections::BTreeMap;

use candor_core::Sample;
use serde::Serialize;

use crate::split::{join, root};

/// Seconds between two pictures of one burst, at most.
const BURST_SECONDS: i64 = 3;

/// A reason to keep pictures together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tie {
    /// The source says so: its column of groups.
    Group,
    /// They were found on the same page: the attribute `page`.
    Page,
    /// They are from the same web site.
    Host,
    /// Their file names say that they are frames of one video, or shots of one burst.
    Name,
    /// The same camera took them within seconds (EXIF).
    Camera,
    /// They show the same: one is a scaled, cropped, mirrored or brightened copy of the other.
    Duplicates,
}

impl Tie {
    /// All of them.
    pub const ALL: [Tie; 6] = [Tie::Group, Tie::Page, Tie::Host, Tie::Name, Tie::Camera, Tie::Duplicates];

    /// Those that hold unless something else is asked for. Whole web sites are too large to be kept together always.
    pub const USUAL: [Tie; 5] = [Tie::Group, Tie::Page, Tie::Name, Tie::Camera, Tie::Duplicates];

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Tie::Group => "group",
            Tie::Page => "page",
            Tie::Host => "host",
            Tie::Name => "name",
            Tie::Camera => "camera",
            Tie::Duplicates => "duplicates",
        }
    }
}

/// Pictures that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tied {
    /// What ties them.
    pub tie: Tie,
    /// Which it is, in words.
    pub why: String,
    /// Their places, ascending; at least two.
    pub members: Vec<usize>,
}

/// What a picture says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exif {
    /// The camera's local time, `YYYY-MM-DD HH:MM:SS`.
    pub taken_at: Option<String>,
    /// Maker and model.
    pub camera: Option<String>,
}

/// Finds what `ties` ask for, but for near copies. `exif` is in the order of `samples`.
pub fn find(samples: &[Sample], exif: &[Exif], ties: &[Tie]) -> Vec<Tied> {
    let found = |tie: &Tie| match tie {
        Tie::Group => by_key(samples, Tie::Group, |s| s.group.clone(), |key| format!("group \"{key}\"")),
        Tie::Page => {
            by_key(samples, Tie::Page, |s| s.attributes.get("page").cloned(), |key| format!("page {key}"))
        }
        Tie::Host => by_key(
            samples,
            Tie::Host,
            |s| s.provenance.site().map(str::to_owned),
            |key| format!("web site {key}"),
        ),
        Tie::Name => {
            by_key(samples, Tie::Name, |s| series(&s.provenance.file), |key| format!("series {key}"))
        }
        Tie::Camera => bursts(exif),
        Tie::Duplicates => Vec::new(),
    };
    ties.iter().flat_map(found).collect()
}

/// The chains that groups form: for each of `pictures`, the first picture of its chain; itself where nothing ties it.
pub fn chains(pictures: usize, groups: &[Tied]) -> Vec<usize> {
    let mut parent: Vec<usize> = (0..pictures).collect();
    for group in groups {
        group.members.windows(2).for_each(|two| join(&mut parent, two[0], two[1]));
    }
    (0..pictures).map(|at| root(&mut parent, at)).collect()
}

fn by_key(
    samples: &[Sample],
    tie: Tie,
    key: impl Fn(&Sample) -> Option<String>,
    why: impl Fn(&str) -> String,
) -> Vec<Tied> {
    let mut members: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, sample) in samples.iter().enumerate() {
        if let Some(key) = key(sample) {
            members.entry(key).or_default().push(at);
        }
    }
    let groups = members.into_iter().filter(|(_, members)| members.len() > 1);
    groups.map(|(key, members)| Tied { tie, why: why(&key), members }).collect()
}

/// The video or burst that a file's name speaks of: `clip-1_frame0012.jpg` is of `clip-1`, `IMG_7_BURST002.jpg` of `IMG_7`.
/// A number alone says nothing: cameras number all their pictures.
fn series(file: &str) -> Option<String> {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let without_number = stem.trim_end_matches("_COVER").trim_end_matches(|c: char| c.is_ascii_digit());
    let has_number = without_number.len() < stem.len();
    let separator = |c: char| "-_. ".contains(c);
    let word = without_number.trim_end_matches(separator);
    let lower = word.to_ascii_lowercase();
    let ends = ["frame", "frm", "burst"].into_iter().find(|end| lower.ends_with(end))?;
    let name = word[..word.len() - ends.len()].trim_end_matches(separator);
    (has_number && !name.is_empty()).then(|| name.to_owned())
}

/// Pictures of one camera, each within seconds of the one before.
fn bursts(exif: &[Exif]) -> Vec<Tied> {
    let mut shots: BTreeMap<&str, Vec<(i64, usize)>> = BTreeMap::new();
    for (at, exif) in exif.iter().enumerate() {
        if let Some(second) = exif.taken_at.as_deref().and_then(seconds) {
            shots.entry(exif.camera.as_deref().unwrap_or("a camera")).or_default().push((second, at));
        }
    }
    let mut bursts = Vec::new();
    for (camera, mut shots) in shots {
        shots.sort_unstable();
        for burst in shots.chunk_by(|a, b| b.0 - a.0 <= BURST_SECONDS).filter(|burst| burst.len() > 1) {
            let mut members: Vec<usize> = burst.iter().map(|&(_, at)| at).collect();
            members.sort_unstable();
            let when = exif[burst[0].1].taken_at.as_deref().unwrap_or_default();
            bursts.push(Tied { tie: Tie::Camera, why: format!("{camera}, {when}"), members });
        }
    }
    bursts
}

/// Seconds on a calendar without leap seconds. Only differences matter.
fn seconds(time: &str) -> Option<i64> {
    let parts: Vec<i64> = time.split(['-', ':', ' ']).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [year, month, day, hour, minute, second] = parts[..] else { return None };
    // Days from the civil calendar: Howard Hinnant, "chrono-compatible low-level date algorithms".
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use candor_core::{Provenance, SampleId};

    use super::*;

    #[test]
    fn names_of_videos_and_bursts_are_told_from_numbers() {
        for (file, expected) in [
            ("a/clip-1_frame0012.jpg", Some("a/clip-1")),
            ("clip frame 3.png", Some("clip")),
            ("IMG_7_BURST002.jpg", Some("IMG_7")),
            ("0010_BURST20190101120000_COVER.jpg", Some("0010")),
            ("IMG_0012.jpg", None),
            ("frame0001.jpg", None),
            ("picture-frame.jpg", None),
        ] {
            assert_eq!(series(file).as_deref(), expected, "{file}");
        }
    }

    #[test]
    fn a_burst_is_one_camera_within_seconds_also_over_midnight() {
        let shot = |camera: &str, time: &str| Exif {
            taken_at: Some(time.to_owned()),
            camera: Some(camera.to_owned()),
        };
        let exif = [
            shot("A", "2024-02-29 00:00:01"),
            shot("B", "2024-02-28 23:59:59"),
            shot("A", "2024-02-28 23:59:59"),
            shot("A", "2024-02-29 00:00:09"),
            Exif::default(),
        ];
        let found = bursts(&exif);
        let expected = Tied { tie: Tie::Camera, why: "A, 2024-02-28 23:59:59".into(), members: vec![0, 2] };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn pages_sites_and_groups_are_found_and_chained() {
        let sample = |number: u8, group: Option<&str>, url: Option<&str>| Sample {
            id: SampleId::of(&[number]),
            class: 0,
            group: group.map(str::to_owned),
            provenance: Provenance { url: url.map(str::to_owned), ..Provenance::default() },
            attributes: BTreeMap::from([("page".to_owned(), format!("p{}", number / 2))]),
        };
        let samples = [
            sample(0, Some("anna"), Some("https://x.org/1")),
            sample(2, Some("anna"), None),
            sample(3, None, Some("https://x.org/2")),
            sample(8, None, None),
        ];
        let found = |ties: &[Tie]| find(&samples, &[], ties);
        let members = |ties| found(ties).into_iter().map(|group| group.members).collect::<Vec<_>>();
        assert_eq!(members(&[Tie::Group]), [[0, 1]]);
        assert_eq!(members(&[Tie::Page]), [[1, 2]]);
        assert_eq!(members(&[Tie::Host]), [[0, 2]]);
        assert_eq!(chains(4, &found(&[Tie::Group, Tie::Page])), [0, 0, 0, 3]);
    }
}
