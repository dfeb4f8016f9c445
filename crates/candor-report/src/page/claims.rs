//! What may be claimed, and what may not: the same words in every report and on every model card.

use maud::{Markup, html};

use super::parts;

const MAY: [&str; 3] = [
    "How often the model predicted the right class for the test pictures of this study, together with what the audit found.",
    "Which classes it confuses, on these pictures.",
    "That anybody can get the same figures from the same pictures with the command below.",
];

/// What nobody may say, and why not.
pub(crate) const MAY_NOT: [(&str, &str); 5] = [
    (
        "That it works elsewhere.",
        "The test pictures come from where the training pictures come from. The accuracy says nothing about pictures \
         from another place, camera, year or web site.",
    ),
    (
        "That it sees what you think it sees.",
        "A background, a photographer's style, a picture's size or a watermark can give the class away. A high accuracy \
         does not say which of these was used.",
    ),
    (
        "Anything about a person's character.",
        "A face does not tell character, crime, orientation or profession. A model that seems to read them reads the \
         photograph: light, pose, clothes, the occasion on which it was taken, and who chose it.",
    ),
    (
        "That it is fair.",
        "One figure for all can hide that it fails for some. Nothing was measured for groups of people unless this \
         report says so.",
    ),
    (
        "That it may be used.",
        "Whether a use is lawful or right is not something that a program can find out. candor measures; it does not \
         certify.",
    ),
];

pub(super) fn section() -> Markup {
    parts::section(
        "claims",
        "What may be claimed, and what may not",
        html! {
            div class="claims" {
                div class="may" {
                    h3 { "You may say" }
                    ul { @for claim in MAY { li { (claim) } } }
                }
                div class="may-not" {
                    h3 { "You may not say" }
                    ul { @for (claim, reason) in MAY_NOT { li { b { (claim) } " " (reason) } } }
                }
            }
        },
    )
}
