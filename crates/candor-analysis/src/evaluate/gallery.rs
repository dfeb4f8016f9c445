//! Which pictures to look at: for each class the answers that the model was surest of, right and wrong.

use serde::{Deserialize, Serialize};

use super::LabelledPredictions;

/// The pictures of one class worth looking at, each list with the surest answer first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassGallery {
    /// Index of the class.
    pub class: usize,
    /// Pictures of this class that were given it (true positives).
    pub right: Vec<Pick>,
    /// Pictures of this class that were given another one (false negatives).
    pub missed: Vec<Pick>,
    /// Pictures of another class that were given this one (false positives).
    pub false_alarms: Vec<Pick>,
}

/// One picture of a gallery.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// Index of the picture among the judged ones.
    pub index: usize,
    /// Its true class.
    pub truth: usize,
    /// The class that it was given.
    pub predicted: usize,
    /// The probability of the class that it was given.
    pub probability: f32,
}

/// One gallery a class, in class order, each list of at most `most` pictures. Of equally sure answers the earlier
/// picture comes first.
pub fn galleries(predictions: &LabelledPredictions, most: usize) -> Vec<ClassGallery> {
    let mut picks: Vec<Pick> = (0..predictions.len()).map(|index| pick(predictions, index)).collect();
    picks.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    (0..predictions.classes().len())
        .map(|class| {
            let of = |wanted: &dyn Fn(&Pick) -> bool| {
                picks.iter().filter(|pick| wanted(pick)).take(most).copied().collect()
            };
            ClassGallery {
                class,
                right: of(&|pick| pick.truth == class && pick.predicted == class),
                missed: of(&|pick| pick.truth == class && pick.predicted != class),
                false_alarms: of(&|pick| pick.truth != class && pick.predicted == class),
            }
        })
        .collect()
}

/// The `most` pictures whose named class has the lowest probability, the least certain first; of equally uncertain
/// answers the earlier picture.
pub fn least_certain(predictions: &LabelledPredictions, most: usize) -> Vec<Pick> {
    let mut picks: Vec<Pick> = (0..predictions.len()).map(|index| pick(predictions, index)).collect();
    picks.sort_by(|a, b| a.probability.total_cmp(&b.probability));
    picks.truncate(most);
    picks
}

fn pick(predictions: &LabelledPredictions, index: usize) -> Pick {
    Pick {
        index,
        truth: predictions.truth()[index],
        predicted: predictions.predicted()[index],
        probability: predictions.confidence(index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surest_come_first_and_every_picture_is_where_it_belongs() {
        let truth = vec![0, 0, 0, 1, 1, 0];
        let probabilities = vec![0.9, 0.1, 0.6, 0.4, 0.2, 0.8, 0.7, 0.3, 0.1, 0.9, 0.9, 0.1];
        let classes = ["fork", "scissors", "spoon"].map(String::from);
        let three = probabilities.chunks(2).flat_map(|p| [p[0], p[1], 0.0]).collect();
        let predictions = LabelledPredictions::new(classes.to_vec(), truth, three).unwrap();
        let indices = |picks: &[Pick]| picks.iter().map(|pick| pick.index).collect::<Vec<_>>();
        let all = galleries(&predictions, 2);
        assert_eq!(
            indices(&all[0].right),
            [0, 5],
            "equally sure answers keep their order, the third is cut off"
        );
        assert_eq!(indices(&all[0].missed), [2]);
        assert_eq!(indices(&all[0].false_alarms), [3]);
        assert_eq!((indices(&all[1].missed), indices(&all[1].false_alarms)), (vec![3], vec![2]));
        assert!(all[2].right.is_empty() && all[2].missed.is_empty() && all[2].false_alarms.is_empty());
        assert_eq!(indices(&least_certain(&predictions, 2)), [1, 3], "unsure at .6 and .7");
        assert_eq!(all[0].missed[0], Pick { index: 2, truth: 0, predicted: 1, probability: 0.8 });
    }
}
