//! What frozen layers make of the pictures of a training, computed before its first step; its cost is said before.

use std::ops::Range;

use super::Training;
use super::batches::gather;
use super::frozen::{Features, Front, Halves};
use crate::error::Result;
use crate::memory::memory;
use crate::run_dir;

/// What frozen layers make of the pictures may take so much memory where it is unknown how much there is.
const MEMORY_BUDGET: u64 = 1 << 30;

/// What frozen layers make of the pictures, where they are and it is kept.
#[derive(Default)]
pub(super) struct KeptFeatures {
    pub train: Option<Features>,
    pub validation: Option<Features>,
}

impl Training<'_> {
    /// Computes what frozen layers make of all pictures, and says before what that costs.
    pub(super) fn kept_features(&self) -> Result<KeptFeatures> {
        let Some(halves) = self.halves()? else { return Ok(KeptFeatures::default()) };
        let mut front = Front::new(&halves.front, &self.initial()?, self.threads)?;
        let maker = self.maker(None);
        let varies = self.recipe.training.variants > 0 || self.recipe.augmentation.is_none();
        let rows = [if varies { maker.rows() } else { 0 }, self.validation.len()];
        let bytes = rows.map(|rows| 4 * (rows * front.len()) as u64);
        let budget = memory().map_or(MEMORY_BUDGET, |memory| memory.available / 2);
        self.tell_cost(&halves, (varies, maker.rows() / self.train.len()), bytes, budget);
        let [train, validation] = run_dir::FEATURES;
        let (run, reporter) = (self.run, self.reporter);
        let in_place = |name, budget| (run, name, budget);
        let learned = varies.then(|| {
            let pixels = |rows| maker.pixels_of_rows(rows);
            Features::compute(&mut front, rows[0], pixels, in_place(train, budget), reporter)
        });
        let learned = learned.transpose()?;
        let pixels = |rows: Range<usize>| gather(self.pictures, &self.validation[rows]).pixels;
        let left = budget.saturating_sub(bytes[0]);
        let validation =
            Features::compute(&mut front, rows[1], pixels, in_place(validation, left), reporter)?;
        Ok(KeptFeatures { train: learned, validation: Some(validation) })
    }

    fn tell_cost(&self, halves: &Halves, (kept, variants): (bool, usize), bytes: [u64; 2], budget: u64) {
        let layers = halves.front.nodes().len();
        let megabytes = bytes.iter().sum::<u64>() as f64 / 1e6;
        let place = if bytes.iter().sum::<u64>() > budget { "in files of the run" } else { "in memory" };
        let pictures = candor_report::count(self.train.len() as u64);
        let what = match (kept, variants) {
            (true, 1) => format!("once for {pictures} pictures to learn from"),
            (true, _) => format!("once for {variants} variants of {pictures} pictures to learn from"),
            (false, _) => {
                "anew in every epoch, because every epoch has new variants (--variants 3 keeps three), and \
                           once for the validation pictures"
                    .to_owned()
            }
        };
        self.reporter.note(&format!(
            "{layers} layers are frozen: what they make of a picture is computed {what}, and kept {place} \
             ({megabytes:.1} MB)"
        ));
    }
}
