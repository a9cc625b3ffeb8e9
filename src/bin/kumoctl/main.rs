//! `kumoctl`: looks after a running kumo-server.

mod rpc;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use indicatif::{HumanBytes, HumanCount, ProgressBar};
use kumo::protocol::rpc::PORT;
use std::{io::Write, process::ExitCode, time::Duration};

/// Looks after a running kumo-server.
#[derive(Parser)]
#[command(name = "kumoctl", version, max_term_width = 100, arg_required_else_help = true,
          subcommand_required = true, after_help = EXAMPLES)]
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
}

const EXAMPLES: &str = "Examples:
  kumoctl 127.0.0.1 backup               kumo.db-20261120, beside kumo.db
  kumoctl db1.example:19800 backup nightly";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        Command::Backup { suffix } => backup(&arguments.server, suffix.as_deref()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kumoctl: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn backup(server: &str, suffix: Option<&str>) -> Result<()> {
    let today = || chrono::Local::now().format("%Y%m%d").to_string();
    let suffix = suffix.map_or_else(today, str::to_owned);
    let mut out = std::io::stdout();
    // Who does not read what is printed has had the backup all the same.
    let _ = writeln!(out, "suffix={suffix}");
    // How long it will take is not known; that it is alive is shown on a
    // terminal.
    let spinner = ProgressBar::new_spinner().with_message("the server writes the backup");
    spinner.enable_steady_tick(Duration::from_millis(100));
    let done = rpc::backup(server, PORT, &suffix);
    spinner.finish_and_clear();
    let done = done.with_context(|| format!("no backup {suffix:?} of {server}"))?;
    let _ = writeln!(
        out,
        "path={}\nrecords={}\nbytes={}\nseconds={:.3}",
        done.path, done.records, done.bytes, done.seconds
    );
    eprintln!(
        "{} records, {} in {:.1} s: complete",
        HumanCount(done.records),
        HumanBytes(done.bytes),
        done.seconds
    );
    Ok(())
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
