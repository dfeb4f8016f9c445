//! The kinds of mistakes whose shares are compared between groups.

/// A kind of mistake: of which pictures it can be made, and when it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rate {
    /// Any wrong prediction.
    Errors,
    /// A picture of this class is taken for another: a false negative. Of two classes it is a false positive of the other.
    Missed(usize),
    /// A picture of another class is taken for this one: a false positive.
    TakenFor(usize),
}

impl Rate {
    /// Every kind with so many classes, each mistake of two classes once.
    pub fn all(classes: usize) -> Vec<Rate> {
        let taken = if classes > 2 { 0..classes } else { 0..0 };
        std::iter::once(Rate::Errors)
            .chain((0..classes).map(Rate::Missed))
            .chain(taken.map(Rate::TakenFor))
            .collect()
    }

    /// Whether it can be made of a picture of the class `truth`.
    pub fn concerns(self, truth: usize) -> bool {
        match self {
            Rate::Errors => true,
            Rate::Missed(class) => truth == class,
            Rate::TakenFor(class) => truth != class,
        }
    }

    /// Whether it is made where a picture of the class `truth` is taken for `predicted`.
    pub fn happens(self, truth: usize, predicted: usize) -> bool {
        self.concerns(truth)
            && match self {
                Rate::Errors | Rate::Missed(_) => truth != predicted,
                Rate::TakenFor(class) => predicted == class,
            }
    }

    /// In a figure's name: `errors`, `“no” taken for “yes”`, `“fork” taken for another class`.
    pub fn name(self, classes: &[String]) -> String {
        match self {
            Rate::Errors => "errors".to_owned(),
            Rate::Missed(class) => match classes {
                [first, second] if class == 0 => format!("“{first}” taken for “{second}”"),
                [first, second] => format!("“{second}” taken for “{first}”"),
                _ => format!("“{}” taken for another class", classes[class]),
            },
            Rate::TakenFor(class) => format!("other classes taken for “{}”", classes[class]),
        }
    }

    /// In a sentence, before a share: `it errs on`, `“no” is taken for “yes” in`.
    pub fn verb(self, classes: &[String]) -> String {
        match self {
            Rate::Errors => "it errs on".to_owned(),
            Rate::Missed(_) => self.name(classes).replacen(" taken ", " is taken ", 1) + " in",
            Rate::TakenFor(_) => self.name(classes).replacen(" taken ", " are taken ", 1) + " in",
        }
    }

    /// In a table: `“no” taken for “yes” (false positives for “yes”)`.
    pub fn name_with_term(self, classes: &[String]) -> String {
        let name = self.name(classes);
        match self {
            Rate::Errors => name,
            Rate::Missed(class) if classes.len() == 2 => {
                format!("{name} (false positives for “{}”)", classes[1 - class])
            }
            Rate::Missed(class) => format!("{name} (false negatives for “{}”)", classes[class]),
            Rate::TakenFor(class) => format!("{name} (false positives for “{}”)", classes[class]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_is_of_its_kinds_and_is_named_with_its_class() {
        let two = ["no", "yes"].map(String::from);
        assert_eq!(Rate::all(2), [Rate::Errors, Rate::Missed(0), Rate::Missed(1)]);
        assert_eq!(Rate::Missed(0).verb(&two), "“no” is taken for “yes” in");
        assert_eq!(Rate::Missed(1).name_with_term(&two), "“yes” taken for “no” (false positives for “no”)");
        let three = ["a", "b", "c"].map(String::from);
        assert_eq!(Rate::all(3).len(), 7);
        assert_eq!(Rate::TakenFor(2).verb(&three), "other classes are taken for “c” in");
        let made: Vec<Rate> = Rate::all(3).into_iter().filter(|rate| rate.happens(0, 2)).collect();
        assert_eq!(made, [Rate::Errors, Rate::Missed(0), Rate::TakenFor(2)]);
        assert!(Rate::all(3).into_iter().all(|rate| !rate.happens(1, 1)));
    }
}
