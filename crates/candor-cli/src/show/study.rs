//! What is in a study, and what was done to it.

use candor_workflow::{
    CropCount, CropResult, DuplicateCluster, Duplicates, Forgotten, FoundOutside, Imported, NamedSplit,
    OutsideFolder, SimilarPair, SplitMade, StudyStatus, Tie, WhyLeft, count,
};

use super::Words;
use super::table::{Table, WIDTH, shortened, wrapped};

impl Words for Imported {
    fn words(&self) -> String {
        let Imported { new, known, copied_instead, problems, .. } = self;
        let mut text = format!(
            "{} taken into {}; {} there already.\n",
            pictures(*new),
            self.study.display(),
            were(*known)
        );
        if *copied_instead > 0 {
            text += &format!("{} copied, because nothing else was possible.\n", were(*copied_instead));
        }
        if self.refused > 0 {
            text += &format!(
                "{} refused: taken out of this study before, or a copy of such a picture.\n",
                were(self.refused)
            );
        }
        if !problems.is_empty() {
            text += &format!(
                "{} left out or told of; candor status {} counts them.\n",
                count(problems.len() as u64),
                self.study.display()
            );
        }
        if !self.classes.is_empty() {
            let mut table = Table::new(&["class", ">new pictures"]);
            self.classes.iter().for_each(|(class, new)| table.row([class, &count(*new as u64)]));
            text += &format!("\n{table}");
        }
        text + &format!("\nTrain on them: candor study {}\n", self.study.display())
    }
}

impl Words for CropResult {
    fn words(&self) -> String {
        let (place, side) = (self.place.display(), self.cropped.made.how.side_px);
        let mut text = format!("{} looked at", pictures(self.cropped.looked_at));
        if self.cropped.known > 0 {
            text += &format!(", {} before", were(self.cropped.known));
        }
        let crops = count(self.crops as u64);
        text += &format!("; {crops} crops of {side}×{side} pixels in {place}.\n");
        if self.cropped.replaced > 0 {
            text += &format!("{} of another kind taken away.\n", were(self.cropped.replaced));
        }
        for (reason, pictures) in self.reasons() {
            text += &format!("Failed: {} ({reason})\n", count(pictures as u64));
        }
        if !self.cropped.problems.is_empty() {
            text += &format!("Not readable: {}\n", count(self.cropped.problems.len() as u64));
        }
        let sheet = self.sheet.display();
        text +=
            &format!("\nLook at them: {sheet}\nFailures, a line each: {}\n", self.failures_file.display());
        match self.in_study {
            true => text + &format!("Train on them: candor study {place} --crops\n"),
            false => text + &format!("Train on them: candor study {place}\n"),
        }
    }
}

impl Words for StudyStatus {
    fn words(&self) -> String {
        let status = &self.pictures;
        let mut text = format!(
            "{}: {}, {:.1} MB\n",
            status.study.display(),
            pictures(status.pictures),
            status.bytes as f64 / 1e6
        );
        if status.found_twice > 0 {
            text += &format!("{} found in more than one place.\n", were(status.found_twice));
        }
        if status.missing > 0 {
            text += &format!("{} MISSING: the original is not where it should be.\n", are(status.missing));
        }
        if status.orphans > 0 {
            text += &format!("{} in orphans/, without a row in study.db.\n", are(status.orphans));
        }
        let mut classes = Table::new(&["class", ">pictures"]);
        for class in &status.classes {
            classes.row([&class.class, &count(class.pictures as u64)]);
        }
        let mut sources = Table::new(&["source", "kind", ">pictures", ">problems", "imported (UTC)"]);
        for source in &status.sources {
            let (pictures, problems) = (count(source.pictures as u64), count(source.problems as u64));
            let place = shortened(&source.place, WIDTH - 57);
            sources.row([&place, &source.kind, &pictures, &problems, &source.imported_at]);
        }
        text += &format!("\n{classes}\n{sources}");
        text += &status.crops.as_ref().map_or_else(String::new, crop_words);
        if !status.splits.is_empty() {
            let mut splits = Table::new(&["split", ">train", ">validation", ">test", ">in none"]);
            for split in &status.splits {
                let [train, validation, test] =
                    [0, 1, 2].map(|at| split.classes.values().map(|counts| counts[at]).sum::<usize>());
                let numbers = [train, validation, test, split.outside].map(|number| count(number as u64));
                splits.row([&split.name, &numbers[0], &numbers[1], &numbers[2], &numbers[3]]);
            }
            text += &format!("\n{splits}");
        }
        if !status.outside.is_empty() {
            text += &format!("\n{}", written_out(&status.outside));
        }
        if !self.runs.is_empty() {
            let mut runs = Table::new(&["run", "trained", ">looks at test", ">marks"]);
            for run in &self.runs {
                let trained = if run.trained { "yes" } else { "not yet" };
                let (looks, marks) = (run.looks.to_string(), run.marks.to_string());
                runs.row([&shortened(&run.run.display().to_string(), 40), trained, &looks, &marks]);
            }
            text += &format!("\n{runs}");
        }
        text
    }
}

fn crop_words(crops: &CropCount) -> String {
    let [cut, failures, new] =
        [crops.crops, crops.failures, crops.not_looked_at].map(|number| count(number as u64));
    let side = crops.made.how.side_px;
    let waiting = if crops.not_looked_at > 0 { format!(", {new} not looked at yet") } else { String::new() };
    format!("\nfaces cut out ({side}×{side}): {cut}; pictures without one: {failures}{waiting}\n")
}

fn pictures(number: usize) -> String {
    things(number, "picture", "pictures")
}

/// The folders outside of the study that its pictures were written to.
fn written_out(outside: &[OutsideFolder]) -> Table {
    let mut table = Table::new(&["written to", "by", "when (UTC)", "may hold"]);
    for folder in outside {
        let place = shortened(&folder.folder.display().to_string(), WIDTH - 50);
        let since = if folder.stale_since.is_some() { "forgotten pictures" } else { "" };
        table.row([&place, &folder.verb, &folder.written_at, since]);
    }
    table
}

fn were(number: usize) -> String {
    format!("{} {}", count(number as u64), if number == 1 { "was" } else { "were" })
}

fn are(number: usize) -> String {
    format!("{} {}", count(number as u64), if number == 1 { "is" } else { "are" })
}

impl Words for SplitMade {
    fn words(&self) -> String {
        let mut text = String::new();
        for split in &self.splits {
            text += &format!("{} ({})\n\n{}\n", split.name, split.how, split_table(split));
        }
        text += &ties(self);
        for problem in &self.problems {
            text += &(wrapped(&format!("Note: {}: {}", problem.place, problem.reason), WIDTH) + "\n");
        }
        text
    }
}

fn split_table(split: &NamedSplit) -> Table {
    let mut table = Table::new(&["class", ">train", ">validation", ">test"]);
    for (class, counts) in &split.classes {
        let counts = counts.map(|number| count(number as u64));
        table.row([class, &counts[0], &counts[1], &counts[2]]);
    }
    table
}

/// How many groups of each kind were found, with some of them.
fn ties(made: &SplitMade) -> String {
    const EXAMPLES: usize = 3;
    let mut text = match made.tied {
        0 => "Nothing was found that belongs together: each picture was dealt out by itself.\n".to_owned(),
        tied => {
            format!("{} kept together with others, {} units in all:\n", are(tied), count(made.units as u64))
        }
    };
    for tie in Tie::ALL {
        let groups: Vec<_> = made.ties.iter().filter(|tied| tied.tie == tie).collect();
        if !groups.is_empty() {
            text += &format!("  {} by {}, such as\n", count(groups.len() as u64), tie.name());
        }
        for group in groups.iter().take(EXAMPLES) {
            text += &format!("    {} ({})\n", shortened(&group.why, 60), pictures(group.members.len()));
        }
    }
    text
}

impl Words for Duplicates {
    fn words(&self) -> String {
        const MOST: usize = 20;
        if self.clusters.is_empty() {
            return format!(
                "{} compared: no copies.\n{}",
                pictures(self.pictures),
                similar_words(&self.similar)
            );
        }
        let (clusters, all) = (count(self.clusters.len() as u64), pictures(self.pictures));
        let of = if self.clusters.len() == 1 { "cluster" } else { "clusters" };
        let mut text = format!("{all} compared, {clusters} {of} of copies.\n");
        for cluster in self.clusters.iter().take(MOST) {
            text += &format!("\n{}", cluster_words(cluster));
        }
        if self.clusters.len() > MOST {
            text += &format!("\n… and {} more; --json lists them all.\n", self.clusters.len() - MOST);
        }
        text + &similar_words(&self.similar)
    }
}

/// Pairs that only a person can tell apart.
fn similar_words(similar: &[SimilarPair]) -> String {
    const MOST: usize = 10;
    if similar.is_empty() {
        return String::new();
    }
    let pairs =
        if similar.len() == 1 { "1 pair is".to_owned() } else { format!("{} pairs are", similar.len()) };
    let mut table = Table::plain();
    for pair in similar.iter().take(MOST) {
        let mirrored = if pair.mirrored { ", mirrored" } else { "" };
        let alike = format!("{:.2} alike{mirrored}", pair.likeness);
        table.row([&shortened(&pair.first.file, 34), &shortened(&pair.second.file, 34), &alike]);
    }
    let more = match similar.len() > MOST {
        true => format!("… and {} more; --json lists them all.\n", similar.len() - MOST),
        false => String::new(),
    };
    format!(
        "\n{pairs} very similar; whether they are copies cannot be told from the pixels. Please look:\n{table}{more}"
    )
}

fn cluster_words(cluster: &DuplicateCluster) -> String {
    let mut table = Table::plain();
    for (place, picture) in cluster.pictures.iter().enumerate() {
        let pair =
            cluster.evidence.iter().find(|pair| pair.second == place || (place > 0 && pair.first == place));
        let tie = pair.map_or_else(String::new, |pair| match pair.exact {
            true => "the same bytes".to_owned(),
            false => {
                let mirrored = if pair.mirrored { ", mirrored" } else { "" };
                let part = if pair.area < 0.995 {
                    format!(", {:.0} % of it", 100.0 * pair.area)
                } else {
                    String::new()
                };
                format!("{:.2} alike{mirrored}{part}", pair.likeness)
            }
        });
        table.row([&shortened(&picture.file, 34), &shortened(&picture.class, 14), &tie]);
    }
    let differ = if cluster.classes_differ { "  DIFFERENT CLASSES: at least one is wrong\n" } else { "" };
    format!("{table}{differ}")
}

impl Words for Forgotten {
    fn words(&self) -> String {
        let (goes, marked) = match self.dry_run {
            true => ("would go", "would be marked"),
            false => ("taken out", "marked"),
        };
        let one = self.pictures.len() + self.addresses.len() == 1;
        let [them, they_are] = if one { ["it", "It is"] } else { ["them", "They are"] };
        let mut text = format!("{} {goes}:\n", pictures(self.pictures.len()));
        for picture in &self.pictures {
            let origins = picture.origins.join(", ");
            text += &format!("  {} ({}), {}\n", shortened(&origins, 50), picture.class, picture.id.short());
        }
        for address in &self.addresses {
            text += &format!("  {} (never taken in)\n", shortened(address, 60));
        }
        for file in self.pictures.iter().filter_map(|picture| picture.elsewhere.as_ref()) {
            text += &format!("Outside of the study, and not touched: {}\n", file.display());
        }
        if self.runs.is_empty() {
            text += &format!("No training saw {them}.\n");
        }
        for run in &self.runs {
            let saw: Vec<String> =
                run.saw.iter().map(|(subset, seen)| format!("{seen} in {subset}")).collect();
            let saw = if saw.is_empty() { format!("only spoke of {them}") } else { saw.join(", ") };
            text += &format!(
                "{marked}: {} ({saw}), {} files\n",
                shortened(&run.run.display().to_string(), 44),
                run.files.len()
            );
        }
        self.outside.iter().for_each(|found| text += &outside_words(found, them, self.dry_run));
        match &self.receipt {
            Some(receipt) => {
                text + &format!(
                    "\nA model that had learned from {them} keeps what it learned: train again without {them}.\n\
                     {they_are} refused when imported again. Receipt: {}\n",
                    receipt.display()
                )
            }
            None => text + "\nNothing was done yet: give the command without --dry-run.\n",
        }
    }
}

/// What goes, and what stays, of a folder outside of the study.
fn outside_words(found: &FoundOutside, them: &str, dry_run: bool) -> String {
    let folder = found.folder.folder.display();
    let mut text = format!(
        "\n{folder} (candor {}, {}){}\n",
        found.folder.verb,
        found.folder.written_at,
        if found.gone { " IS NO LONGER THERE" } else { "" }
    );
    let mut line = |what: &str, file: &str| text += &format!("  {what}{file}\n");
    let (goes, rewritten) = match dry_run {
        true => ("would be deleted: ", "would be written again without "),
        false => ("deleted: ", "written again without "),
    };
    found.files.iter().for_each(|file| line(goes, file));
    found.tables.iter().for_each(|table| line(&format!("{rewritten}{them}: "), table));
    for left in &found.left {
        let stays = match left.why {
            WhyLeft::HoldsOthersToo => "STAYS AS IT IS, with others in it: ",
            WhyLeft::Changed => "STAYS AS IT IS, changed since it was written, look yourself: ",
            WhyLeft::Link => "STAYS AS IT IS, a link that is not followed, look yourself: ",
        };
        line(stays, &left.file);
    }
    if found.left.iter().any(|left| left.why == WhyLeft::HoldsOthersToo) {
        line(&format!("Delete this folder and export again, to have {them} out of there."), "");
    }
    if found.gone {
        line("If you moved it or gave it away, what is taken out is still in it: delete it there.", "");
    } else if found.missing > 0 {
        line(
            &format!(
                "{} not found there: deleted, or moved elsewhere.",
                things(found.missing, "copy", "copies")
            ),
            "",
        );
    }
    text
}

fn things(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number as u64), if number == 1 { one } else { many })
}
