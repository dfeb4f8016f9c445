//! How the models learned: the history, the recipe, the time it took.

use maud::{Markup, html};

use super::parts;
use crate::chart::{self, Quantity};
use crate::{History, Model, Report, figures};

pub(super) fn section(report: &Report) -> Markup {
    let together: Vec<&History> = report.models.iter().map(|model| &model.training.history).collect();
    parts::section(
        "training",
        "The training",
        html! {
            p { (introduction(together.iter().any(|history| history.is_validated()))) }
            (parts::side_by_side(report, |model| html! { (plots(model, &together)) (recipe(model)) }))
        },
    )
}

fn introduction(validated: bool) -> &'static str {
    if validated {
        "After each epoch – one pass over the training pictures – the model is tried on the pictures it learns from \
         (train) and on others that it does not learn from (validation). Where train goes on rising and validation \
         does not, it is learning by heart. The dashed line marks the epoch that was kept."
    } else {
        "After each epoch – one pass over the training pictures – the curve shows how well the model does on these same \
         pictures. It can rise although nothing is learned that holds for other pictures, and none were kept aside to \
         watch that (validation). Believe the test figures only."
    }
}

fn plots(model: &Model, together: &[&History]) -> Markup {
    let history = &model.training.history;
    let chance = model.judged().map(|judged| judged.evaluation.majority_baseline.accuracy);
    html! {
        div class="plots" {
            @for quantity in [Quantity::Accuracy, Quantity::Loss] {
                figure class="card" { (chart::history_plot(history, quantity, together, chance)) }
            }
        }
    }
}

fn recipe(model: &Model) -> Markup {
    let training = &model.training;
    let measured = [
        ("Time", figures::duration(training.seconds)),
        ("Speed", format!("{} pictures a second", figures::count(training.images_per_second.round() as u64))),
    ];
    html! {
        (parts::facts(measured.into_iter().chain(parts::pairs(&training.recipe))))
        details {
            summary { "The whole recipe" }
            pre { (training.recipe_toml) }
        }
    }
}
