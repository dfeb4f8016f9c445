//! What a model says of pictures.

use anyhow::Result;
use candor_workflow::{PredictedFile, Predictions};

use super::Words;
use super::table::{Table, WIDTH, shortened};

/// More classes than this, and the table shows only the most probable ones of each picture.
const MOST_COLUMNS: usize = 4;
const FILE_WIDTH: usize = 40;
const LEAST_FILE_WIDTH: usize = 12;

impl Words for Predictions {
    fn words(&self) -> String {
        let rows = match self.classes.len() <= MOST_COLUMNS {
            true => columns,
            false => runners_up,
        };
        if self.predictions.is_empty() {
            return "No picture could be read.\n".to_owned();
        }
        // File names take what the other columns leave.
        let rest = rows(self, 0).width();
        let file_width = FILE_WIDTH.min(WIDTH.saturating_sub(rest)).max(LEAST_FILE_WIDTH);
        let more =
            if self.classes.len() <= MOST_COLUMNS { "" } else { "All probabilities: --json or --csv\n" };
        format!("{}{more}", rows(self, file_width))
    }
}

/// A column a class.
fn columns(predictions: &Predictions, file_width: usize) -> Table {
    let short = |class: &String| shortened(class, 10);
    let mut heading = vec!["file".to_owned(), "label".to_owned()];
    heading.extend(predictions.classes.iter().map(|class| format!(">{}", short(class))));
    let mut table = Table::new(&heading);
    for file in &predictions.predictions {
        let mut row = vec![name(file, file_width), short(&file.label)];
        row.extend(file.probabilities.iter().map(|&probability| per_cent(probability)));
        table.row(row);
    }
    table
}

/// The label, and what else it could be.
fn runners_up(predictions: &Predictions, file_width: usize) -> Table {
    let mut table = Table::new(&["file", "label", ">probability", "else"]);
    for file in &predictions.predictions {
        let mut order: Vec<usize> = (0..predictions.classes.len()).collect();
        order.sort_by(|&a, &b| file.probabilities[b].total_cmp(&file.probabilities[a]));
        let second = order[1];
        let class = shortened(&predictions.classes[second], 12);
        let other = format!("{class} {}", per_cent(file.probabilities[second]));
        table.row([name(file, file_width), shortened(&file.label, 14), per_cent(file.probability), other]);
    }
    table
}

fn name(file: &PredictedFile, width: usize) -> String {
    shortened(&file.file.display().to_string(), width)
}

/// Never a rounded-up 100 %: a model is not certain.
fn per_cent(probability: f32) -> String {
    match probability {
        p if p > 0.999 && p < 1.0 => ">99.9%".to_owned(),
        p if p < 0.001 && p > 0.0 => "<0.1%".to_owned(),
        p => format!("{:.1}%", 100.0 * p),
    }
}

/// One row a picture, one column a class.
pub fn predictions_csv(predictions: &Predictions) -> Result<String> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let heading = ["file", "label", "probability"].into_iter().map(str::to_owned);
    table.write_record(heading.chain(predictions.classes.iter().map(|class| format!("p({class})"))))?;
    for file in &predictions.predictions {
        let start = [file.file.display().to_string(), file.label.clone(), file.probability.to_string()];
        table.write_record(start.into_iter().chain(file.probabilities.iter().map(f32::to_string)))?;
    }
    Ok(String::from_utf8(table.into_inner()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(classes: &[&str], rows: &[&[f32]]) -> Predictions {
        let file = |probabilities: &&[f32]| {
            let best = candor_core::Prediction { probabilities: probabilities.to_vec() };
            PredictedFile {
                file: "some/where/far/away/in/the/depths/of/a/disk/a,b.jpg".into(),
                label: classes[best.class()].to_owned(),
                probability: best.confidence(),
                probabilities: best.probabilities,
            }
        };
        Predictions {
            model: "run".into(),
            classes: classes.iter().map(|class| (*class).to_owned()).collect(),
            predictions: rows.iter().map(file).collect(),
            problems: Vec::new(),
        }
    }

    #[test]
    fn tables_fit_80_columns() {
        let long = ["a class with a very long name"; 4];
        let few = predictions(&long, &[&[0.25, 0.25, 0.25, 0.25]]).words();
        let many = predictions(&["Ankle boot and a bit more"; 10], &[&[0.1; 10]]).words();
        for text in [few, many] {
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        }
    }

    #[test]
    fn certainty_is_never_rounded_up() {
        assert_eq!([0.9996, 1.0, 0.5, 0.0004].map(per_cent), [">99.9%", "100.0%", "50.0%", "<0.1%"]);
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let text = predictions_csv(&predictions(&["x", "y"], &[&[0.25, 0.75]])).unwrap();
        let expected = "file,label,probability,p(x),p(y)\n\
                        \"some/where/far/away/in/the/depths/of/a/disk/a,b.jpg\",y,0.75,0.25,0.75\n";
        assert_eq!(text, expected);
    }
}
