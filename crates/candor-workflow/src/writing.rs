//! A study that is opened for writing, with a word about what was done to its originals.

use std::path::Path;

use candor_core::Reporter;
use candor_data::study::{ORPHANS, OrphanReport, Study};

use crate::error::Result;

/// Opens the study at `path` for writing, and says so where originals were set aside or put back.
///
/// # Errors
/// As [`Study::write`].
pub(crate) fn write_study(path: &Path, reporter: &dyn Reporter) -> Result<Study> {
    let study = Study::write(path)?;
    note_orphans(&study, reporter);
    Ok(study)
}

/// Says what became of originals that no row of the ledger names.
pub(crate) fn note_orphans(study: &Study, reporter: &dyn Reporter) {
    notes(study.orphan_report()).iter().for_each(|note| reporter.note(note));
}

fn notes(OrphanReport { set_aside, put_back }: OrphanReport) -> Vec<String> {
    let were = |count: usize| match count {
        1 => "1 original was".to_owned(),
        _ => format!("{count} originals were"),
    };
    let aside = (set_aside > 0).then(|| {
        format!(
            "{} moved to {ORPHANS}/, because study.db names no picture for {}. A killed import leaves such files; so does a \
             study.db that was emptied or put back from an older copy. Import the source again, or put the right study.db back.",
            were(set_aside),
            if set_aside == 1 { "it" } else { "them" }
        )
    });
    let back = (put_back > 0).then(|| format!("{} moved back from {ORPHANS}/.", were(put_back)));
    aside.into_iter().chain(back).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_moved_is_said_and_nothing_else() {
        assert!(notes(OrphanReport::default()).is_empty());
        let both = notes(OrphanReport { set_aside: 1, put_back: 2 });
        assert!(
            both[0]
                .starts_with("1 original was moved to orphans/, because study.db names no picture for it.")
        );
        assert_eq!(both[1], "2 originals were moved back from orphans/.");
    }
}
