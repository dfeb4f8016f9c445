//! Are some classes so rare that the accuracy says nothing about them?

use candor_core::Subset;

use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Table, Topic, Unit, Verdict};

pub(super) static CHECK: Check = Check {
    id: "imbalance",
    title: "Imbalance",
    topic: Topic::SoundData,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Are some classes so rare that the accuracy says nothing about them?",
    how: "Pictures of each class are counted in each split. A warning is given from five times as many of the most frequent as of \
          the rarest class on, or below ten training pictures; a fail from twenty times on, below three, or where a class \
          is missing among the validation or test pictures.",
    fail_means: "Naming the frequent classes is nearly enough for a high accuracy; nothing can be said about the rare ones.",
    misleads: "Where the world is as unequal as the pictures, so may the training be; look at the figures of each class then.",
    reference: "He & Garcia, Learning from imbalanced data, IEEE TKDE 21 (2009)",
    scale: Scale {
        pass: "The most frequent class has less than 5 times as many pictures as the rarest, each class has at least 10 training \
               pictures, and each is among the validation and test pictures.",
        inconclusive: "Never: the labels are counted.",
        warn: "5 times as many or more, or fewer than 10 training pictures of a class.",
        fail: "20 times as many or more, fewer than 3 training pictures of a class, or a class is missing among the validation or \
               test pictures.",
    },
    run,
};

const RATIO: [f64; 2] = [5.0, 20.0];
const LEAST: [usize; 2] = [10, 3];

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let count = |subset: Subset| {
        let mut counts = vec![0usize; case.classes().len()];
        case.split.indices(subset).iter().for_each(|&index| counts[case.samples()[index].class] += 1);
        counts
    };
    Ok(finding(case, &Subset::ALL.map(count)))
}

fn finding(case: &Case<'_>, counts: &[Vec<usize>; 3]) -> Finding {
    let classes = case.classes();
    let total = |class: usize| counts.iter().map(|subset| subset[class]).sum::<usize>();
    let most = (0..classes.len()).max_by_key(|&class| total(class)).unwrap_or(0);
    let rarest = (0..classes.len()).min_by_key(|&class| total(class)).unwrap_or(0);
    let ratio = total(most) as f64 / total(rarest).max(1) as f64;
    let fewest = counts[0].iter().copied().min().unwrap_or(0);
    let is_missing = |subset: &Vec<usize>| subset.iter().any(|&n| n > 0) && subset.contains(&0);
    let missing = counts[1..].iter().any(is_missing);
    let verdict = match () {
        () if missing || ratio >= RATIO[1] || fewest < LEAST[1] => Verdict::Fail,
        () if ratio >= RATIO[0] || fewest < LEAST[0] => Verdict::Warn,
        () => Verdict::Pass,
    };
    let (fewer, more) = (total(rarest), total(most));
    let sizes = match fewer == more {
        true => format!("Every class has {more} pictures"),
        false => {
            let [rarest, most] = [rarest, most].map(|class| &classes[class]);
            format!("“{rarest}” has {fewer} pictures, “{most}” has {more} ({ratio:.1} times as many)")
        }
    };
    let missing = if missing { ", and a class is missing among the validation or test pictures" } else { "" };
    let noun = if fewest == 1 { "picture" } else { "pictures" };
    let headline = format!("{sizes}; in training the smallest class has {fewest} {noun}{missing}.");
    let (meaning, advice) = match verdict {
        Verdict::Pass => ("No class is so rare that the accuracy would hide its errors.", ""),
        _ if ratio >= RATIO[0] => (
            "The accuracy is mostly that of the frequent classes. A network that never names the rare one can still look good.",
            "Collect more of the rare classes, or train with --class-weights balanced; report balanced accuracy and the recall \
             of each class instead of the accuracy.",
        ),
        _ => (
            "So few pictures of a class hardly show what they have in common, or whether they are classified correctly.",
            "Collect more pictures of each class, or join classes.",
        ),
    };
    Finding::new(verdict, headline, meaning)
        .advice(advice)
        .used("the labels of all pictures; no model is needed")
        .figure("most frequent to rarest class", ratio, Unit::Plain)
        .figure("fewest training pictures of a class", fewest as f64, Unit::Count)
        .with_table(table(classes, counts))
}

fn table(classes: &[String], counts: &[Vec<usize>; 3]) -> Table {
    let row = |(class, name): (usize, &String)| {
        let of = counts.iter().map(|subset| subset[class].to_string());
        std::iter::once(name.clone()).chain(of).collect()
    };
    Table {
        title: "Pictures of each class".to_owned(),
        heading: ["class", "train", "validation", "test"].map(String::from).to_vec(),
        rows: classes.iter().enumerate().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bright, Fake};
    use super::*;

    #[test]
    fn equal_classes_pass_rare_ones_do_not() {
        let asked = |fake: &Fake| fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap());
        let mut fake = Fake::bright(200);
        let even = asked(&fake);
        assert_eq!(even.verdict, Verdict::Pass);
        assert!(even.headline.starts_with("Every class has 100 pictures"), "{even:?}");
        let few = asked(&Fake::bright(30));
        assert!(few.verdict == Verdict::Warn && few.meaning.starts_with("So few"), "{few:?}");
        fake.samples
            .iter_mut()
            .enumerate()
            .for_each(|(index, sample)| sample.class = usize::from(index % 7 == 0));
        assert_eq!(asked(&fake).verdict, Verdict::Warn);
        fake.samples
            .iter_mut()
            .enumerate()
            .for_each(|(index, sample)| sample.class = usize::from(index == 0));
        let finding = asked(&fake);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.headline.contains("missing"), "{finding:?}");
    }
}
