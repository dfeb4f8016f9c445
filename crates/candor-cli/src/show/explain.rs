//! What the explanations showed: a line a method, and for each that was refused why.

use candor_workflow::{Explained, ExplainedMethod, Passport};

use super::Words;
use super::table::{WIDTH, wrapped};

/// Column of the method's name.
const NAME: usize = 22;

impl Words for Explained {
    fn words(&self) -> String {
        let lines: String = self.methods.iter().map(line).collect();
        let folder = self.run.join("explain");
        format!("{lines}\nFigures: {}\nReport: {}\n", folder.display(), self.report.display())
    }
}

fn line(method: &ExplainedMethod) -> String {
    let text = match method.refused.as_slice() {
        [] => format!("shown. {}", method.passport.as_ref().map_or_else(String::new, measured)),
        reasons => format!("refused. {}", reasons.join(" ")),
    };
    let gap = format!("\n{:NAME$}", "");
    format!("{:<NAME$}{}\n", method.method, wrapped(&text, WIDTH - NAME).replace('\n', &gap))
}

fn measured(passport: &Passport) -> String {
    let sum = match passport.additivity {
        Some(gap) => format!("Parts and whole differ by {:.2} % of the range. ", 100.0 * gap),
        None => String::new(),
    };
    let alike = passport.randomised.last().map_or(0.0, |(_, alike)| *alike);
    format!(
        "{sum}With random weights its maps are {alike:.2} alike. Covered first, what it names leaves {:.2} of the range (random order \
         {:.2}).",
        passport.deletion[0], passport.deletion[1]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_why_and_every_line_fits() {
        let method = |name: &str, refused: Vec<String>| ExplainedMethod {
            method: name.into(),
            title: name.into(),
            passport: Some(Passport {
                additivity: Some(0.0012),
                randomised: vec![(1, 0.4), (3, 0.05)],
                deletion: [0.12, 0.4],
                insertion: [0.6, 0.4],
                failures: refused.clone(),
            }),
            refused,
            figures: Vec::new(),
            share_on_border: None,
        };
        let methods = vec![
            method("deep-shap", Vec::new()),
            method("grad-cam", vec!["The parts miss the whole by 4.0 % of the score's range.".into()]),
        ];
        let text = Explained { run: "run".into(), methods, report: "run/report.html".into() }.words();
        assert!(text.contains("deep-shap             shown. Parts and whole differ by 0.12 %"), "{text}");
        assert!(text.contains("grad-cam              refused. The parts miss"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }
}
