//! How far the model may be believed: what each check of the audit found, with its grounds.

use candor_analysis::audit::{
    CHECKS, Check, Evidence, Figure, Finding, Scale as SeverityScale, Table, Topic, Unit, Verdict,
};
use maud::{Markup, html};

use super::parts;
use super::pictures::Pictures;
use crate::figures::Scale;
use crate::{Audit, AuditedFinding, Picture, Report, chart, figures};

/// Pictures of evidence that are shown of one finding.
const MOST_SHOWN: usize = 24;

/// The finding to read first, in a line, and what else fails; nothing where no check was made.
pub(super) fn in_short(audit: &Audit) -> Option<String> {
    let first = audit.first()?;
    if first.verdict == Verdict::Pass {
        return Some(
            "No check that was run found a fault. That does not prove that there is none.".to_owned(),
        );
    }
    let told = format!("{} ({}, {})", first.headline, title(first), first.verdict.name());
    let findings = audit.findings.iter().map(|audited| &audited.finding);
    let failing = findings.filter(|finding| finding.verdict == Verdict::Fail && finding.check != first.check);
    let others: Vec<String> = failing.map(|finding| format!("“{}”", title(finding))).collect();
    let also = match &others[..] {
        [] => String::new(),
        [one] => format!(" {one} also fails."),
        several => format!(" {} also fail.", several.join(", ")),
    };
    Some(told + &also)
}

pub(super) fn section(report: &Report, pictures: &Pictures) -> Markup {
    let Some(audit) = &report.audit else {
        return parts::section(
            "audit",
            "Audit",
            html! { p { "This model was not audited (candor audit): nothing was checked that could make its figures misleading." } },
        );
    };
    parts::section(
        "audit",
        "Audit: how far may it be believed?",
        html! {
            (overview(audit))
            @for topic in topics(audit) {
                h3 { (topic.question()) }
                @for audited in of_topic(audit, topic) { (one(report, audited, pictures)) }
            }
            @if !audit.not_asked.is_empty() {
                p {
                    "Not run, because it takes longer: " (audit.not_asked.join(", ")) ". To run: "
                    code { (audit.command) }
                }
            }
        },
    )
}

/// Every finding in a line, the worst first.
fn overview(audit: &Audit) -> Markup {
    let mut findings: Vec<&Finding> = audit.findings.iter().map(|audited| &audited.finding).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    html! {
        (parts::scroll("What each check found", html! {
            table class="words" {
                thead { tr { th scope="col" { "check" } th scope="col" { "verdict" } th scope="col" { "what was found" } } }
                tbody {
                    @for finding in findings {
                        tr {
                            th scope="row" { a href={ "#audit-" (finding.check) } { (title(finding)) } }
                            td { (badge(finding.verdict)) }
                            td { (finding.headline) }
                        }
                    }
                }
            }
        }))
    }
}

fn badge(verdict: Verdict) -> Markup {
    html! { span class={ "verdict " (verdict.name()) } { (verdict.name()) } }
}

fn topics(audit: &Audit) -> Vec<Topic> {
    let mut topics: Vec<Topic> = CHECKS.iter().map(|check| check.topic).collect();
    topics.dedup();
    topics.retain(|&topic| of_topic(audit, topic).next().is_some());
    topics
}

fn of_topic(audit: &Audit, topic: Topic) -> impl Iterator<Item = &AuditedFinding> {
    audit
        .findings
        .iter()
        .filter(move |audited| Check::find(&audited.finding.check).is_some_and(|check| check.topic == topic))
}

fn title(finding: &Finding) -> &str {
    Check::find(&finding.check).map_or(finding.check.as_str(), |check| check.title)
}

/// A finding; one that passes is folded.
fn one(report: &Report, audited: &AuditedFinding, pictures: &Pictures) -> Markup {
    let finding = &audited.finding;
    html! {
        details class="finding" id={ "audit-" (finding.check) } open[finding.verdict > Verdict::Pass] {
            summary { (badge(finding.verdict)) " " b { (title(finding)) } ": " (finding.headline) }
            p { (finding.meaning) }
            @if !finding.advice.is_empty() { p { strong { "What to do. " } (finding.advice) } }
            (parts::facts(finding.figures.iter().map(|figure| (figure.name.as_str(), written(figure)))))
            @if !finding.series.is_empty() {
                div class="plots" {
                    @for series in &finding.series {
                        figure class="card" { (chart::finding_series(series)) figcaption { (series.title) } }
                    }
                }
            }
            @for table in &finding.tables { (table_of(table)) }
            (evidence(report, audited, pictures))
            @if let Some(check) = Check::find(&finding.check) { (how(check, finding)) }
        }
    }
}

fn how(check: &Check, finding: &Finding) -> Markup {
    html! {
        details class="how" {
            summary { "How this was found" }
            p { strong { "What it asks. " } (check.asks) }
            p { strong { "How. " } (check.how) }
            p { strong { "What a fail means. " } (check.fail_means) }
            @if check.scale != SeverityScale::UNWRITTEN {
                p { strong { "When it passes, warns or fails. " } }
                (parts::facts(check.scale.lines().map(|(verdict, takes)| (verdict.name(), takes.to_owned()))))
            }
            p { strong { "When it misleads. " } (check.misleads) }
            @if !finding.used.is_empty() { p { strong { "What it used. " } (finding.used) "." } }
            p { strong { "Reference. " } (check.reference) }
        }
    }
}

/// A figure as people read it, with its interval.
fn written(figure: &Figure) -> String {
    let Some(value) = figure.value else { return "none".to_owned() };
    match (figure.unit, figure.interval) {
        (Unit::Share, Some(interval)) => Scale::PerCent.write_both(value, interval),
        (Unit::Share, None) => format!("{:.1}%", 100.0 * value),
        (Unit::Points, Some(interval)) => {
            format!(
                "{:+.1} points ({:+.1} to {:+.1})",
                100.0 * value,
                100.0 * interval.low,
                100.0 * interval.high
            )
        }
        (Unit::Points, None) => format!("{:+.1} points", 100.0 * value),
        (Unit::Count, _) => figures::count(value.round().max(0.0) as u64),
        (Unit::PValue, _) => format!("{value:.3}"),
        (Unit::Plain, Some(interval)) => Scale::Plain.write_both(value, interval),
        (Unit::Plain, None) => format!("{value:.3}"),
    }
}

fn table_of(table: &Table) -> Markup {
    let rows = html! {
        table class="words" {
            caption { (table.title) }
            thead { tr { @for name in &table.heading { th scope="col" { (name) } } } }
            tbody { @for row in &table.rows { tr { @for cell in row { td { (cell) } } } } }
        }
    };
    parts::scroll_long(&table.title, table.rows.len(), rows)
}

fn evidence(report: &Report, audited: &AuditedFinding, pictures: &Pictures) -> Markup {
    let shown: Vec<(&Evidence, &Vec<Picture>)> =
        audited.finding.evidence.iter().zip(&audited.pictures).take(MOST_SHOWN).collect();
    let more = audited.finding.evidence.len() - shown.len();
    html! {
        @if !shown.is_empty() {
            div class="evidence" {
                @for (evidence, pair) in shown {
                    div class="exhibit" {
                        div class="pair" { @for picture in pair { (pictures.figure(picture, &report.data.classes, caption(report, picture))) } }
                        p { (evidence.note) }
                    }
                }
            }
            @if more > 0 { p class="note" { (more) " more are in report.json." } }
        }
    }
}

fn caption(report: &Report, picture: &Picture) -> Markup {
    html! {
        span { (report.data.classes[picture.truth]) }
        code title=(picture.id) { (picture.id.short()) }
    }
}
