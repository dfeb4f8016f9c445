//! What is in a study, and what was done to it.

use candor_workflow::{Imported, StudyStatus, count};

use super::Words;
use super::table::{Table, WIDTH, shortened};

impl Words for Imported {
    fn words(&self) -> String {
        let Imported { new, known, copied_instead, problems, .. } = self;
        let mut text = format!(
            "{} taken into {}; {} there already.\n",
            pictures(*new),
            self.study.display(),
            were(*known)
        );
        if *copied_instead > 0 {
            text += &format!("{} copied, because nothing else was possible.\n", were(*copied_instead));
        }
        if !problems.is_empty() {
            text += &format!(
                "{} problems; candor status {} counts them.\n",
                problems.len(),
                self.study.display()
            );
        }
        if !self.classes.is_empty() {
            let mut table = Table::new(&["class", ">new pictures"]);
            self.classes.iter().for_each(|(class, new)| table.row([class, &count(*new as u64)]));
            text += &format!("\n{table}");
        }
        text + &format!("\nTrain on them: candor study {}\n", self.study.display())
    }
}

impl Words for StudyStatus {
    fn words(&self) -> String {
        let status = &self.pictures;
        let mut text = format!(
            "{}: {}, {:.1} MB\n",
            status.study.display(),
            pictures(status.pictures),
            status.bytes as f64 / 1e6
        );
        if status.found_twice > 0 {
            text += &format!("{} found in more than one place.\n", were(status.found_twice));
        }
        if status.missing > 0 {
            text += &format!("{} MISSING: the original is not where it should be.\n", are(status.missing));
        }
        let mut classes = Table::new(&["class", ">pictures"]);
        for class in &status.classes {
            classes.row([&class.class, &count(class.pictures as u64)]);
        }
        let mut sources = Table::new(&["source", "kind", ">pictures", ">problems", "imported (UTC)"]);
        for source in &status.sources {
            let (pictures, problems) = (count(source.pictures as u64), count(source.problems as u64));
            let place = shortened(&source.place, WIDTH - 57);
            sources.row([&place, &source.kind, &pictures, &problems, &source.imported_at]);
        }
        text += &format!("\n{classes}\n{sources}");
        if !self.runs.is_empty() {
            let mut runs = Table::new(&["run", "trained", ">looks at the test split"]);
            for run in &self.runs {
                let trained = if run.trained { "yes" } else { "not yet" };
                runs.row([&shortened(&run.run.display().to_string(), 40), trained, &run.looks.to_string()]);
            }
            text += &format!("\n{runs}");
        }
        text
    }
}

fn pictures(number: usize) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} picture{s}", count(number as u64))
}

fn were(number: usize) -> String {
    format!("{} {}", count(number as u64), if number == 1 { "was" } else { "were" })
}

fn are(number: usize) -> String {
    format!("{} {}", count(number as u64), if number == 1 { "is" } else { "are" })
}
