//! The command `candor`: arguments in, workflow called, words out.
#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod failure;
mod show;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Cli;
use crate::terminal::Terminal;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::new(cli.output.quiet, cli.output.json);
    terminal::stop_on_ctrl_c(cli.output.quiet);
    match commands::run(&cli, &terminal) {
        Ok(code) => {
            terminal.finish();
            code
        }
        Err(error) => {
            terminal.finish();
            failure::tell(&error, cli.output.json)
        }
    }
}
