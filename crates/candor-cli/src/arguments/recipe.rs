//! One flag for each key of a recipe, made from the recipe's own list: a new key needs no line here.

use std::path::PathBuf;

use candor_workflow::recipe::{KEYS, RecipeError, RecipeFile, RecipeKey};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

const FILE: &str = "recipe";

/// A recipe file, and the flags that lie over it.
#[derive(Clone, Debug, Default)]
pub struct RecipeArguments {
    file: Option<PathBuf>,
    flags: Vec<(&'static RecipeKey, String)>,
}

impl RecipeArguments {
    /// What was typed, in file and flags together.
    pub fn read(&self) -> Result<RecipeFile, RecipeError> {
        let flags = RecipeFile::from_flags(self.flags.iter().map(|(key, typed)| (*key, typed.as_str())))?;
        match &self.file {
            Some(path) => Ok(RecipeFile::read(path)?.with(&flags)),
            None => Ok(flags),
        }
    }
}

impl Args for RecipeArguments {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE)
            .long("recipe")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Read settings from this TOML file; flags override it");
        KEYS.iter().fold(command.arg(file), |command, key| command.arg(flag(key)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        RecipeArguments::augment_args(command)
    }
}

fn flag(key: &'static RecipeKey) -> Arg {
    let action = if key.repeats() { ArgAction::Append } else { ArgAction::Set };
    let arg = Arg::new(key.key)
        .long(key.flag)
        .value_name(key.value)
        .help(key.help)
        .help_heading(heading(key))
        .action(action)
        .allow_hyphen_values(true);
    match key.words {
        [] => arg,
        words => arg.value_parser(PossibleValuesParser::new(words)),
    }
}

/// The recipe's section that the key stands in.
fn heading(key: &RecipeKey) -> &'static str {
    match key.section() {
        "preprocessing" => "Recipe: input",
        "split" => "Recipe: split",
        "training" => "Recipe: training",
        "training.optimizer" => "Recipe: optimizer",
        "training.schedule" => "Recipe: schedule",
        "augmentation" => "Recipe: augmentation",
        "fairness" => "Recipe: fairness",
        _ => "Recipe: network",
    }
}

impl FromArgMatches for RecipeArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<RecipeArguments, clap::Error> {
        let typed = |key: &'static RecipeKey| {
            let values = matches.get_many::<String>(key.key).into_iter().flatten();
            values.map(move |value| (key, value.clone()))
        };
        Ok(RecipeArguments {
            file: matches.get_one::<PathBuf>(FILE).cloned(),
            flags: KEYS.iter().flat_map(typed).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = RecipeArguments::from_arg_matches(matches)?;
        Ok(())
    }
}
