//! Progress, notes and problems on standard error, and Ctrl-C.

use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use candor_core::{Problem, Progress, Reporter, Stage};
use indicatif::{ProgressBar, ProgressStyle};

/// Of the things left out so many are told at once; the rest is counted at the end.
const MOST_PROBLEMS: usize = 10;

/// How often Ctrl-C was pressed.
static INTERRUPTS: AtomicUsize = AtomicUsize::new(0);

/// A first Ctrl-C (or SIGTERM) asks to stop cleanly, a second one ends at once.
pub fn stop_on_ctrl_c(quiet: bool) {
    let handler = move || match INTERRUPTS.fetch_add(1, Ordering::SeqCst) {
        0 if !quiet => eprintln!("stopping; what was done is kept (once more ends at once)"),
        0 => {}
        _ => std::process::exit(130),
    };
    // Without a handler Ctrl-C ends at once: no work older than a minute is lost.
    let _ = ctrlc::set_handler(handler);
}

/// A person, or a file, behind standard error.
pub struct Terminal {
    /// There, when a person watches.
    bar: Option<ProgressBar>,
    stage: Mutex<Option<Stage>>,
    quiet: bool,
    every_problem: AtomicBool,
    problems: AtomicUsize,
}

impl Terminal {
    /// `quiet` says errors only. With `json` notes are left out unless a person watches.
    pub fn new(quiet: bool, json: bool) -> Terminal {
        let watched = stderr().is_terminal() && !quiet;
        Terminal {
            bar: watched.then(ProgressBar::no_length),
            stage: Mutex::new(None),
            quiet: quiet || (json && !watched),
            every_problem: AtomicBool::new(false),
            problems: AtomicUsize::new(0),
        }
    }

    /// Tells each problem, however many there are.
    pub fn tell_every_problem(&self) {
        self.every_problem.store(true, Ordering::Relaxed);
    }

    /// Takes the bar away and counts what was not told.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let problems = self.problems.swap(0, Ordering::Relaxed);
        if problems > MOST_PROBLEMS && !self.every_problem.load(Ordering::Relaxed) && !self.quiet {
            eprintln!(
                "left out: {} more; --json, or a run's problems.json, lists them all",
                problems - MOST_PROBLEMS
            );
        }
    }

    /// Above the bar, where one is drawn.
    fn line(&self, text: &str) {
        let is_drawn = self.stage.lock().is_ok_and(|stage| stage.is_some());
        match &self.bar {
            Some(bar) if is_drawn => bar.suspend(|| eprintln!("{text}")),
            _ => eprintln!("{text}"),
        }
    }
}

impl Reporter for Terminal {
    fn progress(&self, progress: Progress) {
        let Some(bar) = &self.bar else { return };
        if let Ok(mut stage) = self.stage.lock()
            && stage.replace(progress.stage) != Some(progress.stage)
        {
            bar.reset();
            bar.enable_steady_tick(Duration::from_millis(200));
            bar.set_style(style(progress.stage, progress.total > 0));
        }
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        bar.set_message(progress.message);
    }

    fn problem(&self, problem: Problem) {
        let told = self.problems.fetch_add(1, Ordering::Relaxed);
        let every = self.every_problem.load(Ordering::Relaxed);
        if every || (told < MOST_PROBLEMS && !self.quiet) {
            self.line(&format!("left out: {}: {}", problem.place, problem.reason));
        }
    }

    fn note(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    fn cancelled(&self) -> bool {
        INTERRUPTS.load(Ordering::SeqCst) > 0
    }
}

fn style(stage: Stage, has_end: bool) -> ProgressStyle {
    let verb = match stage {
        Stage::Scan => "listing",
        Stage::Decode => "reading",
        Stage::Import => "importing",
        Stage::Crop => "cropping",
        Stage::Export => "writing",
        Stage::Download => "fetching",
        Stage::Train => "training",
        Stage::Evaluate => "judging",
        Stage::Audit => "auditing",
        Stage::Explain => "explaining",
        Stage::Predict => "answering",
        Stage::Report => "writing the report",
        _ => "working",
    };
    let counted = match (stage, has_end) {
        // Epoch, loss, accuracy, speed and time left just fit 80 columns.
        (Stage::Train, _) => "{bar:8} {percent:>3}% {wide_msg}".to_owned(),
        (Stage::Download, true) => format!("{verb} {{bar:20}} {{bytes}}/{{total_bytes}} {{wide_msg}}"),
        (_, true) => format!("{verb} {{bar:20}} {{human_pos}}/{{human_len}} {{wide_msg}}"),
        (_, false) => format!("{{spinner}} {verb} {{wide_msg}}"),
    };
    let style = ProgressStyle::with_template(&counted).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("━╸ ")
}
