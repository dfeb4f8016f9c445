//! What explanations showed, for the report.

use candor_analysis::explain::ace;
use candor_report::Explanation;

use crate::concepts::saved_concepts;
use crate::error::Result;
use crate::explain::{saved_explanations, saved_views};
use crate::run::Run;

/// What still holds, with its figures: maps, then concepts, then views into the network.
pub(super) fn explanation_section(run: &Run) -> Result<Vec<Explanation>> {
    let shown = |method: String, refused: Vec<String>, figures: &[String]| {
        let drawing = figures.first().and_then(|name| run.dir.read(name).ok());
        Explanation {
            method,
            passport: None,
            refused,
            summary: None,
            share_on_border: None,
            share_on_face: None,
            drawing: drawing.and_then(|bytes| String::from_utf8(bytes).ok()),
        }
    };
    let maps = saved_explanations(run)?.into_iter().map(|explained| Explanation {
        passport: explained.passport,
        share_on_border: explained.share_on_border,
        share_on_face: explained.share_on_face.map(|share| [share.evidence, share.area]),
        ..shown(explained.method, explained.refused, &explained.figures)
    });
    let concepts = saved_concepts(run)?.into_iter();
    let concepts = concepts.map(|found| Explanation {
        summary: found.summary,
        ..shown(format!("{}: {}", ace::ID, found.class), found.refused, &found.figures)
    });
    let views = saved_views(run)?.into_iter().map(|seen| shown(seen.view, seen.refused, &seen.figures));
    Ok(maps.chain(concepts).chain(views).collect())
}
