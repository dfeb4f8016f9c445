//! Confident learning beside cleanlab, on the same probabilities (`goldens/label_errors.py`).

use candor_analysis::audit::confident_learning;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<GoldenCase>,
}

#[derive(Deserialize)]
struct GoldenCase {
    labels: Vec<usize>,
    probabilities: Vec<Vec<f32>>,
    confident_joint: Vec<Vec<usize>>,
    issues: Vec<usize>,
}

#[test]
fn the_joint_and_the_ranked_suspects_are_those_of_cleanlab() {
    let golden: Golden = serde_json::from_str(include_str!("../goldens/label_errors.json")).unwrap();
    for (number, case) in golden.cases.iter().enumerate() {
        let classes = case.confident_joint.len();
        let found = confident_learning(&case.labels, &case.probabilities.concat(), classes);
        assert_eq!(found.confident_joint, case.confident_joint, "case {number}");
        assert_eq!(found.suspects, case.issues, "case {number}");
    }
}
