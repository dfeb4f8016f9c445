//! Sentences about a model, written from its figures and from what the audit found: the three lines at the top, and what
//! shuffled labels teach. No sentence here contradicts a finding.

use candor_analysis::Evaluation;
use candor_analysis::audit::Verdict;
use candor_core::Subset;

use crate::baselines::verdict_in_short;
use crate::cautions::of_this_network;
use crate::figures::{self, Scale};
use crate::{Audit, Model, SubsetEvaluation, Summary};

/// A model that is this much better on what it learned from has learned some of it by heart.
const GAP_WORTH_TELLING: f64 = 0.05;
/// Of fewer pictures than this the right ones are counted, because a share sounds like more than it is.
const FEW_PICTURES: u64 = 50;
/// An interval this wide says that there are too few pictures.
const WIDE_INTERVAL: f64 = 0.2;

impl Summary {
    /// Plain sentences about `model`, from the last of its evaluations (test where there is one) and from what the audit found.
    pub fn of(model: &Model, audit: Option<&Audit>) -> Summary {
        match model.judged() {
            Some(judged) => Summary {
                learned: learned(model, judged, audit) + &beside_simple_models(model, judged.subset),
                certainty: certainty(model, judged, audit),
                look_first: look_first(&judged.evaluation),
            },
            None => Summary {
                learned: format!(
                    "“{}” was trained but not evaluated: nothing can be said about it.",
                    model.name
                ),
                certainty: "Not at all.".to_owned(),
                look_first: "Evaluate it on pictures that it has not seen: candor evaluate.".to_owned(),
            },
        }
    }
}

impl Model {
    /// The last evaluation: test where there is one.
    pub fn judged(&self) -> Option<&SubsetEvaluation> {
        self.evaluations.last()
    }

    /// The evaluation on one subset.
    pub fn evaluation(&self, subset: Subset) -> Option<&Evaluation> {
        self.evaluations.iter().find(|judged| judged.subset == subset).map(|judged| &judged.evaluation)
    }
}

/// What a model with `shuffled` labels teaches beside one with `real` labels.
pub fn shuffled_labels_lesson(real: &Model, shuffled: &Model) -> String {
    let accuracy = |model: &Model, subset| {
        let evaluation = model.evaluation(subset)?;
        Some(figures::per_cent(evaluation.accuracy.value, evaluation.accuracy.pictures))
    };
    let figures = |model: &Model| {
        Some((
            accuracy(model, Subset::Train)?,
            accuracy(model, Subset::Test)?,
            chance(&model.judged()?.evaluation),
        ))
    };
    match (figures(real), figures(shuffled)) {
        (Some((real_train, real_test, _)), Some((train, test, chance))) => format!(
            "Both networks are the same and saw the same pictures; for “{}” the labels were shuffled first, so there \
             is nothing to learn. It still reached {train} on the pictures it was trained on, by memorising them \
             ({real_train} with the real labels). On pictures it had never seen it reached {test}; always naming one \
             class gives {chance}, and with the real labels it is {real_test}. That is why an accuracy on the training \
             pictures proves nothing, and why only the test pictures count.",
            shuffled.name
        ),
        _ => "Evaluate both models on train and test: only then can they be compared.".to_owned(),
    }
}

fn learned(model: &Model, judged: &SubsetEvaluation, audit: Option<&Audit>) -> String {
    let evaluation = &judged.evaluation;
    let (accuracy, classes) = (&evaluation.accuracy, evaluation.classes.len());
    let share = Scale::PerCent.write(accuracy.value, judged.accuracy_interval());
    let (pictures, subset) = (figures::count(accuracy.pictures), judged.subset);
    let hits = match accuracy.pictures {
        0..FEW_PICTURES => format!("{} of {pictures} {subset} pictures ({share})", accuracy.correct),
        _ => format!("{share} of {pictures} {subset} pictures"),
    };
    format!(
        "The network “{}”, trained to distinguish {classes} classes, predicts the right one for {hits}. Always naming “{}” would be \
         right for {}. {}",
        model.network.name,
        evaluation.classes[evaluation.majority_baseline.class],
        chance(evaluation),
        beside_chance(judged, audit)
    )
}

/// Whether it is better than guessing: by the audit's test of these predictions, else by the balanced accuracy, in which a rare
/// class counts as much as a frequent one.
fn beside_chance(judged: &SubsetEvaluation, audit: Option<&Audit>) -> String {
    match of_this_network(audit, "better-than-chance").map(|finding| finding.verdict) {
        Some(Verdict::Pass) => "These predictions are better than chance.".to_owned(),
        Some(verdict) => format!(
            "The audit does not show that this is better than chance (better-than-chance: {}).",
            verdict.name()
        ),
        None => balanced(judged),
    }
}

fn balanced(judged: &SubsetEvaluation) -> String {
    let evaluation = &judged.evaluation;
    let guessing = 1.0 / evaluation.classes.len() as f64;
    let guessed = format!("{:.0}%", 100.0 * guessing);
    let Some(interval) = judged.intervals.balanced_accuracy else {
        return "Whether that is better than guessing was not tested.".to_owned();
    };
    let share = Scale::PerCent.write_both(evaluation.balanced_accuracy, interval);
    match interval.low > guessing {
        true => format!(
            "It is better than guessing: with every class counted the same, its accuracy is {share}; guessing gives {guessed}."
        ),
        false => format!(
            "These pictures do not show that it is better than guessing: with every class counted the same, its accuracy is {share}; \
             guessing gives {guessed}."
        ),
    }
}

/// Whether it beats the best simple model, where that is known.
fn beside_simple_models(model: &Model, subset: Subset) -> String {
    let comparison = model.baselines.get(&subset);
    comparison.map_or_else(String::new, |found| format!(" {}", verdict_in_short("The network", found)))
}

fn certainty(model: &Model, judged: &SubsetEvaluation, audit: Option<&Audit>) -> String {
    let accuracy = &judged.evaluation.accuracy;
    let in_training = judged.part_in_training.as_ref().map(|part| {
        format!(
            "These are {} pictures, which had a part in the training ({part}): expect less on new ones. How much less was not \
             measured; pictures of the test split measure it.",
            judged.subset
        )
    });
    let mut sentences = vec![undermined(audit).or(in_training).unwrap_or_else(|| range(judged))];
    let gap = model.evaluation(Subset::Train).map(|train| train.accuracy.value - accuracy.value);
    if let Some(gap) = gap.filter(|&gap| judged.subset == Subset::Test && gap > GAP_WORTH_TELLING) {
        sentences.push(format!(
            "On the pictures it was trained on it is {:.0} points better: it has memorised part of them.",
            100.0 * gap
        ));
    }
    if let Some(looks) = judged.looks.filter(|&looks| looks > 1) {
        sentences.push(format!(
            "The {} pictures have been used for evaluation {}: each repetition makes the figure a little too good.",
            judged.subset,
            figures::times(looks)
        ));
    }
    sentences.join(" ")
}

/// Checks that, where they fail, leave the accuracy on new pictures unknown.
const UNDERMINE: [&str; 2] = ["duplicates-across-splits", "split-drift"];

/// Why the interval of the accuracy says nothing about other pictures, where the audit found a reason.
fn undermined(audit: Option<&Audit>) -> Option<String> {
    let findings = UNDERMINE.iter().filter_map(|check| of_this_network(audit, check));
    let failed = findings.into_iter().find(|finding| finding.verdict == Verdict::Fail)?;
    Some(format!(
        "How accurate it is on new pictures is not known, because {} fails: {}",
        failed.check, failed.headline
    ))
}

/// How far the accuracy may be off, and why so far.
fn range(judged: &SubsetEvaluation) -> String {
    let (interval, groups) = (judged.accuracy_interval(), judged.intervals.groups);
    let pictures = figures::count(judged.evaluation.accuracy.pictures);
    if groups < 2 && judged.evaluation.pictures > 1 {
        return "All evaluated pictures belong to one group, and pictures of one group err together: how far the accuracy may be off \
                cannot be said. Evaluate pictures of several groups."
            .to_owned();
    }
    let few = match groups == judged.evaluation.pictures {
        true => format!("{pictures} pictures are few"),
        false => format!(
            "the {pictures} pictures come from only {groups} groups, and pictures of one group err together"
        ),
    };
    let wide = match interval.width() > WIDE_INTERVAL {
        true => format!(" That is wide, because {few}; only more of them narrow it."),
        false => String::new(),
    };
    format!(
        "On other pictures from the same source its accuracy is between {} (95% confidence). Nothing was measured for pictures from \
         anywhere else.{wide}",
        Scale::PerCent.ends(interval).join(" and ")
    )
}

fn look_first(evaluation: &Evaluation) -> String {
    let scores = &evaluation.classification_report.classes;
    let weakest = scores
        .iter()
        .enumerate()
        .filter(|(_, class)| !class.recall_undefined)
        .min_by(|(_, a), (_, b)| a.recall.total_cmp(&b.recall));
    let Some((index, weakest)) = weakest.filter(|(_, class)| class.recall < 1.0) else {
        return "Every picture was predicted correctly. That is rare: before you believe it, look for copies, people or backgrounds \
                that are in both train and test."
            .to_owned();
    };
    let hits = evaluation.confusion_matrix.counts()[index][index];
    let taken_for: Vec<(String, u64)> = evaluation
        .confusion_matrix
        .confusions(usize::MAX)
        .iter()
        .filter(|pair| pair.truth == index)
        .take(2)
        .map(|pair| (format!("“{}”", evaluation.classes[pair.predicted]), pair.pictures))
        .collect();
    format!(
        "“{}” has the lowest recall: {} {} Then look at the most confident errors in the galleries.",
        weakest.class,
        found(hits, weakest.support, weakest.recall),
        missed(hits, weakest.support, &taken_for)
    )
}

/// How many of a class's pictures are predicted correctly.
fn found(hits: u64, pictures: u64, recall: f64) -> String {
    let number = figures::count(pictures);
    match (hits, pictures) {
        (0, 1) => "its only picture is not predicted correctly.".to_owned(),
        (0, _) => format!("none of its {number} pictures is predicted correctly."),
        (1, 0..FEW_PICTURES) => format!("1 of its {number} pictures is predicted correctly."),
        (_, 0..FEW_PICTURES) => format!("{hits} of its {number} pictures are predicted correctly."),
        _ => format!(
            "{} of its {number} pictures are predicted correctly.",
            figures::per_cent(recall, pictures)
        ),
    }
}

/// What the other pictures of a class are predicted as: the two most frequent classes, each with its count.
fn missed(hits: u64, pictures: u64, taken_for: &[(String, u64)]) -> String {
    let (others, number) = (pictures - hits, |count: u64| figures::count(count));
    match (taken_for, hits) {
        ([], _) => String::new(),
        ([(class, _)], 0) if others == 1 => format!("It is predicted as {class}."),
        ([(class, _)], _) if others == 1 => format!("The other one is predicted as {class}."),
        ([(class, count)], 0) if *count == others => format!("All are predicted as {class}."),
        ([(class, count)], _) if *count == others => {
            format!("The other {} are all predicted as {class}.", number(others))
        }
        ([(first, count), rest @ ..], _) => {
            let of =
                if hits == 0 { "Of these".to_owned() } else { format!("Of the other {}", number(others)) };
            let are = if *count == 1 { "is" } else { "are" };
            let second = rest
                .first()
                .map_or_else(String::new, |(class, count)| format!(" and {} as {class}", number(*count)));
            format!("{of}, {} {are} predicted as {first}{second}.", number(*count))
        }
    }
}

fn chance(evaluation: &Evaluation) -> String {
    figures::per_cent(evaluation.majority_baseline.accuracy, evaluation.accuracy.pictures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AuditedFinding, History, NetworkDrawing, Shape, Training};
    use candor_analysis::LabelledPredictions;
    use candor_analysis::audit::Finding;

    /// Two balanced classes; of each `pictures`, `right` were named rightly.
    fn judge(subset: Subset, pictures: usize, right: [usize; 2], looks: Option<usize>) -> SubsetEvaluation {
        let classes = vec!["fork".to_owned(), "scissors".to_owned()];
        let truth: Vec<usize> = (0..2 * pictures).map(|i| i / pictures).collect();
        let probabilities = truth
            .iter()
            .enumerate()
            .flat_map(|(i, &class)| {
                let named = if i % pictures < right[class] { class } else { 1 - class };
                [f32::from(u8::from(named == 0)), f32::from(u8::from(named == 1))]
            })
            .collect();
        let predictions = LabelledPredictions::new(classes, truth, probabilities).unwrap();
        SubsetEvaluation::alone(subset, looks, &predictions)
    }

    fn model(name: &str, evaluations: Vec<SubsetEvaluation>) -> Model {
        Model {
            name: name.into(),
            note: None,
            training: Training {
                history: History::default(),
                recipe: vec![],
                recipe_toml: String::new(),
                seconds: 1.0,
                images_per_second: 1.0,
            },
            evaluations,
            baselines: Default::default(),
            galleries: vec![],
            least_certain: vec![],
            network: NetworkDrawing { name: "net".into(), input: Shape::Vector { units: 1 }, layers: vec![] },
        }
    }

    #[test]
    fn the_three_lines_follow_the_figures() {
        let (train, test) = (Subset::Train, Subset::Test);
        type Line = fn(&Summary) -> &String;
        let (learned, certainty, look): (Line, Line, Line) =
            (|s| &s.learned, |s| &s.certainty, |s| &s.look_first);
        let good = || judge(test, 500, [450, 400], None);
        let cases: [(Vec<SubsetEvaluation>, Line, &str); 10] = [
            (
                vec![good()],
                learned,
                "trained to distinguish 2 classes, predicts the right one for 85% of 1,000 test",
            ),
            (
                vec![judge(test, 50, [30, 25], None)],
                learned,
                "These pictures do not show that it is better than guessing",
            ),
            (vec![good()], certainty, "is between 83% and 87% (95% confidence)"),
            (vec![judge(train, 50, [50, 50], None), good()], certainty, "it is 15 points better"),
            (vec![judge(train, 50, [50, 50], None)], certainty, "These are train pictures"),
            (vec![judge(test, 50, [45, 45], Some(3))], certainty, "used for evaluation 3 times"),
            (vec![judge(test, 5, [5, 4], None)], certainty, "because 10 pictures are few"),
            (
                vec![good()],
                look,
                "“scissors” has the lowest recall: 80% of its 500 pictures are predicted correctly. The other 100 are all predicted \
                 as “fork”. Then",
            ),
            (
                vec![judge(test, 50, [50, 50], None)],
                look,
                "Every picture was predicted correctly. That is rare",
            ),
            (vec![], learned, "was trained but not evaluated"),
        ];
        for (evaluations, line, words) in cases {
            let summary = Summary::of(&model("model", evaluations), None);
            assert!(line(&summary).contains(words), "{words}\n{summary:?}");
        }
    }

    #[test]
    fn a_first_look_and_a_small_gap_are_not_worth_a_word() {
        let test = judge(Subset::Test, 500, [450, 400], Some(1));
        let summary =
            Summary::of(&model("model", vec![judge(Subset::Train, 500, [450, 420], None), test]), None);
        assert!(
            !summary.certainty.contains("points better")
                && !summary.certainty.contains("used for evaluation"),
            "{summary:?}"
        );
    }

    #[test]
    fn the_lesson_names_all_four_accuracies() {
        let real = [judge(Subset::Train, 500, [450, 450], None), judge(Subset::Test, 500, [400, 400], None)];
        let shuffled =
            [judge(Subset::Train, 500, [350, 350], None), judge(Subset::Test, 500, [240, 240], None)];
        let (real, shuffled) = (model("real", real.to_vec()), model("shuffled", shuffled.to_vec()));
        let lesson = shuffled_labels_lesson(&real, &shuffled);
        for accuracy in ["90.0%", "80%", "70%", "48%", "“shuffled”"] {
            assert!(lesson.contains(accuracy), "{accuracy}: {lesson}");
        }
        assert!(shuffled_labels_lesson(&real, &model("unjudged", vec![])).contains("Evaluate both models"));
    }

    fn audit(check: &str, verdict: Verdict) -> Audit {
        let finding =
            Finding { check: check.into(), ..Finding::new(verdict, "73 of 119 are copies.", "It means.") };
        Audit {
            findings: vec![AuditedFinding { finding, pictures: vec![] }],
            not_asked: vec![],
            command: "candor audit run".into(),
        }
    }

    #[test]
    fn no_sentence_contradicts_a_finding() {
        let good = || model("model", vec![judge(Subset::Test, 500, [450, 400], None)]);
        let copies = Summary::of(&good(), Some(&audit("duplicates-across-splits", Verdict::Fail)));
        assert!(
            copies.certainty.starts_with("How accurate it is on new pictures is not known"),
            "{copies:?}"
        );
        assert!(
            copies.certainty.contains("73 of 119 are copies.")
                && !copies.certainty.contains("95% confidence")
        );
        let warned = Summary::of(&good(), Some(&audit("duplicates-across-splits", Verdict::Warn)));
        assert!(warned.certainty.contains("95% confidence"), "{warned:?}");
        for verdict in [Verdict::Fail, Verdict::Warn, Verdict::Inconclusive] {
            let chance = Summary::of(&good(), Some(&audit("better-than-chance", verdict)));
            assert!(!chance.learned.contains("is better than guessing"), "{chance:?}");
            assert!(chance.learned.contains("does not show that this is better than chance"), "{chance:?}");
        }
        let better = Summary::of(&good(), Some(&audit("better-than-chance", Verdict::Pass)));
        assert!(better.learned.contains("These predictions are better than chance."), "{better:?}");
        let mut another = audit("better-than-chance", Verdict::Fail);
        another.findings[0].finding.basis = candor_analysis::audit::Basis::Surrogate;
        let surrogate = Summary::of(&good(), Some(&another));
        assert!(surrogate.learned.contains("It is better than guessing"), "{surrogate:?}");
    }

    /// Nine in ten pictures are of one class; the network finds most of the rare ones at the price of some frequent ones.
    #[test]
    fn a_model_for_a_rare_class_is_not_measured_by_the_majority() {
        let classes = vec!["healthy".to_owned(), "ill".to_owned()];
        let truth: Vec<usize> = (0..400).map(|i| usize::from(i % 10 == 0)).collect();
        let named = |i: usize| match truth[i] {
            1 => usize::from(!i.is_multiple_of(40)),
            _ => usize::from(i % 7 == 1),
        };
        let probabilities = (0..400).flat_map(|i| [1.0 - named(i) as f32, named(i) as f32]).collect();
        let predictions = LabelledPredictions::new(classes, truth.clone(), probabilities).unwrap();
        let judged = SubsetEvaluation::alone(Subset::Test, None, &predictions);
        assert!(judged.evaluation.accuracy.value < 0.9, "below the majority's share");
        let summary = Summary::of(&model("model", vec![judged]), None);
        assert!(summary.learned.contains("Always naming “healthy” would be right for 90%"), "{summary:?}");
        assert!(summary.learned.contains("It is better than guessing"), "{summary:?}");
    }

    #[test]
    fn counts_of_confusions_agree_with_their_verbs_and_never_say_most() {
        let of = |class: &str, count| (format!("“{class}”"), count);
        type TakenFor = Vec<(String, u64)>;
        let cases: [(u64, u64, TakenFor, &str); 8] = [
            (21, 56, vec![of("1", 9), of("4", 5)], "Of the other 35, 9 are predicted as “1” and 5 as “4”."),
            (1, 3, vec![of("a", 1), of("b", 1)], "Of the other 2, 1 is predicted as “a” and 1 as “b”."),
            (1, 2, vec![of("a", 1)], "The other one is predicted as “a”."),
            (1, 4, vec![of("a", 3)], "The other 3 are all predicted as “a”."),
            (0, 1, vec![of("a", 1)], "It is predicted as “a”."),
            (0, 4, vec![of("a", 4)], "All are predicted as “a”."),
            (0, 5, vec![of("a", 3), of("b", 2)], "Of these, 3 are predicted as “a” and 2 as “b”."),
            (
                5,
                1_500,
                vec![of("a", 1_200), of("b", 200)],
                "Of the other 1,495, 1,200 are predicted as “a” and 200 as “b”.",
            ),
        ];
        for (hits, pictures, taken_for, expected) in cases {
            assert_eq!(missed(hits, pictures, &taken_for), expected);
        }
        for (hits, pictures, expected) in [
            (0, 1, "its only picture is not predicted correctly."),
            (0, 3, "none of its 3 pictures is predicted correctly."),
            (1, 3, "1 of its 3 pictures is predicted correctly."),
            (2, 3, "2 of its 3 pictures are predicted correctly."),
        ] {
            assert_eq!(found(hits, pictures, hits as f64 / pictures as f64), expected);
        }
    }
}
