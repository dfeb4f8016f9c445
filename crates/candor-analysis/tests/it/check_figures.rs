//! Published figures compared with each other: system B's, and made-up ones whose truth is known.

use candor_analysis::check_figures::{
    CheckedFigures, ClaimVerdict, FindingKind, Origin, PublishedFigures, TEMPLATE, check,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn checked(figures: Value) -> CheckedFigures {
    let figures: PublishedFigures = serde_json::from_value(figures).expect("the figures are well formed");
    check(&figures).expect("the figures can be checked")
}

fn contradictions(checked: &CheckedFigures) -> Vec<FindingKind> {
    checked.findings.iter().filter(|finding| finding.contradiction).map(|finding| finding.kind).collect()
}

fn hobby_study() -> Value {
    json!({
        "classes": ["cs", "econ", "german", "mechanical"],
        "confusion_matrix": {"unit": "per-cent", "cells": [
            [12.766, 5.957, 0, 6.383],
            [3.404, 12.766, 3.830, 8.085],
            [3.830, 5.532, 8.511, 3.404],
            [5.957, 5.106, 1.277, 13.191],
        ]},
        "accuracies": [{"name": "simple-cnn", "value": ".571"}, {"name": "fine-tuned VGG16", "value": ".546"}],
        "class_shares": {
            "real": [".2510", ".2808", ".2127", ".2553"],
            "predicted": [".2595", ".2936", ".1361", ".3106"],
        },
    })
}

#[test]
fn the_hobby_study_s_accuracies_contradict_its_matrix() {
    let checked = checked(hobby_study());
    let pictures = checked.pictures.expect("the matrix tells");
    assert_eq!((pictures.count, pictures.origin, pictures.next), (235, Origin::Matrix, Some(470)));
    let counts = [[30, 14, 0, 15], [8, 30, 9, 19], [9, 13, 20, 8], [14, 12, 3, 31]];
    assert_eq!(checked.counts.as_ref().expect("the digits suffice").counts(), counts);
    let accuracy = checked.accuracy.expect("it follows from the counts");
    assert_eq!(accuracy.correct, 111);
    for published in &checked.accuracies {
        assert_eq!(published.possible, Some(false), "{published:?}");
        assert_eq!((published.agrees_with_matrix, published.within_interval), (Some(false), Some(false)));
    }
    use FindingKind::{AccuracyAgainstMatrix, ImpossibleAccuracy};
    let each = [ImpossibleAccuracy, AccuracyAgainstMatrix];
    assert_eq!(contradictions(&checked), [each, each].concat());
}

#[test]
fn the_hobby_study_in_plain_words() {
    let sentences: Vec<String> = checked(hobby_study()).findings.into_iter().map(|f| f.sentence).collect();
    let expected = [
        "235 pictures were evaluated: it is the smallest number of which all cells of the matrix are fractions; the next \
         that fits is 470.",
        "The counts behind the matrix are (30 14 0 15) (8 30 9 19) (9 13 20 8) (14 12 3 31). Its diagonal is 111 of 235: \
         an accuracy of .472, with a 95 % interval from .409 to .536.",
        "The real class shares agree with the matrix.",
        "The real class shares fit 235 pictures only if their last digits were cut off, not rounded.",
        "The predicted class shares agree with the matrix.",
        "The predicted class shares fit 235 pictures only if their last digits were cut off, not rounded.",
        "simple-cnn: .571 is not a fraction of 235: 134 of 235 is .570 and 135 of 235 is .574.",
        "simple-cnn: .571 is not the accuracy of the matrix, whose diagonal gives .472, and is outside its 95 % interval.",
        "fine-tuned VGG16: .546 is not a fraction of 235: 128 of 235 is .545 and 129 of 235 is .549.",
        "fine-tuned VGG16: .546 is not the accuracy of the matrix, whose diagonal gives .472, and is outside its 95 % \
         interval.",
        "With 235 pictures, one picture is worth 0.4 points, and an accuracy of .472 has a 95 % interval from .409 to .536.",
        "That is enough to show that the model is better than always naming econ, which would reach .281.",
        "Two models that err independently must differ by 12.9 points to be told apart with a probability of 80 %. A difference \
         of fewer than 6 pictures (2.6 points) can never be significant.",
        "The published accuracies differ by at most 2.5 points: these pictures cannot show that one model is better.",
    ];
    assert_eq!(sentences, expected);
}

#[test]
fn each_kind_of_contradiction_is_found_and_agreement_is_not_one() {
    let matrix = json!({"unit": "counts", "cells": [[8, 2], [3, 7]]});
    let accuracy = |value: &str| json!([{"name": "cnn", "value": value}]);
    let two = json!([{"name": "cnn", "value": ".75"}, {"name": "mlp", "value": ".60"}]);
    let of_matrix =
        json!([{"name": "cnn", "value": ".75"}, {"name": "mlp", "value": ".60", "of_matrix": true}]);
    use FindingKind::{AccuracyAgainstMatrix, ClassShares, ImpossibleAccuracy, Matrix, StatedPictures};
    let cases = [
        (json!({"confusion_matrix": matrix, "accuracies": accuracy("75 %")}), vec![]),
        (json!({"confusion_matrix": matrix, "accuracies": two}), vec![]),
        (json!({"confusion_matrix": matrix, "accuracies": of_matrix}), vec![AccuracyAgainstMatrix]),
        (json!({"confusion_matrix": matrix, "accuracies": accuracy(".80")}), vec![AccuracyAgainstMatrix]),
        (json!({"confusion_matrix": matrix, "pictures": 21}), vec![StatedPictures]),
        (json!({"confusion_matrix": matrix, "class_shares": {"real": [".5", ".5"]}}), vec![]),
        (
            json!({"confusion_matrix": matrix, "class_shares": {"predicted": [".50", ".50"]}}),
            vec![ClassShares],
        ),
        (json!({"pictures": 235, "accuracies": accuracy(".571")}), vec![ImpossibleAccuracy]),
        (json!({"pictures": 7, "accuracies": accuracy(".571")}), vec![]),
        (json!({"pictures": 10, "class_shares": {"real": ["33.3", "66.7"]}}), vec![ClassShares]),
        (json!({"class_shares": {"real": ["33.3", "66.7"]}}), vec![]),
        (
            json!({"confusion_matrix": {"unit": "shares", "cells": [[".5", ".4"], [".3", ".2"]]}}),
            vec![Matrix],
        ),
    ];
    for (figures, expected) in cases {
        let checked = checked(figures.clone());
        assert_eq!(contradictions(&checked), expected, "{figures}: {:#?}", checked.findings);
        let text = serde_json::to_string(&checked).expect("a check can be written");
        assert_eq!(serde_json::from_str::<CheckedFigures>(&text).expect("and read"), checked);
    }
}

#[test]
fn accuracies_alone_tell_how_few_pictures_there_can_have_been() {
    let checked =
        checked(json!({"accuracies": [{"name": "a", "value": ".571"}, {"name": "b", "value": ".429"}]}));
    assert_eq!((checked.pictures, checked.limits), (None, None));
    assert!(checked.findings[0].sentence.contains("at least 7,"), "{:?}", checked.findings);
}

fn verdicts(checked: &CheckedFigures) -> Vec<ClaimVerdict> {
    checked.claims.iter().map(|claim| claim.verdict).collect()
}

use ClaimVerdict::{Agrees, Contradicted, Doubtful, NotChecked, Possible};

#[test]
fn each_claim_has_a_verdict_of_its_own() {
    // 49 of 100 are right.
    let matrix = json!({"unit": "counts", "cells": [[25, 25], [26, 24]]});
    let claim = |value: &str| json!({"name": value, "value": value});
    let declared = json!({"name": "other", "value": ".80", "of_matrix": false});
    let cases = [
        (json!([claim(".80")]), vec![Contradicted]),
        (json!([claim(".80"), claim(".49")]), vec![Doubtful, Agrees]),
        (json!([declared, claim(".49")]), vec![Possible, Agrees]),
        (json!([{"name": "x", "value": ".80", "of_matrix": true}, claim(".49")]), vec![Contradicted, Agrees]),
    ];
    for (accuracies, expected) in cases {
        let checked = checked(json!({"confusion_matrix": matrix, "accuracies": accuracies}));
        assert_eq!(verdicts(&checked), expected, "{accuracies}: {:#?}", checked.claims);
        assert_eq!(checked.contradicted(), expected.contains(&Contradicted));
        for claim in checked.claims.iter().filter(|claim| claim.verdict == Doubtful) {
            assert!(claim.because.contains("another accuracy agrees"), "{claim:?}");
        }
    }
}

#[test]
fn a_matrix_normalised_by_row_is_read_as_such() {
    let rows = json!([["80.0", "20.0"], ["30.0", "70.0"]]);
    let of = |unit: &str, more: Value| {
        let mut figures = json!({"confusion_matrix": {"unit": unit, "cells": rows}});
        figures.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        checked(figures)
    };
    // Declared or recognised by its sums: no contradiction.
    for unit in ["row-per-cent", "per-cent"] {
        let found = of(unit, json!({}));
        assert!(!found.contradicted(), "{unit}: {:#?}", found.findings);
    }
    let told = of("per-cent", json!({}));
    assert!(told.findings[0].sentence.contains("unit = \"row-per-cent\""), "{:?}", told.findings);
    // With the pictures of each class the counts follow, and with them the accuracy.
    let counted =
        of("row-per-cent", json!({"class_counts": [40, 10], "accuracies": [{"name": "a", "value": ".78"}]}));
    assert_eq!(counted.counts.as_ref().unwrap().counts(), [[32, 8], [3, 7]]);
    assert_eq!(verdicts(&counted), [Agrees]);
    // 80.0 % of 43 does not exist.
    assert_eq!(contradictions(&of("row-per-cent", json!({"class_counts": [43, 10]}))), [FindingKind::Matrix]);
    // An accuracy is a weighted mean of the recalls.
    let outside = of("row-per-cent", json!({"accuracies": [{"name": "a", "value": ".90"}]}));
    assert_eq!(verdicts(&outside), [Contradicted], "{:#?}", outside.claims);
    let recall = |value: &str| {
        verdicts(&of(
            "row-per-cent",
            json!({"scores": [{"metric": "recall", "average": "macro", "value": value}]}),
        ))
    };
    assert_eq!((recall(".75"), recall(".79")), (vec![Agrees], vec![Contradicted]));
    let crooked =
        checked(json!({"confusion_matrix": {"unit": "row-per-cent", "cells": [["80", "20"], ["30", "60"]]}}));
    assert_eq!(contradictions(&crooked), [FindingKind::Matrix]);
}

#[test]
fn a_mean_over_folds_or_runs_is_not_a_fraction_of_the_pictures() {
    let verdict = |more: Value| {
        let mut accuracy = json!({"name": "cnn", "value": ".905"});
        accuracy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let checked = checked(json!({"pictures": 10, "accuracies": [accuracy]}));
        checked.claims[0].verdict
    };
    assert_eq!(verdict(json!({})), Contradicted);
    // Folds of unknown sizes cannot be checked.
    assert_eq!(verdict(json!({"folds": 3})), NotChecked);
    // 3, 3 and 4 pictures: (1 + 1 + x/4) / 3 and (a/3 + b/3 + c/4) / 3 never round to .905, but (1 + 2/3 + 1) / 3 is .889.
    assert_eq!(verdict(json!({"folds": 3, "fold_pictures": [3, 3, 4]})), Contradicted);
    assert_eq!(verdict(json!({"fold_pictures": [3, 3, 4], "value": ".917"})), Possible);
    assert_eq!(verdict(json!({"fold_pictures": [5, 5], "value": ".9"})), Possible);
    assert_eq!(verdict(json!({"fold_pictures": [5, 6], "value": ".9"})), Contradicted, "11 pictures, not 10");
    assert_eq!(verdict(json!({"runs": 20})), Possible, "181 of 200");
    assert_eq!(verdict(json!({"runs": 3})), Contradicted, "27 and 28 of 30 are .900 and .933");
}

#[test]
fn precision_recall_and_f1_are_checked_against_the_matrix_or_against_each_other() {
    let matrix = json!({"unit": "counts", "cells": [[8, 2], [3, 7]]});
    // scikit-learn: precision_recall_fscore_support of these 20.
    let scores = [
        ("precision", "a", ".727"),
        ("recall", "a", ".8"),
        ("f1", "a", ".762"),
        ("precision", "b", ".778"),
        ("recall", "b", ".70"),
        ("f1", "b", ".737"),
        ("precision", "macro", ".753"),
        ("recall", "macro", ".75"),
        ("f1", "weighted", ".749"),
        ("f1", "micro", ".75"),
    ];
    let entry = |&(metric, of, value): &(&str, &str, &str)| match of {
        "a" | "b" => json!({"metric": metric, "class": of, "value": value}),
        average => json!({"metric": metric, "average": average, "value": value}),
    };
    let of = |scores: Vec<Value>| {
        checked(json!({"classes": ["a", "b"], "confusion_matrix": matrix, "scores": scores}))
    };
    let right = of(scores.iter().map(entry).collect());
    assert_eq!(verdicts(&right), [Agrees; 10], "{:#?}", right.claims);
    for (metric, class, _) in &scores {
        let wrong = of(vec![entry(&(metric, class, ".91"))]);
        assert_eq!(verdicts(&wrong), [Contradicted], "{metric} {class}");
        assert_eq!(contradictions(&wrong), [FindingKind::Score]);
    }
    let alone = |f1: &str| {
        let triple = [("precision", "a", ".727"), ("recall", "a", ".800"), ("f1", "a", f1)];
        verdicts(&checked(json!({"scores": triple.iter().map(entry).collect::<Vec<_>>()})))
    };
    assert_eq!((alone(".762"), alone(".770")), (vec![Possible; 3], vec![Contradicted; 3]));
    let lone = checked(json!({"scores": [{"metric": "f1", "average": "macro", "value": ".5"}]}));
    assert_eq!(verdicts(&lone), [NotChecked]);
}

#[test]
fn scores_that_say_nothing_of_what_they_are_are_refused() {
    let refused = |score: Value| {
        let figures: PublishedFigures =
            serde_json::from_value(json!({"classes": ["a", "b"], "scores": [score]})).unwrap();
        check(&figures).unwrap_err().to_string()
    };
    assert!(refused(json!({"metric": "f1", "value": ".5"})).contains("either \"class\" or \"average\""));
    assert!(
        refused(json!({"metric": "f1", "class": "c", "value": ".5"}))
            .contains("\"c\" is not among the classes")
    );
}

#[test]
fn the_template_is_read_and_is_in_the_manual() {
    let figures: PublishedFigures = toml::from_str(TEMPLATE).expect("the template is well formed");
    let checked = check(&figures).expect("the template can be checked");
    assert_eq!(verdicts(&checked), [Contradicted, Possible, Agrees, Agrees], "{:#?}", checked.claims);
    let manual = include_str!("../../../../docs/check-figures.md");
    assert!(manual.contains(TEMPLATE), "docs/check-figures.md does not hold the template as it is");
}

/// Cells in thousandths of a per cent, rounded half up or cut off.
fn thousandths(counts: &[Vec<u64>], round: bool) -> Vec<Vec<u64>> {
    let n: u64 = counts.iter().flatten().sum();
    let cell = |&count: &u64| if round { (200_000 * count + n) / (2 * n) } else { 100_000 * count / n };
    counts.iter().map(|row| row.iter().map(cell).collect()).collect()
}

fn published(cells: &[Vec<u64>], pictures: Option<u64>, accuracy: Option<u64>) -> Value {
    let print = |cell: &u64| format!("{}.{:03}", cell / 1000, cell % 1000);
    let cells: Vec<Vec<String>> = cells.iter().map(|row| row.iter().map(print).collect()).collect();
    let accuracies: Vec<Value> =
        accuracy.iter().map(|value| json!({"name": "cnn", "value": format!("{} %", print(value))})).collect();
    json!({"pictures": pictures, "confusion_matrix": {"unit": "per-cent", "cells": cells}, "accuracies": accuracies})
}

fn counts() -> impl Strategy<Value = Vec<Vec<u64>>> {
    (2usize..6)
        .prop_flat_map(|k| prop::collection::vec(prop::collection::vec(0u64..25, k), k))
        .prop_filter("a matrix counts at least one picture", |counts| counts.iter().flatten().any(|&c| c > 0))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn true_figures_are_found_consistent_and_so_is_their_number(counts in counts(), round: bool) {
        let n: u64 = counts.iter().flatten().sum();
        let right: u64 = (0..counts.len()).map(|class| counts[class][class]).sum();
        let accuracy = thousandths(&[vec![right, n - right]], round)[0][0];
        let cells = thousandths(&counts, round);
        let free = checked(published(&cells, None, Some(accuracy)));
        prop_assert!(!free.contradicted(), "{:#?}", free.findings);
        let found = free.pictures.expect("one fits").count;
        prop_assert!(found <= n, "{found} is above {n}");
        let stated = checked(published(&cells, Some(n), Some(accuracy)));
        prop_assert!(!stated.contradicted(), "{:#?}", stated.findings);
        let found = stated.counts.expect("the digits suffice");
        prop_assert_eq!(found.counts(), &counts[..]);
    }

    #[test]
    fn a_cell_that_is_one_unit_off_is_found(counts in counts(), at: prop::sample::Index, up: bool) {
        let n: u64 = counts.iter().flatten().sum();
        let mut cells = thousandths(&counts, true);
        let (row, column) = (at.index(counts.len().pow(2)) / counts.len(), at.index(counts.len().pow(2)) % counts.len());
        prop_assume!(up || cells[row][column] > 0);
        cells[row][column] = if up { cells[row][column] + 1 } else { cells[row][column] - 1 };
        // Beyond rounding: neither the other half of a tie, nor what cutting all cells off would have printed.
        let off = (100_000 * counts[row][column]).abs_diff(cells[row][column] * n);
        prop_assume!(2 * off > n && cells != thousandths(&counts, false) && cells[row][column] <= 100_000);
        let checked = checked(published(&cells, Some(n), None));
        prop_assert_eq!(contradictions(&checked), [FindingKind::Matrix]);
    }

    #[test]
    fn an_accuracy_that_is_one_unit_off_is_found(counts in counts(), up: bool) {
        let n: u64 = counts.iter().flatten().sum();
        let right: u64 = (0..counts.len()).map(|class| counts[class][class]).sum();
        let [rounded, cut_off] = [true, false].map(|round| thousandths(&[vec![right, n - right]], round)[0][0]);
        prop_assume!(up || rounded > 0);
        let accuracy = if up { rounded + 1 } else { rounded - 1 };
        let off = (100_000 * right).abs_diff(accuracy * n);
        prop_assume!(2 * off > n && accuracy != cut_off && accuracy <= 100_000);
        let checked = checked(published(&thousandths(&counts, true), Some(n), Some(accuracy)));
        let expected = [FindingKind::ImpossibleAccuracy, FindingKind::AccuracyAgainstMatrix];
        prop_assert_eq!(contradictions(&checked), expected);
    }
}
