//! How many trainings of the run's own recipe an audit makes: decided once from a budget of time and a first training,
//! written down, and the same from then on. So a finding never depends on the clock of the day it is made.

use std::time::Duration;

use candor_analysis::audit::{Case, Check, LearnError, Task, trial};
use candor_core::{Reporter, SampleId};
use serde::{Deserialize, Serialize};

use super::own_recipe::OwnRecipe;
use crate::error::{Result, WorkflowError};
use crate::run::Run;
use crate::run_dir::AUDIT_PLAN;

/// Permutations that are trained where nothing else is asked for, at most.
const MOST_PERMUTATIONS: usize = 99;
/// Fewer permutations than this can never reach p = .05.
const LEAST_PERMUTATIONS: usize = 19;
/// The share of the budget for trainings on permuted labels. The rest of the audit takes time, too.
const PERMUTING: f64 = 0.5;
/// The share of the budget that each other check may train for.
const EACH_OTHER: f64 = 0.1;
/// The checks that train.
const TRAIN: [&str; 6] = [
    "better-than-chance",
    "memorisation",
    "seed-variance",
    "leave-one-source-out",
    "label-errors",
    "feedback-loop",
];
/// The check that permutes.
const PERMUTES: &str = "better-than-chance";
/// It trains hundreds of networks for its simulation: always the small one.
const SIMULATES: &str = "feedback-loop";

/// The effort that a person grants an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditEffort {
    /// Trainings on permuted labels; as many as the budget allows, up to 99, where nothing is said.
    pub permutations: Option<usize>,
    /// Time for all trainings of the run's own recipe and what else the audit does, about.
    pub budget: Duration,
}

impl Default for AuditEffort {
    fn default() -> AuditEffort {
        AuditEffort { permutations: None, budget: Duration::from_secs(600) }
    }
}

/// `audit/plan.json`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Of recipe, pictures and split.
    made_of: SampleId,
    budget_seconds: u64,
    asked_permutations: Option<usize>,
    /// What one training of the run's own recipe takes, about.
    pub seconds_a_training: Option<f64>,
    /// Trainings of one estimate: one, or one a fold of few pictures.
    trainings_a_permutation: usize,
    /// Trainings on permuted labels; 0 where the run's own recipe is not trained for them.
    pub permutations: usize,
    /// Trainings of the run's own recipe that each other check may make.
    trainings_a_check: usize,
    /// Why the recipe is not trained at all, as the end of a sentence.
    why_not: Option<String>,
}

impl Plan {
    /// Takes up the plan that was made for this run and this effort, or makes one and says what it buys.
    ///
    /// # Errors
    /// When the person stops the first training, or the plan cannot be written.
    pub fn of(
        run: &Run,
        case: &Case<'_>,
        own: std::result::Result<&OwnRecipe<'_>, &'static str>,
        made_of: SampleId,
        effort: AuditEffort,
    ) -> Result<Plan> {
        let is_same = |plan: &Plan| {
            (plan.made_of, plan.budget_seconds, plan.asked_permutations)
                == (made_of, effort.budget.as_secs(), effort.permutations)
        };
        if let Some(plan) = run.dir.read_json(AUDIT_PLAN).ok().filter(is_same) {
            return Ok(plan);
        }
        let plan = Plan::new(run, case, own, made_of, effort)?;
        run.dir.write_json(AUDIT_PLAN, &plan)?;
        plan.tell(case.reporter);
        Ok(plan)
    }

    fn new(
        run: &Run,
        case: &Case<'_>,
        own: std::result::Result<&OwnRecipe<'_>, &'static str>,
        made_of: SampleId,
        effort: AuditEffort,
    ) -> Result<Plan> {
        let first = trial(case);
        let mut plan = Plan {
            made_of,
            budget_seconds: effort.budget.as_secs(),
            asked_permutations: effort.permutations,
            seconds_a_training: None,
            trainings_a_permutation: (first.len() / 2).max(1),
            permutations: 0,
            trainings_a_check: 0,
            why_not: None,
        };
        let own = match own {
            Ok(own) if !first.is_empty() => own,
            Ok(_) => {
                return Ok(Plan { why_not: Some("there are too few pictures to train on".into()), ..plan });
            }
            Err(why) => return Ok(Plan { why_not: Some(why.to_owned()), ..plan }),
        };
        // The run's own training is a first guess: one of hours is not begun again for an audit of minutes.
        let guess = run.history().map_or(0.0, |history| history.seconds());
        let is_long = guess * first.len() as f64 > PERMUTING * effort.budget.as_secs_f64();
        plan.seconds_a_training = match is_long && effort.permutations.is_none() {
            true => Some(guess),
            false => Some(measured(own, case, &first, guess)?),
        };
        plan.spend(effort);
        Ok(plan)
    }

    /// Whether a check trains anything.
    pub fn concerns(check: &Check) -> bool {
        TRAIN.contains(&check.id)
    }

    /// Shares the budget out.
    fn spend(&mut self, effort: AuditEffort) {
        let Some(seconds) = self.seconds_a_training else { return };
        let affordable = |share: f64| (share * effort.budget.as_secs_f64() / seconds.max(1e-6)) as usize;
        let permutations = affordable(PERMUTING) / self.trainings_a_permutation;
        self.permutations = match effort.permutations {
            Some(asked) => asked,
            None if permutations < LEAST_PERMUTATIONS => 0,
            None => permutations.min(MOST_PERMUTATIONS),
        };
        self.trainings_a_check = affordable(EACH_OTHER);
    }

    /// Trainings of the run's own recipe that a check may make; `None` where a small network stands in for it.
    pub fn trainings(&self, check: &Check) -> Option<usize> {
        let most = match check.id {
            PERMUTES if self.permutations > 0 => usize::MAX,
            PERMUTES | SIMULATES => 0,
            _ => self.trainings_a_check,
        };
        (most > 0 && self.why_not.is_none()).then_some(most)
    }

    /// What a check's finding depends on, of the plan.
    pub fn effort(&self, check: &Check) -> String {
        if !Plan::concerns(check) {
            return String::new();
        }
        let permutations = if check.permutes { self.permutations } else { 0 };
        format!("{permutations} permutations, {} trainings", self.trainings(check).unwrap_or_default())
    }

    fn tell(&self, reporter: &dyn Reporter) {
        if let Some(why) = &self.why_not {
            reporter.note(&format!("This run's own recipe is not trained again: {why}."));
        }
        let Some(seconds) = self.seconds_a_training else { return };
        let takes = |permutations: usize| {
            in_words(seconds * (self.trainings_a_permutation * (permutations + 1)) as f64)
        };
        reporter.note(&format!(
            "One training of this run's own recipe takes about {}: 19 permutations {}, 99 {}, 999 {}.",
            in_words(seconds),
            takes(19),
            takes(99),
            takes(999)
        ));
        reporter.note(&match self.permutations {
            0 => format!(
                "A budget of {} is too small for {LEAST_PERMUTATIONS} permutations: only the saved predictions are tested. \
                 --budget changes that.",
                in_words(self.budget_seconds as f64)
            ),
            permutations => format!(
                "{permutations} permutations of this run's own recipe, about {}: the smallest possible p-value is {:.3}.",
                takes(permutations),
                1.0 / (permutations + 1) as f64
            ),
        });
    }
}

/// Trains for a first time and looks at the clock. Where that was trained before, what the run took is the best guess.
fn measured(own: &OwnRecipe<'_>, case: &Case<'_>, first: &[Task], guess: f64) -> Result<f64> {
    case.reporter.note("Training this run's own recipe for the first time, to see how long the audit takes.");
    match own.seconds_a_training(first) {
        Ok(seconds) => Ok(seconds.unwrap_or(guess)),
        Err(LearnError::Stopped) => Err(WorkflowError::Stopped { run: None }),
        // A recipe that diverges on these labels is for the check to report.
        Err(_) => Ok(guess),
    }
}

/// `42 s`, `3 min`, `2 h 05 min`.
fn in_words(seconds: f64) -> String {
    crate::train::in_words(Duration::from_secs_f64(seconds.max(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seconds: f64, budget: u64, asked: Option<usize>) -> Plan {
        let effort = AuditEffort { permutations: asked, budget: Duration::from_secs(budget) };
        let mut plan = Plan {
            made_of: SampleId::of(b"a run"),
            budget_seconds: budget,
            asked_permutations: asked,
            seconds_a_training: Some(seconds),
            trainings_a_permutation: 1,
            permutations: 0,
            trainings_a_check: 0,
            why_not: None,
        };
        plan.spend(effort);
        plan
    }

    #[test]
    fn the_budget_buys_as_many_permutations_as_fit_and_none_where_none_could_reject() {
        assert_eq!(plan(1.0, 600, None).permutations, MOST_PERMUTATIONS);
        assert_eq!(plan(6.0, 600, None).permutations, 50);
        assert_eq!(plan(60.0, 600, None).permutations, 0);
        assert_eq!(plan(60.0, 600, Some(199)).permutations, 199, "what is asked for is made");
        let check = |id| Check::find(id).unwrap();
        let long = plan(60.0, 600, None);
        assert_eq!(long.trainings(check("better-than-chance")), None);
        assert_eq!(long.trainings(check("seed-variance")), Some(1));
        let short = plan(1.0, 600, None);
        assert_eq!(short.trainings(check("seed-variance")), Some(60));
        assert_eq!(short.trainings(check("feedback-loop")), None);
        assert_ne!(short.effort(check("label-errors")), long.effort(check("label-errors")));
        assert_eq!(short.effort(check("calibration")), "");
        assert!(TRAIN.iter().all(|id| Check::find(id).is_some()));
    }
}
