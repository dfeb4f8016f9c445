//! What went wrong, why, and what to do; for people on standard error, for machines on standard output.

use std::process::ExitCode;

use anyhow::Error;
use candor_workflow::{CollectError, WorkflowError};
use serde::Serialize;

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

#[derive(Serialize)]
struct Failure<'a> {
    error: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    message: String,
    causes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a str>,
    stopped: bool,
}

/// Tells of `error` and gives the exit code that goes with it.
pub fn tell(error: &Error, json: bool) -> ExitCode {
    let workflow = error.downcast_ref::<WorkflowError>();
    let (causes, advice) = (causes(error), workflow.and_then(WorkflowError::advice));
    let stopped = workflow.is_some_and(WorkflowError::is_stop);
    let name = if stopped { "stopped" } else { "error" };
    match stopped {
        true => eprintln!("stopped"),
        false => eprintln!("{name}: {error}"),
    }
    causes.iter().for_each(|cause| eprintln!("  because: {cause}"));
    advice.iter().for_each(|advice| eprintln!("  what to do: {advice}"));
    if json {
        let advice = advice.as_deref();
        let told = Told { message: error.to_string(), causes: &causes, advice, stopped };
        println!("{}", serde_json::to_string_pretty(&Failure { error: told }).unwrap_or_default());
    }
    ExitCode::from(if is_usage(workflow) { WRONG_USAGE } else { FAILED })
}

/// The chain of causes, without those that only repeat what was said.
fn causes(error: &Error) -> Vec<String> {
    let mut said = error.to_string();
    let mut causes = Vec::new();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            said.push_str(&cause);
            causes.push(cause);
        }
    }
    causes
}

/// What was typed cannot be followed, whatever the pictures are.
fn is_usage(error: Option<&WorkflowError>) -> bool {
    matches!(
        error,
        Some(
            WorkflowError::Recipe(_)
                | WorkflowError::Collect(CollectError::Recipe(_))
                | WorkflowError::UnknownDataset { .. }
                | WorkflowError::UnknownCheck { .. }
                | WorkflowError::UnknownMethod { .. }
                | WorkflowError::NoSuchClass { .. }
        )
    )
}
