//! `kumoctl`: looks after a running kumo-server, after databases and plugins, and
//! after files in a memcached server.

mod backup;
mod database;
mod dump;
mod files;
mod files_get;
mod files_list;
mod files_put;
mod files_type;
mod load;
mod local;
mod output;
mod plugin;
mod plugin_bench;
mod plugin_check;
mod plugin_elf;
mod plugin_engine;
mod plugin_info;
mod plugin_list;
mod plugin_new;
mod plugin_probe;
mod plugin_report;
mod plugin_vendor;
mod progress;
mod repair;
mod rpc;
mod upkeep;
mod verify;

use anyhow::Result;
use clap::{Parser, Subcommand};
use kumo::engine::Upkeep;
use std::{env, process::ExitCode};

/// Looks after a running kumo-server, after databases, storage plugins and files.
///
/// What comes first says which: the address of a server, a command on a database
/// that is not served, or the word plugin or files.
#[derive(Parser)]
#[command(name = "kumoctl", version, max_term_width = 100, arg_required_else_help = true,
          subcommand_required = true, override_usage = USAGE, after_help = MORE)]
struct Arguments {
    /// The server's admin address: HOST, HOST:PORT or [IPV6]:PORT; the port is
    /// 19800 unless given (kumo-server --rpc)
    #[arg(value_name = "HOST[:PORT]")]
    server: String,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes a copy of the database beside it, while the server goes on
    ///
    /// The copy is a point in time, stands at the database's path with -SUFFIX
    /// behind it, and opens as a database (kumo-server -s). The command ends when
    /// it is complete and on the disk: 0, or 1 with the reason.
    Backup {
        /// What stands behind the database's name [default: today, YYYYMMDD]
        suffix: Option<String>,
    },
    /// Returns when everything that was written is on the disk
    Sync,
    /// Gives back the space of what has been deleted and overwritten, now
    Compact,
    /// Checks every record, while the server goes on: 0, or 1 if something is damaged
    ///
    /// Every fault is printed, with its place; of very many the first ones, and the server's log
    /// has them all.
    Verify,
}

const USAGE: &str = "kumoctl HOST[:PORT] <COMMAND>
       kumoctl dump|load|verify|compact|repair ...
       kumoctl plugin <COMMAND>
       kumoctl files <COMMAND>";

const MORE: &str = "A database that is not served (more: kumoctl dump --help, and so on):
  dump PATH [-o FILE]             Writes its records to a file that any engine can load
  load FILE PATH                  Stores the records of a dump
  verify PATH                     Checks every record, and says what is damaged
  compact PATH                    Gives back the space of what is gone
  repair DAMAGED NEW              Salvages what is whole of a damaged one into a new one

Plugins, without a server (more: kumoctl plugin --help):
  plugin new NAME --lang rust|c   Writes a plugin that builds, passes its tests, and serves
  plugin list                     Lists the plugins that --storage NAME would find
  plugin info LIB                 Says what a plugin is, without serving it
  plugin check LIB                Tests that a plugin keeps the contract
  plugin bench LIB --vs LIB2      Measures a plugin, against another one

Files of any size, in a memcached server (more: kumoctl files --help):
  files put FILE, get NAME, ls [PREFIX], rm NAME

Examples:
  kumoctl 127.0.0.1 backup               kumo.db-20261120, beside kumo.db
  kumoctl db1.example:19800 backup nightly
  kumoctl plugin new shelf --lang c      a new storage engine, in ./shelf

Exit status: 0 done, 1 failed (the reason is on stderr), 2 wrong usage.
A server on a host that is called as one of these words is reached as plugin:19800.";

fn main() -> ExitCode {
    let done = match env::args_os().nth(1) {
        Some(first) if first == "plugin" => plugin::run(),
        Some(first) if first == "files" => files::run(),
        Some(first) if local::is_command(&first) => local::run(),
        _ => server(&Arguments::parse()),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("kumoctl: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn server(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.command {
        Command::Backup { suffix } => {
            backup::run(&arguments.server, suffix.as_deref()).map(|()| ExitCode::SUCCESS)
        }
        Command::Sync => upkeep::run(&arguments.server, Upkeep::Sync),
        Command::Compact => upkeep::run(&arguments.server, Upkeep::Compact),
        Command::Verify => upkeep::run(&arguments.server, Upkeep::Verify),
    }
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
