//! What people said of pictures.

use candor_workflow::{Agreement, Labelled, Opinion, count};
use serde::Serialize;

use super::Words;
use super::table::{Table, WIDTH, shortened};

/// What `candor label history` gives.
#[derive(Serialize)]
pub struct History {
    /// In the order in which they were given.
    pub opinions: Vec<Opinion>,
}

impl Words for Labelled {
    fn words(&self) -> String {
        let Labelled { written, known, changed, problems } = self;
        let mut text = format!(
            "{} opinions written down; {} pictures have another label now.\n",
            count(*written as u64),
            count(*changed as u64)
        );
        if *known > 0 {
            text += &format!("{} were there already.\n", count(*known as u64));
        }
        if !problems.is_empty() {
            text += &format!("{} rows could not be used.\n", count(problems.len() as u64));
        }
        text
    }
}

impl Words for History {
    fn words(&self) -> String {
        if self.opinions.is_empty() {
            return "Nobody has said anything yet: candor label set, candor label import\n".to_owned();
        }
        let mut table = Table::new(&["when (UTC)", "who", "picture", "what", "why"]).wrapping(4, WIDTH);
        for opinion in &self.opinions {
            let Opinion { given_at, annotator, file, name, value, why, .. } = opinion;
            let what = format!("{name}: {value}");
            table.row([given_at, annotator, &shortened(file, 18), &what, why.as_deref().unwrap_or("")]);
        }
        table.to_string()
    }
}

impl Words for Agreement {
    fn words(&self) -> String {
        let figure = |value: Option<f64>| {
            value.map_or_else(|| "not defined".to_owned(), |value| format!("{value:.3}"))
        };
        let mut table = Table::new(&["annotators", ">pictures", ">alike", ">Cohen's kappa"]);
        for pair in &self.pairs {
            let (pictures, alike) = (count(pair.pictures as u64), count(pair.alike as u64));
            table.row([
                &format!("{}, {}", pair.first, pair.second),
                &pictures,
                &alike,
                &figure(pair.cohen_kappa),
            ]);
        }
        format!(
            "{}: {} pictures that at least two rated\n\n{table}\nFleiss' kappa         {}\nKrippendorff's alpha  {}\n\
             1 is full agreement, 0 that of chance. A model cannot be judged more finely\nthan those who told it what is right agree.\n",
            self.name,
            count(self.pictures as u64),
            figure(self.fleiss_kappa),
            figure(self.krippendorff_alpha)
        )
    }
}

/// The history as `candor label import` reads it.
pub fn opinions_csv(history: &History) -> Result<String, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["sha256", "file", "name", "label", "annotator", "why", "when"])?;
    for opinion in &history.opinions {
        let Opinion { picture, file, name, value, annotator, why, given_at } = opinion;
        table.write_record([
            picture,
            file,
            name,
            value,
            annotator,
            why.as_deref().unwrap_or(""),
            given_at,
        ])?;
    }
    let bytes = table.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
