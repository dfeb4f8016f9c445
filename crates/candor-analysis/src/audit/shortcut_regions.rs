//! Where does the answer come from? What is left of the accuracy when parts of the pictures change places with those of others.

mod region;
mod screen;
mod search;

use candor_core::{Classifier, Image};

use self::region::Region;
use self::screen::Mark;
use self::search::swapped;
use super::exchange::{Asked, Loss, exchanged, per_cent};
use super::{
    AuditErrorKind, Case, Check, Cost, Evidence, Finding, Learner, Scale, Shown, Table, Topic, Unit, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Shortcut regions",
    topic: Topic::SeesTheThing,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Does the answer depend on the border, or on one small region, rather than on the rest of the picture?",
    how: "Candidates come from the training pictures: places whose pixels tell a class much better than the picture around them \
          (a hot pixel, a line, a stamp), and windows in which an exchange costs most, from a quarter of each side down to one pixel. \
          Then, on the evaluated pictures, each candidate, the border (an eighth of each side) and the middle are \
          replaced by the same part of another picture, three times, so that pictures stay as they usually look but the part says \
          nothing any more. What counts is how much of the network's gain over chance that costs, with a 95 % interval by units. \
          With more than two classes the mark of one class is also put into pictures of the others: do they become that class?",
    fail_means: "The answer depends on one small mark, or on the border while the middle hardly matters: the network looks past the thing.",
    misleads: "A mark that is there several times, or beside a thing that is enough by itself, costs little when it goes. Marks in few \
               pictures of a class are not found. A thing that is always at the same small place looks like a mark.",
    reference: "Zeiler & Fergus, Visualizing and understanding convolutional networks, ECCV (2014); Fisher et al., All models are \
                wrong, but many are useful (permutation importance), JMLR 20 (2019)",
    scale: Scale {
        pass: "No tested region that could be a mark costs clearly 15 % or more of the gain, none could cost half or more, and the \
               border does not cost more than half and more than the middle.",
        inconclusive: "Fewer than 20 evaluated pictures, or a gain below 10 points; or a region of an eighth of the picture or less costs \
                       clearly half of the gain or more and may be the thing itself; or too few pictures to exclude that a mark costs half.",
        warn: "A mark (at most 1 % of the picture, or the same in nearly all pictures of a class, and no piece of something larger) \
               costs clearly 15 % or more of the gain, or a small region at the edge 25 %; or the border clearly half or more, and clearly more than the middle.",
        fail: "A mark, or a region of an eighth or less at the edge, costs clearly half of the gain or more; or the border does and the \
               middle clearly less than a quarter. Clearly: the whole 95 % interval.",
    },
    run,
};

const ID: &str = "shortcut-regions";
/// Evaluated pictures that are changed, at most and at least.
const MOST: usize = 400;
const LEAST: usize = 20;
/// Training pictures that are changed to find candidates, and that are screened, at most.
const MOST_SEARCHED: usize = 120;
const MOST_SCREENED: usize = 400;
/// Windows that are tried while searching, about.
const MOST_WINDOWS: usize = 140;
/// Shares of the gain that a part costs.
const LARGE: f64 = 0.5;
const PART: f64 = 0.25;
const MARK_PART: f64 = 0.15;
/// A gain that is worth asking after.
const LEAST_GAIN: f64 = 0.1;
/// A region is tiny up to this share of the picture, or up to so many pixels.
const TINY: f64 = 0.01;
const TINY_PIXELS: usize = 4;
/// Pixels are alike in a class where they vary at most this much of what they vary elsewhere.
const ALIKE: f64 = 0.35;
/// A region is a piece of something larger where it costs so many times as much with a margin around it.
const PIECE: f64 = 1.5;
/// Exchanges with different partners.
const ROUNDS: usize = 3;
const EXHIBITS: usize = 4;

/// What an exchange of a region costs.
struct RegionLoss {
    region: Region,
    loss: Loss,
    /// The class that the region says, where it was put into pictures of the others.
    pulls: Option<usize>,
    tiny: bool,
    alike: bool,
    /// What it costs with a margin as wide as itself, where that was asked.
    with_margin: Option<f64>,
}

impl RegionLoss {
    /// Something put into the picture rather than a thing that it shows: tiny, or always alike; and not a piece of something
    /// larger.
    fn is_mark(&self) -> bool {
        let share = self.loss.share;
        let is_piece = |wider: f64| wider >= PIECE * share && wider - share >= LEAST_GAIN;
        (self.tiny || self.alike) && !self.with_margin.is_some_and(is_piece)
    }

    fn verdict(&self) -> Verdict {
        let (low, high) = (self.loss.interval.low, self.loss.interval.high);
        let at_edge = self.region.is_at_edge();
        match () {
            () if low >= LARGE && (self.is_mark() || at_edge) => Verdict::Fail,
            () if low >= MARK_PART && self.is_mark() || low >= PART && at_edge => Verdict::Warn,
            () if low >= LARGE => Verdict::Inconclusive,
            () if high >= LARGE && self.is_mark() => Verdict::Inconclusive,
            () => Verdict::Pass,
        }
    }
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let (Some(classifier), Some((subset, answers))) = (case.classifier, case.judged()) else {
        return Ok(Finding::inconclusive("There is no network to ask.", "Train and evaluate one first."));
    };
    let mut judged = answers.indices.clone();
    case.seed(ID).rng().shuffle(&mut judged);
    judged.truncate(MOST);
    if judged.len() < LEAST {
        return Ok(Finding::inconclusive(
            format!(
                "Fewer than {LEAST} pictures were evaluated: too few to see where the answers come from."
            ),
            "Evaluate it on more pictures: raise --validation-share or --test-share, or add pictures.",
        ));
    }
    let asked = Asked::of(case, classifier, judged)?;
    if asked.gain() < LEAST_GAIN {
        return Ok(Finding::inconclusive(
            format!(
                "It is right for {}, naming the most frequent class for {}: too little is learned to see where the answers come from.",
                per_cent(asked.accuracy()),
                per_cent(asked.chance)
            ),
            "See what better-than-chance says first.",
        ));
    }
    let candidates = candidates(case, classifier)?;
    let border = Region::border(&asked.images[0]);
    let seed = case.seed(ID).derive("partners");
    let lost = |region: &Region| {
        asked.loss(ROUNDS, |round| swapped(&asked, region, &asked.partners(&mut seed.at(round as u64).rng())))
    };
    let (outside, inside) = (lost(&border)?, lost(&border.rest())?);
    let mut found = Vec::new();
    for (region, class, alike) in candidates {
        let tiny = region.share() <= TINY || region.pixels() <= TINY_PIXELS;
        let (loss, pulls) = match class.filter(|_| case.classes().len() > 2) {
            Some(class) => (pull(case, &asked, &region, class)?, Some(class)),
            None => (None, None),
        };
        let own = lost(&region)?;
        let with_margin = match own.interval.low >= MARK_PART {
            true => Some(lost(&region.with_margin())?.share),
            false => None,
        };
        let region_loss =
            |loss, pulls| RegionLoss { region: region.clone(), loss, pulls, tiny, alike, with_margin };
        found.extend(loss.map(|loss| region_loss(loss, pulls)));
        found.push(region_loss(own, None));
    }
    found.sort_by(|a, b| {
        (b.verdict(), b.loss.interval.low)
            .partial_cmp(&(a.verdict(), a.loss.interval.low))
            .expect("shares are numbers")
    });
    let evidence = match found.first().filter(|first| first.verdict() > Verdict::Pass) {
        Some(first) => evidence(case, &asked, first)?,
        None => Vec::new(),
    };
    let used = format!(
        "the network's answers for {} {subset} pictures, changed; training pictures to find candidates",
        asked.images.len()
    );
    Ok(finding(case, &asked, &found, (outside, inside)).with_evidence(evidence).used(used))
}

/// Regions that may decide, with the class that each says where that was asked, and whether its pixels are alike in one.
fn candidates(
    case: &Case<'_>,
    classifier: &dyn Classifier,
) -> Result<Vec<(Region, Option<usize>, bool)>, AuditErrorKind> {
    let mut train = case.split.train.clone();
    case.seed(ID).derive("train").rng().shuffle(&mut train);
    train.truncate(MOST_SCREENED);
    if train.len() < LEAST {
        return Ok(Vec::new());
    }
    let images: Vec<Image> = train.iter().map(|&index| (case.seen)(index)).collect();
    let labels: Vec<usize> = train.iter().map(|&index| case.samples()[index].class).collect();
    let marks = screen::marks(&images, &labels);
    train.truncate(MOST_SEARCHED);
    let searched = Asked::of(case, classifier, train)?;
    let spots = match searched.gain() >= LEAST_GAIN {
        true => search::hot_spots(&searched, case.seed(ID).derive("search"), |tried| {
            case.tell(ID, tried, MOST_WINDOWS.max(tried))
        })?,
        false => Vec::new(),
    };
    let marks = marks.into_iter().map(|Mark { region, class, .. }| (region, Some(class)));
    let all = marks.chain(spots.into_iter().map(|region| (region, None)));
    Ok(all
        .map(|(region, class)| {
            let alike = is_alike(&images, &labels, &region);
            (region, class, alike)
        })
        .collect())
}

/// Whether the region's pixels are nearly the same in all pictures of a class, though not in those of the others; or so in
/// every class, where each has its own.
fn is_alike(images: &[Image], labels: &[usize], region: &Region) -> bool {
    let classes: std::collections::BTreeSet<usize> = labels.iter().copied().collect();
    let all = spread(images, region);
    let of = |class: usize, own: bool| {
        let some = images.iter().zip(labels).filter(move |&(_, label)| (*label == class) == own);
        spread(some.map(|(image, _)| image), region)
    };
    classes.into_iter().any(|class| {
        let (own, others) = (of(class, true), of(class, false));
        own <= ALIKE * others || own.max(others) <= ALIKE * all
    })
}

/// Standard deviation over the pictures of a pixel of the region, the mean over all of its pixels.
fn spread<'a>(images: impl IntoIterator<Item = &'a Image>, region: &Region) -> f64 {
    let (mut sums, mut squares, mut count) = (Vec::new(), Vec::new(), 0.0);
    for image in images {
        let channels = image.channels().count();
        let places = region.mask.iter().enumerate().filter(|(_, inside)| **inside);
        let values = places.flat_map(|(place, _)| &image.pixels()[place * channels..(place + 1) * channels]);
        for (at, &value) in values.enumerate() {
            if at == sums.len() {
                sums.push(0.0);
                squares.push(0.0);
            }
            sums[at] += f64::from(value);
            squares[at] += f64::from(value) * f64::from(value);
        }
        count += 1.0;
    }
    let deviation = |(sum, square): (&f64, &f64)| (square / count - (sum / count).powi(2)).max(0.0).sqrt();
    sums.iter().zip(&squares).map(deviation).sum::<f64>() / sums.len().max(1) as f64
}

/// Whether pictures of other classes become `class` with the region of its pictures. `None` where there are too few.
fn pull(
    case: &Case<'_>,
    asked: &Asked<'_>,
    region: &Region,
    class: usize,
) -> Result<Option<Loss>, AuditErrorKind> {
    let (own, others): (Vec<usize>, Vec<usize>) =
        (0..asked.images.len()).partition(|&place| asked.class(place) == class);
    if own.is_empty() || others.len() < LEAST {
        return Ok(None);
    }
    let mut rng = case.seed(ID).derive("donors").rng();
    let donor = |place: &usize| {
        exchanged(&asked.images[*place], &asked.images[own[rng.below(own.len())]], &region.mask)
    };
    let images: Vec<Image> = others.iter().map(donor).collect();
    Ok(Some(asked.pull(class, &others, &images)?))
}

/// Pictures with and without the region, those first whose answer changes, of every class by turns.
fn evidence(case: &Case<'_>, asked: &Asked<'_>, found: &RegionLoss) -> Result<Vec<Evidence>, AuditErrorKind> {
    let partners = asked.partners(&mut case.seed(ID).derive("shown").rng());
    let images = swapped(asked, &found.region, &partners);
    let answers = asked.answers(&images)?;
    let changed =
        |&place: &usize| asked.answers[place] == asked.class(place) && answers[place] != asked.answers[place];
    let mut places: Vec<usize> = (0..images.len()).filter(changed).collect();
    let mut taken = vec![0usize; case.classes().len()];
    let turn: Vec<usize> = places
        .iter()
        .map(|&place| {
            taken[asked.class(place)] += 1;
            taken[asked.class(place)]
        })
        .collect();
    let turns: std::collections::HashMap<usize, usize> = places.iter().copied().zip(turn).collect();
    places.sort_by_key(|place| turns[place]);
    let exhibit = |&place: &usize| {
        let index = asked.indices[place];
        let name = |class: usize| &case.classes()[class];
        let note = format!(
            "as it is: {}; with {} of another picture: {}",
            name(asked.answers[place]),
            found.region.words(),
            name(answers[place])
        );
        Evidence { note, pictures: vec![Shown::of(case, index), Shown::changed(case, index, &images[place])] }
    };
    Ok(places.iter().take(EXHIBITS).map(exhibit).collect())
}

/// Of the border and the middle.
fn of_border(outside: &Loss, inside: &Loss) -> Verdict {
    let large = outside.interval.low >= LARGE;
    match () {
        () if large && inside.interval.high < PART => Verdict::Fail,
        () if large && inside.interval.high < outside.interval.low => Verdict::Warn,
        () => Verdict::Pass,
    }
}

fn finding(
    case: &Case<'_>,
    asked: &Asked<'_>,
    found: &[RegionLoss],
    (outside, inside): (Loss, Loss),
) -> Finding {
    let border = of_border(&outside, &inside);
    let first = found.first();
    let small = first.map_or(Verdict::Pass, RegionLoss::verdict);
    let both = format!(
        "Exchanging the border costs {} of what the network gains over chance, exchanging the middle {}",
        outside.words(),
        inside.words()
    );
    let headline = match first {
        Some(first) if small > Verdict::Pass && small >= border => of_region(case, asked, first),
        Some(first) if border == Verdict::Pass => format!(
            "No small region that decides was found. {both}, and the most important small region that was found {}.",
            first.loss.words()
        ),
        None if border == Verdict::Pass => {
            format!("No small region was found that tells a class. {both}.")
        }
        _ => format!("{both}."),
    };
    let verdict = small.max(border);
    let (meaning, advice) = match verdict {
        Verdict::Pass => (
            "The answers do not depend on the border alone, or on one small mark that this search could find.",
            "",
        ),
        Verdict::Inconclusive => (
            "The answers depend on a small place. That is right where the thing is there, and a shortcut where it is not. The figures \
             cannot tell one from the other.",
            "Look at the pictures with and without the region. If it is not the thing, cut it out and train again. If it is, crop the \
             pictures to the thing.",
        ),
        Verdict::Warn | Verdict::Fail => (
            "The network answers by something beside the thing: a mark, a hot pixel, a stamp, a frame, a background.",
            "Look at that region in a few pictures of each class. Crop it away or paint it over in all pictures, or collect pictures \
             without it, and train again.",
        ),
    };
    let with_figures = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure("accuracy, pictures as they are", asked.accuracy(), Unit::Share)
        .figure("naming the most frequent class", asked.chance, Unit::Share)
        .figure_within("share of the gain lost with the border", outside.share, outside.interval, Unit::Share)
        .figure_within("share of the gain lost with the middle", inside.share, inside.interval, Unit::Share);
    let with_region = match first {
        Some(RegionLoss { loss, region, .. }) => with_figures
            .figure_within(
                "share of the gain lost with the most important small region",
                loss.share,
                loss.interval,
                Unit::Share,
            )
            .figure("share of the picture that this region covers", region.share(), Unit::Share),
        None => with_figures,
    };
    with_region.with_table(table(case, found, &outside, &inside))
}

fn of_region(case: &Case<'_>, asked: &Asked<'_>, found: &RegionLoss) -> String {
    let RegionLoss { region, loss, .. } = found;
    let size = format!("{}×{}", asked.images[0].width(), asked.images[0].height());
    let area = 100.0 * region.share();
    let area = if area < 1.0 { format!("{area:.1}%") } else { format!("{area:.0}%") };
    let place = format!("{} (of {size}, {area} of the picture)", region.words());
    let effect = match found.pulls {
        Some(class) => format!(
            "With {place} of a picture of “{}”, {} of the other pictures are taken for it, {} without",
            case.classes()[class],
            per_cent(loss.after),
            per_cent(loss.before)
        ),
        None => format!(
            "With {place} taken from another picture, the accuracy falls from {} to {}: {} of the gain over chance",
            per_cent(loss.before),
            per_cent(loss.after),
            loss.words()
        ),
    };
    match found.verdict() {
        Verdict::Inconclusive if loss.interval.low >= LARGE => {
            format!("{effect}. Look whether that is the thing itself.")
        }
        Verdict::Inconclusive => {
            format!("{effect}. Too few pictures to say whether the answer depends on it.")
        }
        Verdict::Warn => format!("{effect}. The answer partly depends on it."),
        _ => format!("{effect}. The answer depends on it."),
    }
}

fn table(case: &Case<'_>, found: &[RegionLoss], outside: &Loss, inside: &Loss) -> Table {
    let row =
        |name: String, area: f64, loss: &Loss| vec![name, format!("{:.1}%", 100.0 * area), loss.words()];
    let fixed = [("the border", 1.0 - 0.75 * 0.75, outside), ("the middle", 0.75 * 0.75, inside)];
    let mut rows: Vec<Vec<String>> =
        fixed.into_iter().map(|(name, area, loss)| row(name.to_owned(), area, loss)).collect();
    rows.extend(found.iter().map(|RegionLoss { region, loss, pulls, .. }| {
        let name = match pulls {
            Some(class) => format!("{}, from “{}” into the others", region.words(), case.classes()[*class]),
            None => region.words(),
        };
        row(name, region.share(), loss)
    }));
    Table {
        title: "Share of the gain over chance that a part costs".to_owned(),
        heading: ["part", "of the picture", "share of the gain (95 % interval)"].map(String::from).to_vec(),
        rows,
    }
}

#[cfg(test)]
mod tests;
