//! Where pictures are, as it is typed and as it is saved with a run.

use std::path::PathBuf;

use candor_core::Seed;
use candor_data::source::SourceOptions;
use serde::{Deserialize, Serialize};

/// Where the pictures of a run come from, with all that is needed to find them again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceSpec {
    /// The place.
    pub origin: Origin,
    /// How it is read.
    #[serde(default)]
    pub options: SourceOptions,
    /// A second place: what is there is the test split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// A CSV with the columns `id` (SHA-256 of a picture's bytes) and `group`: what must stay in one subset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<PathBuf>,
    /// Gives every picture the label of another one, drawn by this seed: what can be learned from noise?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shuffle_labels: Option<Seed>,
}

/// How the pictures inside the binary are asked for where a path is expected.
pub const BUILT_IN: &str = "built-in:fashion-mnist";

/// A place where pictures are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A file or folder.
    Path(PathBuf),
    /// The pictures inside the binary.
    FashionMnist,
}

impl SourceSpec {
    /// The file or folder at `path`, read by its kind's conventions; the pictures inside the binary for [`BUILT_IN`].
    pub fn at(path: impl Into<PathBuf>) -> SourceSpec {
        let path = path.into();
        let built_in = path.as_os_str() == BUILT_IN;
        SourceSpec {
            origin: if built_in { Origin::FashionMnist } else { Origin::Path(path) },
            options: SourceOptions::default(),
            test: None,
            groups: None,
            shuffle_labels: None,
        }
    }

    /// The pictures inside the binary.
    pub fn built_in() -> SourceSpec {
        SourceSpec::at(BUILT_IN)
    }

    /// For people.
    pub fn name(&self) -> String {
        match &self.origin {
            Origin::Path(path) => path.display().to_string(),
            Origin::FashionMnist => "Fashion-MNIST (inside candor)".to_owned(),
        }
    }

    /// The place, and the one of the test split where that is another, for people.
    pub fn places(&self) -> Vec<String> {
        let test = self.test.as_ref().map(|path| path.display().to_string());
        std::iter::once(self.name()).chain(test).collect()
    }

    /// The last part of the name: a heading.
    pub fn short_name(&self) -> String {
        let short = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        match &self.origin {
            Origin::Path(path) => short(path).unwrap_or_else(|| self.name()),
            Origin::FashionMnist => "Fashion-MNIST".to_owned(),
        }
    }

    /// The same as it is typed: `photos --group-column person`.
    pub fn command(&self) -> String {
        let SourceOptions { kind, class_column, id_column, file_column, url_column, group_column, .. } =
            &self.options;
        let flags = [
            ("kind", kind.clone()),
            ("class-column", class_column.clone()),
            ("id-column", id_column.clone()),
            ("file-column", file_column.clone()),
            ("url-column", url_column.clone()),
            ("group-column", group_column.clone()),
            ("split-column", self.options.split_column.clone()),
            ("split", self.options.split.clone()),
            ("class-names", Some(self.options.class_names.join(",")).filter(|names| !names.is_empty())),
            ("pixel-max", self.options.pixel_max.map(|max| max.to_string())),
            ("test-source", self.test.as_ref().map(|path| path.display().to_string())),
            ("groups", self.groups.as_ref().map(|path| path.display().to_string())),
            ("shuffle-labels", self.shuffle_labels.map(|seed| seed.0.to_string())),
        ];
        let place = match &self.origin {
            Origin::Path(path) => quoted(&path.display().to_string()),
            Origin::FashionMnist => BUILT_IN.to_owned(),
        };
        let typed =
            flags.into_iter().filter_map(|(flag, value)| Some(format!(" --{flag} {}", quoted(&value?))));
        let crops = if self.options.crops { " --crops" } else { "" };
        place + &typed.collect::<String>() + crops
    }

    /// The same with paths that hold from any working directory.
    pub fn absolute(&self) -> SourceSpec {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let origin = match &self.origin {
            Origin::Path(path) => Origin::Path(absolute(path)),
            Origin::FashionMnist => Origin::FashionMnist,
        };
        let (test, groups) = (self.test.as_ref().map(absolute), self.groups.as_ref().map(absolute));
        SourceSpec { origin, test, groups, ..self.clone() }
    }
}

/// As a shell takes it for one word.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,=:+@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_told_as_it_is_typed() {
        let mut spec = SourceSpec::at("my photos/o'clock");
        spec.options.class_names = vec!["a".into(), "b".into()];
        spec.shuffle_labels = Some(Seed(3));
        let expected = "'my photos/o'\\''clock' --class-names a,b --shuffle-labels 3";
        assert_eq!(spec.command(), expected);
    }
}
