//! The page of the lesson on percentiles and Z-scores.

use candor_analysis::lesson::scores::{Scored, Scores, Standing};
use candor_analysis::lesson::{written, written_p};
use maud::{Markup, html};

use super::{LessonPage, card, table};
use crate::chart::lesson::score_histogram;
use crate::page::parts;

/// Scores of one or several groups of comparable entities.
#[derive(Clone, Copy, Debug)]
pub struct ScoresLesson<'a> {
    /// What every page needs.
    pub page: LessonPage<'a>,
    /// What was measured.
    pub unit: &'a str,
    /// The groups.
    pub groups: &'a [ScoredGroup],
}

/// Entities that may be compared with each other.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ScoredGroup {
    /// What they have in common; none where all are compared.
    pub name: Option<String>,
    /// Their scores.
    #[serde(flatten)]
    pub scores: Scores,
}

/// The lesson as a self-contained page.
pub fn scores_html(lesson: &ScoresLesson<'_>) -> String {
    let ScoresLesson { page, unit, groups } = *lesson;
    page.render(
        html! { @for (number, group) in groups.iter().enumerate() { (section(group, unit, number)) } },
    )
}

fn section(group: &ScoredGroup, unit: &str, number: usize) -> Markup {
    let title = group.name.as_deref().unwrap_or("The entities beside each other");
    let has_cases = group.scores.overall_share.is_some();
    let mut heading = vec!["entity", unit, "percentile", "Z-score", "p", "out of line?"];
    if has_cases {
        heading.extend(["cases", "as many other cases would give"]);
    }
    let rows: Vec<Vec<String>> = group.scores.entities.iter().map(|entity| row(entity, has_cases)).collect();
    let drawing = score_histogram(&group.scores, unit, &format!("histogram-{number}"));
    parts::section(
        &format!("group-{number}"),
        title,
        html! {
            (card(drawing, "Bars: how many entities lie where; the strokes below are the single ones. Line: the normal curve with the same \
                  mean and standard deviation, which a Z-score takes for granted."))
            (table("Scores", &heading, &rows))
            p class="note" {
                "p: how probable it is that somebody among so many lies so far from the others, if all come from one normal \
                 distribution (Student's t against the others, Holm's correction)."
            }
        },
    )
}

fn row(entity: &Scored, has_cases: bool) -> Vec<String> {
    let standing = match entity.standing {
        Standing::InLine => "no",
        Standing::Unsure => "unsure",
        Standing::OutOfLine => "yes",
    };
    let p = written_p(entity.p);
    let mut row = vec![
        entity.name.clone(),
        written(entity.value),
        format!("{:.0}", entity.percentile),
        format!("{:+.2}", entity.z),
        p.trim_start_matches("= ").to_owned(),
        standing.to_owned(),
    ];
    if has_cases {
        row.push(entity.cases.map_or_else(|| "–".to_owned(), |cases| cases.to_string()));
        let interval = entity.interval.map(|it| format!("{} to {}", written(it.low), written(it.high)));
        row.push(interval.unwrap_or_else(|| "–".to_owned()));
    }
    row
}
