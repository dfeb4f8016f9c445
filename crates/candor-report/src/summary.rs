//! Sentences about a model, written from its figures: the three lines at the top, and what shuffled labels teach.

use candor_analysis::Evaluation;
use candor_analysis::evaluate::ClassScores;
use candor_core::Subset;

use crate::baselines::verdict_in_short;
use crate::figures::{self, Scale};
use crate::text::list;
use crate::{Model, SubsetEvaluation, Summary};

/// A model that is this much better on what it learned from has learned some of it by heart.
const GAP_WORTH_TELLING: f64 = 0.05;
/// Of fewer pictures than this the right ones are counted, because a share sounds like more than it is.
const FEW_PICTURES: u64 = 50;
/// An interval this wide says that there are too few pictures.
const WIDE_INTERVAL: f64 = 0.2;

impl Summary {
    /// Plain sentences about `model`, from the last of its evaluations: test where there is one.
    pub fn of(model: &Model) -> Summary {
        match model.judged() {
            Some(judged) => Summary {
                learned: learned(model, judged) + &beside_simple_models(model, judged.subset),
                certainty: certainty(model, judged),
                look_first: look_first(&judged.evaluation),
            },
            None => Summary {
                learned: format!("“{}” was trained but not judged: nothing can be said of it.", model.name),
                certainty: "Not at all.".to_owned(),
                look_first: "Judge it on pictures that it has not seen: candor evaluate.".to_owned(),
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
             is nothing to learn. It still reached {train} on the pictures it was trained on, by learning them by \
             heart ({real_train} with the real labels). On pictures it had never seen it fell back to {test}, where \
             naming one class always gives {chance}; with the real labels it is {real_test}. That is why an accuracy \
             on the training pictures proves nothing, and why only the test pictures count.",
            shuffled.name
        ),
        _ => {
            "A model has to be judged on train and on test before anything can be learned from it.".to_owned()
        }
    }
}

fn learned(model: &Model, judged: &SubsetEvaluation) -> String {
    let evaluation = &judged.evaluation;
    let (accuracy, classes) = (&evaluation.accuracy, evaluation.classes.len());
    let share = Scale::PerCent.write(accuracy.value, judged.accuracy_interval());
    let (pictures, subset) = (figures::count(accuracy.pictures), judged.subset);
    let hits = match accuracy.pictures {
        0..FEW_PICTURES => format!("{} of {pictures} {subset} pictures ({share})", accuracy.correct),
        _ => format!("{share} of {pictures} {subset} pictures"),
    };
    if better_than_chance(judged) {
        format!(
            "The network “{}” was trained to tell {classes} classes apart: it names the right one for {hits}. \
             Naming “{}” every time, without looking, would be right for {}.",
            model.network.name,
            evaluation.classes[evaluation.majority_baseline.class],
            chance(evaluation)
        )
    } else {
        format!(
            "Nothing was learned that can be told from chance: the network “{}” names the right one of {classes} \
             classes for {hits}, and naming “{}” every time, without looking, would \
             be right for {}.",
            model.network.name,
            evaluation.classes[evaluation.majority_baseline.class],
            chance(evaluation)
        )
    }
}

/// Whether it beats the best simple model, where that is known.
fn beside_simple_models(model: &Model, subset: Subset) -> String {
    let comparison = model.baselines.get(&subset);
    comparison.map_or_else(String::new, |found| format!(" {}", verdict_in_short("The network", found)))
}

fn certainty(model: &Model, judged: &SubsetEvaluation) -> String {
    let accuracy = &judged.evaluation.accuracy;
    let mut sentences = vec![match &judged.part_in_training {
        Some(part) => format!(
            "These are {} pictures, which had a part in the training ({part}): expect less on new ones. How much less was not \
             measured; pictures of the test split measure it.",
            judged.subset
        ),
        None => range(judged),
    }];
    let gap = model.evaluation(Subset::Train).map(|train| train.accuracy.value - accuracy.value);
    if let Some(gap) = gap.filter(|&gap| judged.subset == Subset::Test && gap > GAP_WORTH_TELLING) {
        sentences.push(format!(
            "On the pictures it was trained on it is {:.0} points better: part of what it knows is learned by heart.",
            100.0 * gap
        ));
    }
    if let Some(looks) = judged.looks.filter(|&looks| looks > 1) {
        sentences.push(format!(
            "The {} pictures have been looked at {}: every look makes the figure a little too good.",
            judged.subset,
            figures::times(looks)
        ));
    }
    sentences.join(" ")
}

/// How far the accuracy may be off, and why so far.
fn range(judged: &SubsetEvaluation) -> String {
    let (interval, groups) = (judged.accuracy_interval(), judged.intervals.groups);
    let pictures = figures::count(judged.evaluation.accuracy.pictures);
    if groups < 2 && judged.evaluation.pictures > 1 {
        return "All judged pictures belong to one group, and pictures of one group err together: how far the accuracy may \
                be off cannot be said. Judge pictures of several groups."
            .to_owned();
    }
    let few = match groups == judged.evaluation.pictures {
        true => format!("{pictures} pictures are few"),
        false => format!("the {pictures} pictures come from {groups} groups, which err together"),
    };
    let wide = match interval.width() > WIDE_INTERVAL {
        true => format!(" That is wide, because {few}: only more of them narrow it."),
        false => String::new(),
    };
    format!(
        "On other pictures from the same source its accuracy lies between {} with 95% confidence. For pictures from \
         anywhere else nothing was measured.{wide}",
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
        return "Every picture was named rightly. That is rare: look for the same pictures, people or backgrounds in \
                train and test before believing it."
            .to_owned();
    };
    let taken_for: Vec<String> = evaluation
        .confusion_matrix
        .confusions(usize::MAX)
        .iter()
        .filter(|pair| pair.truth == index)
        .take(2)
        .map(|pair| format!("“{}”", evaluation.classes[pair.predicted]))
        .collect();
    format!(
        "“{}”: {} for {}. Then the wrong answers that the network was surest of, in the galleries.",
        weakest.class,
        found(evaluation.confusion_matrix.counts()[index][index], weakest),
        list(&taken_for)
    )
}

/// How many of a class's pictures were found, and what became of the others.
fn found(hits: u64, class: &ClassScores) -> String {
    let pictures = figures::count(class.support);
    match (hits, class.support) {
        (0, _) => format!("none of its {pictures} pictures is found, they are taken"),
        (_, 0..FEW_PICTURES) => {
            format!("only {hits} of its {pictures} pictures are found, most of the others are taken")
        }
        (_, support) => format!(
            "only {} of its {pictures} pictures are found, most of the others are taken",
            figures::per_cent(class.recall, support)
        ),
    }
}

fn chance(evaluation: &Evaluation) -> String {
    figures::per_cent(evaluation.majority_baseline.accuracy, evaluation.accuracy.pictures)
}

/// Whether the whole 95 % interval lies above what not looking reaches.
fn better_than_chance(judged: &SubsetEvaluation) -> bool {
    judged.accuracy_interval().low > judged.evaluation.majority_baseline.accuracy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{History, NetworkDrawing, Shape, Training};
    use candor_analysis::LabelledPredictions;

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
                "was trained to tell 2 classes apart: it names the right one for 85% of 1,000 test",
            ),
            (
                vec![judge(test, 50, [30, 25], None)],
                learned,
                "Nothing was learned that can be told from chance",
            ),
            (vec![good()], certainty, "lies between 83% and 87% with 95% confidence"),
            (vec![judge(train, 50, [50, 50], None), good()], certainty, "it is 15 points better"),
            (vec![judge(train, 50, [50, 50], None)], certainty, "These are train pictures"),
            (vec![judge(test, 50, [45, 45], Some(3))], certainty, "looked at 3 times"),
            (vec![judge(test, 5, [5, 4], None)], certainty, "because 10 pictures are few"),
            (
                vec![good()],
                look,
                "“scissors”: only 80% of its 500 pictures are found, most of the others are taken for “fork”",
            ),
            (vec![judge(test, 50, [50, 50], None)], look, "Every picture was named rightly. That is rare"),
            (vec![], learned, "was trained but not judged"),
        ];
        for (evaluations, line, words) in cases {
            let summary = Summary::of(&model("model", evaluations));
            assert!(line(&summary).contains(words), "{words}\n{summary:?}");
        }
    }

    #[test]
    fn a_first_look_and_a_small_gap_are_not_worth_a_word() {
        let test = judge(Subset::Test, 500, [450, 400], Some(1));
        let summary = Summary::of(&model("model", vec![judge(Subset::Train, 500, [450, 420], None), test]));
        assert!(
            !summary.certainty.contains("points better") && !summary.certainty.contains("looked at"),
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
        assert!(shuffled_labels_lesson(&real, &model("unjudged", vec![])).contains("has to be judged"));
    }
}
