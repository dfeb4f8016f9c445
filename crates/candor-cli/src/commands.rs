//! From the arguments to a workflow's request, and from its result to words.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use candor_workflow::run_dir::free_name;
use candor_workflow::{
    AuditRequest, AuditVerdict, CompareRequest, DemoRequest, DuplicatesRequest, EvaluateRequest,
    ExplainRequest, ExportPicturesRequest, FIGURES_TEMPLATE, ForgetRequest, FrontierRequest, ImportRequest,
    LabelTable, NewOpinion, PredictRequest, RUNS, ReportRequest, RunRequest, SourceOptions, SourceSpec,
    Study, audit, check_figures, collect, collect_preview, compare, convolution_lesson, crop, data_get,
    data_list, demo, doctor, duplicates, evaluate, explain, export_onnx, export_pictures, fairness_frontier,
    find_lr, forget, import, label_agreement, label_history, label_import, label_set, model_table, models,
    predict, random_labels_lesson, regression_lesson, render_report, resume, scores_lesson, split_study,
    status, study, train,
};
use serde::Serialize;

use crate::arguments::{
    AuditArguments, CheckFiguresArguments, Cli, CollectArguments, Command, CompareArguments, DataCommand,
    DataGetArguments, DemoArguments, DuplicatesArguments, EvaluateArguments, ExplainArguments,
    ExportArguments, ForgetArguments, ImportArguments, LabelAgreementArguments, LabelCommand,
    LabelHistoryArguments, LabelImportArguments, LabelSetArguments, LessonCommand, ModelsArguments,
    PredictArguments, ReportArguments, RunArguments, TrainArguments,
};
use crate::show::{self, Words};
use crate::terminal::Terminal;

/// Does what was asked and says what came out.
pub fn run(cli: &Cli, terminal: &Terminal) -> Result<ExitCode> {
    let session = Session { json: cli.output.json, threads: cli.output.threads, terminal };
    match &cli.command {
        Command::Demo(arguments) => session.demo(arguments),
        Command::Study(arguments) => session.say(&study(&session.request(arguments)?, terminal)?),
        Command::Collect(arguments) => session.collect(arguments),
        Command::Import(arguments) => session.import(arguments),
        Command::Crop(arguments) => session.say(&crop(&arguments.request(session.threads), terminal)?),
        Command::Split(arguments) => {
            session.say(&split_study(&arguments.request(session.threads), terminal)?)
        }
        Command::Duplicates(arguments) => session.duplicates(arguments),
        Command::Forget(arguments) => session.forget(arguments),
        Command::Label(command) => session.label(command),
        Command::Status(arguments) => session.say(&status(&arguments.study)?),
        Command::Train(arguments) => session.train(arguments),
        Command::Resume(arguments) => session.say(&resume(&arguments.run, session.threads, terminal)?),
        Command::Evaluate(arguments) => session.evaluate(arguments),
        Command::Compare(arguments) => session.compare(arguments),
        Command::Audit(arguments) => session.audit(arguments),
        Command::Explain(arguments) => session.explain(arguments),
        Command::Predict(arguments) => session.predict(arguments),
        Command::Report(arguments) => session.report(arguments),
        Command::Export(arguments) => session.export(arguments),
        Command::Models(arguments) => session.models(arguments),
        Command::Data(DataCommand::List) => session.say(&show::Datasets { datasets: data_list() }),
        Command::Data(DataCommand::Get(arguments)) => session.data_get(arguments),
        Command::CheckFigures(arguments) => session.check_figures(arguments),
        Command::Lesson(command) => session.lesson(command),
        Command::Doctor => session.doctor(),
    }
}

struct Session<'a> {
    json: bool,
    threads: usize,
    terminal: &'a Terminal,
}

impl Session<'_> {
    /// The result on standard output: as JSON, or in words.
    fn say<T: Serialize + Words>(&self, result: &T) -> Result<ExitCode> {
        let text = match self.json {
            true => serde_json::to_string_pretty(result)? + "\n",
            false => result.words(),
        };
        self.print(&text)
    }

    fn print(&self, text: &str) -> Result<ExitCode> {
        self.terminal.finish();
        match io::stdout().lock().write_all(text.as_bytes()) {
            // Whoever reads may have seen enough: `candor models | head -1`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            written => written.map(|()| ExitCode::SUCCESS).context("the result cannot be printed"),
        }
    }

    fn request(&self, arguments: &RunArguments) -> Result<RunRequest> {
        Ok(RunRequest {
            source: arguments.source.spec(),
            recipe: arguments.recipe.read().map_err(candor_workflow::WorkflowError::from)?,
            out: run_folder(arguments, "candor-run"),
            baselines: !arguments.baselines.no_baselines,
            threads: self.threads,
        })
    }

    fn train(&self, arguments: &TrainArguments) -> Result<ExitCode> {
        let TrainArguments { find_lr: only_look, fairness_frontier: strengths, run } = arguments;
        if let Some(strengths) = strengths.clone() {
            let run = RunRequest { out: out(&run.out, "candor-frontier"), ..self.request(run)? };
            return self.say(&fairness_frontier(&FrontierRequest { run, strengths }, self.terminal)?);
        }
        match only_look {
            true => {
                let out = run_folder(run, "candor-find-lr");
                let request = RunRequest { out, ..self.request(run)? };
                self.say(&find_lr(&request, self.terminal)?)
            }
            false => self.say(&train(&self.request(run)?, self.terminal)?),
        }
    }

    fn import(&self, arguments: &ImportArguments) -> Result<ExitCode> {
        let ImportArguments { source, study, by, class, reading } = arguments;
        let request = ImportRequest {
            source: source.clone(),
            options: SourceOptions { class: class.clone(), ..reading.options() },
            study: study.clone(),
            keep: (*by).into(),
            threads: self.threads,
        };
        self.say(&import(&request, self.terminal)?)
    }

    fn collect(&self, arguments: &CollectArguments) -> Result<ExitCode> {
        let request = arguments.request();
        match arguments.dry_run {
            true => self.say(&collect_preview(&request, self.terminal)?),
            false => self.say(&collect(&request, self.terminal)?),
        }
    }

    fn forget(&self, arguments: &ForgetArguments) -> Result<ExitCode> {
        let ForgetArguments { what, study, dry_run } = arguments;
        let request = ForgetRequest { study: study.clone(), what: what.clone(), dry_run: *dry_run };
        let forgotten = forget(&request, self.terminal)?;
        self.say(&forgotten)?;
        // Whoever has a script take people out has to notice that something still holds them.
        let incomplete = forgotten.is_incomplete() && !dry_run;
        Ok(if incomplete { ExitCode::from(3) } else { ExitCode::SUCCESS })
    }

    fn label(&self, command: &LabelCommand) -> Result<ExitCode> {
        match command {
            LabelCommand::Set(arguments) => self.label_set(arguments),
            LabelCommand::Import(LabelImportArguments { study, file, by, attribute, holds }) => {
                let table = LabelTable {
                    file: file.clone(),
                    name: attribute.clone(),
                    annotator: by.clone(),
                    holds: (*holds).into(),
                };
                self.say(&label_import(study, &table, self.terminal)?)
            }
            LabelCommand::History(LabelHistoryArguments { study, picture, csv }) => {
                let history = show::History { opinions: label_history(study, picture.as_deref())? };
                if *csv { self.print(&show::opinions_csv(&history)?) } else { self.say(&history) }
            }
            LabelCommand::Agreement(LabelAgreementArguments { study, attribute }) => {
                self.say(&label_agreement(study, attribute)?)
            }
        }
    }

    fn label_set(&self, arguments: &LabelSetArguments) -> Result<ExitCode> {
        let LabelSetArguments { study, picture, label, by, why, attribute } = arguments;
        let opinion = NewOpinion {
            place: "what was typed".to_owned(),
            picture: picture.clone(),
            name: attribute.clone(),
            value: label.clone(),
            annotator: by.clone(),
            why: why.clone(),
        };
        self.say(&label_set(study, opinion)?)
    }

    fn duplicates(&self, arguments: &DuplicatesArguments) -> Result<ExitCode> {
        let DuplicatesArguments { source, reading } = arguments;
        let request =
            DuplicatesRequest { source: source.clone(), options: reading.options(), threads: self.threads };
        self.say(&duplicates(&request, self.terminal)?)
    }

    fn demo(&self, arguments: &DemoArguments) -> Result<ExitCode> {
        let (out, seed) = (out(&arguments.out, "candor-demo"), arguments.seed);
        let baselines = !arguments.baselines.no_baselines;
        self.say(&demo(&DemoRequest { out, seed, baselines, threads: self.threads }, self.terminal)?)
    }

    fn evaluate(&self, arguments: &EvaluateArguments) -> Result<ExitCode> {
        let options = arguments.reading.options();
        let source = arguments.elsewhere.as_ref().map(|path| SourceSpec { options, ..SourceSpec::at(path) });
        let (run, on) = (arguments.run.clone(), arguments.on.clone());
        self.say(&evaluate(&EvaluateRequest { run, on, source, threads: self.threads }, self.terminal)?)
    }

    fn compare(&self, arguments: &CompareArguments) -> Result<ExitCode> {
        let (runs, test) = (arguments.runs.clone(), arguments.test);
        self.say(&compare(&CompareRequest { runs, test, threads: self.threads }, self.terminal)?)
    }

    fn audit(&self, arguments: &AuditArguments) -> Result<ExitCode> {
        let AuditArguments { run, only, permutations, repair, figures, strict } = arguments.clone();
        let request = AuditRequest { run, only, permutations, repair, figures, threads: self.threads };
        let audited = audit(&request, self.terminal)?;
        let fails = audited.worst == Some(AuditVerdict::Fail);
        self.say(&audited)?;
        Ok(if strict && fails { ExitCode::from(3) } else { ExitCode::SUCCESS })
    }

    fn explain(&self, arguments: &ExplainArguments) -> Result<ExitCode> {
        let ExplainArguments { run, method: methods, class, pictures, background } = arguments.clone();
        let request = ExplainRequest { run, methods, class, pictures, background, threads: self.threads };
        self.say(&explain(&request, self.terminal)?)
    }

    fn report(&self, arguments: &ReportArguments) -> Result<ExitCode> {
        let ReportArguments { run, card, croissant, checklists } = arguments.clone();
        let request = ReportRequest { run, card, croissant, checklists, threads: self.threads };
        self.say(&show::Rendered(render_report(&request, self.terminal)?))
    }

    fn predict(&self, arguments: &PredictArguments) -> Result<ExitCode> {
        let request = PredictRequest {
            model: arguments.model.clone(),
            files: arguments.files.clone(),
            limits: arguments.limits.limits(),
            threads: self.threads,
        };
        self.terminal.tell_every_problem();
        let predictions = predict(&request, self.terminal)?;
        match arguments.csv {
            true => self.print(&show::predictions_csv(&predictions)?)?,
            false => self.say(&predictions)?,
        };
        Ok(if predictions.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn export(&self, arguments: &ExportArguments) -> Result<ExitCode> {
        let ExportArguments { what, onnx, to, out, reading } = arguments;
        if let Some(onnx) = onnx {
            return self.say(&export_onnx(what, onnx)?);
        }
        let request = ExportPicturesRequest {
            source: what.clone(),
            options: reading.options(),
            layout: to.clone().unwrap_or_default(),
            out: out.clone().unwrap_or_default(),
            threads: self.threads,
        };
        self.say(&export_pictures(&request, self.terminal)?)
    }

    fn models(&self, arguments: &ModelsArguments) -> Result<ExitCode> {
        let Some(name) = &arguments.name else {
            return self.say(&show::Models { models: models() });
        };
        let table = model_table(name, arguments.input, arguments.classes)?;
        if let Some(path) = &arguments.svg {
            std::fs::write(path, &table.svg)
                .with_context(|| format!("{}: cannot be written", path.display()))?;
        }
        self.say(&table)
    }

    fn data_get(&self, arguments: &DataGetArguments) -> Result<ExitCode> {
        let to = arguments.to.clone().unwrap_or_else(|| PathBuf::from(&arguments.name));
        self.say(&data_get(&arguments.name, &to, arguments.from.as_deref(), self.terminal)?)
    }

    fn check_figures(&self, arguments: &CheckFiguresArguments) -> Result<ExitCode> {
        let Some(file) = arguments.file.as_ref().filter(|_| !arguments.template) else {
            return self.say(&show::Template { template: FIGURES_TEMPLATE });
        };
        let checked = check_figures(file)?;
        let contradicted = checked.contradicted();
        self.say(&show::Checked(checked))?;
        Ok(if arguments.strict && contradicted { ExitCode::from(3) } else { ExitCode::SUCCESS })
    }

    fn lesson(&self, command: &LessonCommand) -> Result<ExitCode> {
        match command {
            LessonCommand::Regression(arguments) => {
                self.say(&regression_lesson(&arguments.request(), self.terminal)?)
            }
            LessonCommand::Scores(arguments) => {
                self.say(&scores_lesson(&arguments.request(), self.terminal)?)
            }
            LessonCommand::Convolution(arguments) => self.say(&convolution_lesson(&arguments.request())?),
            LessonCommand::RandomLabels(arguments) => {
                self.say(&random_labels_lesson(&arguments.request(self.threads), self.terminal)?)
            }
        }
    }

    fn doctor(&self) -> Result<ExitCode> {
        let found = doctor(self.threads, self.terminal)?;
        self.say(&found)?;
        Ok(if found.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Where a run goes: where it was asked for, into the study it learns from, or beside.
fn run_folder(arguments: &RunArguments, default: &str) -> PathBuf {
    let source = &arguments.source.source;
    match (&arguments.out, Study::is_at(source)) {
        (None, true) => free_name(source.join(RUNS).join(default)),
        (typed, _) => out(typed, default),
    }
}

pub fn out(typed: &Option<PathBuf>, default: &str) -> PathBuf {
    typed.clone().unwrap_or_else(|| free_name(default))
}
