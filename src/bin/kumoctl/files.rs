//! `kumoctl files`: files of any size in a memcached server, without a file
//! server between.

use crate::{files_get, files_list, files_put};
use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use kumo_files::{DEFAULT_CHUNK, Settings, Store, Tcp};
use std::{env, future::Future, num::NonZeroU32, process::ExitCode, time::Duration};
use tokio::{runtime, signal::ctrl_c};

/// As a shell says it of a program that SIGINT ended.
const INTERRUPTED: u8 = 130;

/// Stores, fetches, lists and removes files in a memcached server.
///
/// They are the files that kumo-fileserver serves. In kumo-server they stay; a memcached may
/// evict parts of them, and then says so when they are fetched.
#[derive(Parser)]
#[command(name = "kumoctl files", bin_name = "kumoctl files", version, max_term_width = 100,
          arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    server: Server,

    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Server {
    /// The memcached server
    #[arg(short, long, global = true, value_name = "HOST:PORT", default_value = "127.0.0.1:11211")]
    server: String,

    /// How long it may be silent
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 5,
          value_parser = value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

#[derive(Subcommand)]
enum Command {
    Put(files_put::Arguments),
    Get(files_get::Arguments),
    Ls(files_list::Arguments),
    Rm(files_list::RemoveArguments),
}

const EXAMPLES: &str = "Examples:
  kumoctl files put photo.jpg                   under its own name
  tar c dir | kumoctl files put - --name dir.tar
  kumoctl files get photo.jpg
  kumoctl files get dir.tar -o - | tar x
  kumoctl files ls 2026/                        those whose names begin so
  kumoctl files rm photo.jpg --server db1.example:11211

Exit status: 0 done, 1 failed (the reason is on stderr), 2 wrong usage, 130 Ctrl-C; what was half
done then is removed.";

/// Does what stands behind the word `files`.
pub fn run() -> Result<ExitCode> {
    // The program's name goes, and `files` takes its place.
    let Arguments { server, command } = Arguments::parse_from(env::args_os().skip(1));
    let chunk = match &command {
        Command::Put(arguments) => arguments.chunk,
        _ => DEFAULT_CHUNK,
    };
    let store = store(&server, chunk);
    // Files are read on threads beside this one, so it never stands still.
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let done = async {
            match &command {
                Command::Put(arguments) => files_put::run(&store, arguments).await,
                Command::Get(arguments) => files_get::run(&store, arguments).await,
                Command::Ls(arguments) => files_list::run(&store, arguments).await,
                Command::Rm(arguments) => files_list::remove(&store, arguments).await,
            }
        };
        let done = unless_interrupted(done).await;
        // What an upload that ended early has stored is removed.
        store.finish().await;
        done
    });
    // A thread of it may be waiting for stdin.
    runtime.shutdown_background();
    done
}

fn store(server: &Server, chunk: NonZeroU32) -> Store<Tcp> {
    let client = Tcp::new(&server.server, Duration::from_secs(server.timeout));
    Store::new(client, Settings { chunk, max_size: u64::MAX, ..Settings::default() })
}

async fn unless_interrupted(done: impl Future<Output = Result<()>>) -> Result<ExitCode> {
    tokio::select! {
        done = done => done.map(|()| ExitCode::SUCCESS),
        interrupted = ctrl_c() => {
            interrupted.context("no signals")?;
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// How far a file is; of one whose size is not known, how much has gone by.
pub fn progress(name: &str, size: Option<u64>) -> Result<ProgressBar> {
    let bar = match size {
        Some(size) => ProgressBar::new(size).with_style(ProgressStyle::with_template(
            "{msg}  {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} to go",
        )?),
        None => ProgressBar::new_spinner()
            .with_style(ProgressStyle::with_template("{msg}  {spinner} {bytes}  {bytes_per_sec}")?),
    };
    bar.set_message(name.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
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
