//! Which samples a model learns from, is chosen by, and is judged on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One part of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subset {
    /// The model learns from these.
    Train,
    /// The best epoch is chosen by these.
    Validation,
    /// The model is judged on these, and only looked at for that.
    Test,
}

impl Subset {
    /// All three, in the order in which they are used.
    pub const ALL: [Subset; 3] = [Subset::Train, Subset::Validation, Subset::Test];

    /// `train`, `validation` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Subset::Train => "train",
            Subset::Validation => "validation",
            Subset::Test => "test",
        }
    }
}

impl fmt::Display for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The assignment of every sample to a subset: three disjoint, ascending lists of sample indices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Indices of the samples to learn from.
    pub train: Vec<usize>,
    /// Indices of the samples that choose the best epoch.
    pub validation: Vec<usize>,
    /// Indices of the samples to be judged on.
    pub test: Vec<usize>,
}

impl Split {
    /// The indices of one subset.
    pub fn indices(&self, subset: Subset) -> &[usize] {
        match subset {
            Subset::Train => &self.train,
            Subset::Validation => &self.validation,
            Subset::Test => &self.test,
        }
    }

    /// Samples in all three subsets together.
    pub fn len(&self) -> usize {
        Subset::ALL.iter().map(|&subset| self.indices(subset).len()).sum()
    }

    /// Whether no sample was assigned at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
