//! `kumoctl plugin`: what an author, or who chooses an engine, does with
//! plugins.

use crate::{plugin_bench, plugin_check, plugin_info, plugin_list, plugin_new, plugin_probe};
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::{env, process::ExitCode};

/// Writes, lists, describes, checks and measures storage plugins.
///
/// LIB is what kumo-server --storage takes: the path of a library, with a slash in it, or a
/// name that is sought in KUMO_PLUGIN_PATH, beside this program, among the installed plugins,
/// and in the working directory. `built-in` is the engine that serves without --storage.
#[derive(Parser)]
#[command(name = "kumoctl plugin", bin_name = "kumoctl plugin", version, max_term_width = 100,
          arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(plugin_new::Arguments),
    List(plugin_list::Arguments),
    Info(plugin_info::Arguments),
    Check(Box<plugin_check::Arguments>),
    Bench(plugin_bench::Arguments),
    #[command(hide = true)]
    Probe(plugin_probe::Arguments),
}

const EXAMPLES: &str = "From nothing to an engine that serves:
  kumoctl plugin new shelf --lang c
  cd shelf && make && make check
  kumo-server -s shelf.db --storage ./libshelf.so

Exit status: 0 done, 1 failed (the reason is on stderr), 2 wrong usage.";

/// Does what stands behind the word `plugin`.
pub fn run() -> Result<ExitCode> {
    // The program's name goes, and `plugin` takes its place.
    let arguments = Arguments::parse_from(env::args_os().skip(1));
    match arguments.command {
        Command::New(arguments) => plugin_new::run(&arguments),
        Command::List(arguments) => plugin_list::run(&arguments),
        Command::Info(arguments) => plugin_info::run(&arguments),
        Command::Check(arguments) => return plugin_check::run(&arguments),
        Command::Bench(arguments) => plugin_bench::run(&arguments),
        Command::Probe(arguments) => plugin_probe::child(&arguments),
    }?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
