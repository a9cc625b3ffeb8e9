//! The commands on a database that no server has open.

use crate::{dump, load, repair, verify};
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::{ffi::OsStr, process::ExitCode};

/// Looks after a database that is not served.
#[derive(Parser)]
#[command(name = "kumoctl", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Dump(dump::Arguments),
    Load(load::Arguments),
    Verify(verify::Arguments),
    /// Gives back the space of what has been deleted and overwritten
    ///
    /// A server does so by itself, and at once when it is told to: kumoctl HOST compact.
    Compact(verify::Arguments),
    Repair(repair::Arguments),
}

/// The words that these commands begin with.
const WORDS: [&str; 5] = ["dump", "load", "verify", "compact", "repair"];

/// Whether this is one of them.
pub fn is_command(word: &OsStr) -> bool {
    WORDS.iter().any(|name| word == *name)
}

pub fn run() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Verify(arguments) => return verify::run(&arguments),
        Command::Compact(arguments) => verify::compact(&arguments),
        Command::Repair(arguments) => repair::run(&arguments),
    }?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed_and_every_word_is_known() {
        let command = Arguments::command();
        command.clone().debug_assert();
        let names: Vec<_> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
        assert_eq!(names, WORDS);
    }
}
