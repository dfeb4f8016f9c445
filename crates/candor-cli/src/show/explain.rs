//! What the explanations showed: a line a method, and for each that was refused why.

use candor_workflow::{Explained, ExplainedConcepts, ExplainedMethod, ExplainedView, Passport, written_p};

use super::Words;
use super::table::{Table, WIDTH, wrapped};

/// Column of the method's name.
const NAME: usize = 22;
/// Concepts that the table of attributes has room for.
const MOST_COLUMNS: usize = 8;

impl Words for Explained {
    fn words(&self) -> String {
        let lines: String = self.methods.iter().map(line).collect();
        let views: String = self.views.iter().map(view).collect();
        let concepts: String = self.concepts.iter().map(concepts).collect();
        let folder = self.run.join("explain");
        format!(
            "{lines}{views}{concepts}\nFigures: {}\nReport: {}\n",
            folder.display(),
            self.report.display()
        )
    }
}

fn line(method: &ExplainedMethod) -> String {
    let text = match method.refused.as_slice() {
        [] => format!("shown. {}", method.passport.as_ref().map_or_else(String::new, measured)),
        reasons => format!("refused. {}", reasons.join(" ")),
    };
    let on_face = method.share_on_face.map_or_else(String::new, |share| {
        format!(
            " {:.0} % of the evidence lies on faces, which cover {:.0} % of the {} pictures that have one.",
            100.0 * share.evidence,
            100.0 * share.area,
            share.pictures
        )
    });
    named(&method.method, &(text + &on_face))
}

fn view(view: &ExplainedView) -> String {
    let text = match view.refused.as_slice() {
        [] => format!("shown. {}", view.title),
        reasons => format!("nothing to see. {}", reasons.join(" ")),
    };
    named(&view.view, &text)
}

fn named(name: &str, text: &str) -> String {
    let gap = format!("\n{:NAME$}", "");
    format!("{name:<NAME$}{}\n", wrapped(text, WIDTH - NAME).replace('\n', &gap))
}

/// A table of a class's concepts, and one of where they come from.
fn concepts(found: &ExplainedConcepts) -> String {
    let head = format!("ace: {}, {} pictures, {} patches", found.class, found.pictures, found.patches);
    if !found.refused.is_empty() {
        return format!("\n{head}\n{}\n", wrapped(&format!("Not shown. {}", found.refused.join(" ")), WIDTH));
    }
    let mut table = Table::new(&[">concept", "speaks", ">pull", ">p", ">score", ">pictures"]);
    for (number, concept) in (1..).zip(&found.concepts) {
        table.row([
            number.to_string(),
            if concept.pull > 0.0 { "for".to_owned() } else { "against".to_owned() },
            format!("{:+.2}", concept.pull),
            written_p(concept.p).trim_start_matches("= ").to_owned(),
            format!("{:.2}", concept.score),
            concept.found_in.to_string(),
        ]);
    }
    let summary = found.summary.as_ref().map_or_else(String::new, |text| wrapped(text, WIDTH) + "\n");
    format!("\n{head}\n{table}{summary}{}", origins(found))
}

/// In the pictures of the first concepts, how often is which value of an attribute? Nothing where none is known.
fn origins(found: &ExplainedConcepts) -> String {
    if found.table.is_empty() {
        return String::new();
    }
    let shown = found.concepts.len().min(MOST_COLUMNS);
    let heading = ["attribute".to_owned(), "value".to_owned(), ">all".to_owned()];
    let heading: Vec<String> =
        heading.into_iter().chain((1..=shown).map(|number| format!(">{number}"))).collect();
    let mut table = Table::new(&heading).wrapping(1, WIDTH);
    let per_cent = |share: &f64| format!("{:.0}%", 100.0 * share);
    for row in &found.table {
        let shares = row.of_concepts.iter().take(shown).map(per_cent);
        table
            .row([row.attribute.clone(), row.value.clone(), per_cent(&row.of_all)].into_iter().chain(shares));
    }
    format!("In the pictures of each concept\n{table}")
}

fn measured(passport: &Passport) -> String {
    let sum = match passport.additivity {
        Some(gap) => format!("Parts and whole differ by {:.2} % of the range. ", 100.0 * gap),
        None => String::new(),
    };
    let alike = passport.randomised.last().map_or(0.0, |last| last.alike);
    let [deletion, insertion] = passport.p_values.map(written_p);
    format!(
        "{sum}Similarity to its maps with random weights: {alike:.2}. Covering first what it names leaves {:.2} of the range (random \
         orders {:.2}, p {deletion}); showing it first gives {:.2} (random orders {:.2}, p {insertion}).",
        passport.deletion[0], passport.deletion[1], passport.insertion[0], passport.insertion[1]
    )
}

#[cfg(test)]
mod tests {
    use candor_workflow::{Randomised, ShareOnFace};

    use super::*;

    #[test]
    fn a_refusal_says_why_and_every_line_fits() {
        let method = |name: &str, refused: Vec<String>| ExplainedMethod {
            method: name.into(),
            title: name.into(),
            passport: Some(Passport {
                additivity: Some(0.0012),
                randomised: vec![Randomised { layers: 3, alike: 0.05, structure: 0.1 }],
                deletion: [0.12, 0.4],
                insertion: [0.6, 0.4],
                p_values: [0.005, 0.005],
                failures: refused.clone(),
            }),
            refused,
            figures: Vec::new(),
            share_on_border: None,
            share_on_face: Some(ShareOnFace { evidence: 0.4, area: 0.25, pictures: 12, of: 20 }),
        };
        let methods = vec![
            method("deep-shap", Vec::new()),
            method("grad-cam", vec!["The parts miss the whole by 4.0 % of the score's range.".into()]),
        ];
        let text = Explained {
            run: "run".into(),
            methods,
            views: vec![ExplainedView {
                view: "filters".into(),
                title: "First-layer filters".into(),
                refused: Vec::new(),
                figures: Vec::new(),
            }],
            concepts: Vec::new(),
            report: "run/report.html".into(),
        }
        .words();
        assert!(text.contains("deep-shap             shown. Parts and whole differ by 0.12 %"), "{text}");
        assert!(text.contains("grad-cam              refused. The parts miss"), "{text}");
        assert!(text.contains("filters               shown. First-layer filters"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }
}
