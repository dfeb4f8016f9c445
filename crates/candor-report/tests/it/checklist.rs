//! The checklists: every item is there, what the run knows is told, and what it cannot know is a blank.

use candor_report::{data_sheet, reforms};

use crate::fixture::{Wanted, report};

#[test]
fn all_32_items_of_reforms_are_numbered_as_in_the_paper_and_blanks_are_visible() {
    let text = reforms(&report(&Wanted { classes: 3, models: 1, layers: 6, picture_px: 20 }));
    let items = [3, 5, 7, 3, 6, 3, 3, 2];
    for (module, count) in items.into_iter().enumerate() {
        for place in 0..count {
            let number = format!("**{}{}. ", module + 1, char::from(b'a' + place));
            assert_eq!(text.matches(&number).count(), 1, "{number}");
        }
    }
    assert_eq!(text.matches("?**").count(), 32, "{text}");
    assert!(
        text.contains("Of which population or distribution is something claimed?**  \n☐ **to be filled in**")
    );
    assert!(text.contains("How many samples are there, and how many of each outcome?**  \n"));
}

#[test]
fn the_data_sheet_counts_the_pictures_and_leaves_consent_to_people() {
    let text = data_sheet(&report(&Wanted { classes: 3, models: 1, layers: 6, picture_px: 20 }));
    let answer = |question: &str| text.split(question).nth(1).unwrap().lines().nth(1).unwrap().to_owned();
    assert!(answer("how many are there?").contains("pictures: train "), "{text}");
    assert!(answer("did they consent").starts_with('☐'), "{text}");
    assert!(!text.to_lowercase().contains("compliant"));
}
