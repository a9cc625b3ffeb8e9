//! Measures kumo's built-in engine against other databases:
//!
//! ```text
//! cargo bench --manifest-path benches/Cargo.toml -- [PROGRAM...] [--records N] ...
//! ```
//!
//! Every database works in a process of its own, on a new directory, and they
//! take turns; what counts are the ratios within a round. The results are
//! written as pages of Markdown, with charts.

mod chart;
mod child;
mod growth;
mod peers;
mod reopen;
mod report;
mod stalls;
mod sync;
mod table;
mod tax;

use anyhow::{Result, bail};
use clap::Parser;
use std::{env, path::PathBuf};

/// Measures kumo's built-in engine against other databases
#[derive(Parser, Debug)]
#[command(name = "cargo bench --manifest-path benches/Cargo.toml --")]
pub struct Settings {
    /// What to measure [default: all]: table, sync, reopen, growth, stalls, tax
    programs: Vec<String>,

    /// Records of 32 bytes in the table; half as many of 1 KiB
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(16..))]
    records: u32,

    /// Records where it says "many"
    #[arg(long, default_value_t = 20_000_000, value_parser = clap::value_parser!(u32).range(16..))]
    many: u32,

    /// Rounds that count; one before them warms up
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,

    /// Seconds for each measurement of synced writes
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,

    /// Only these databases
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,

    /// Sizes of values in the table
    #[arg(long, value_delimiter = ',', default_value = "32,1024")]
    sizes: Vec<usize>,

    /// Numbers of threads in the table
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    threads: Vec<usize>,

    /// The engine as a plugin, for the tax [default: beside what is built, or found as a server
    /// would]
    #[arg(long)]
    plugin: Option<String>,

    /// Where the databases are made and removed [default: the system's temporary directory]
    #[arg(long)]
    dir: Option<PathBuf>,

    /// Where the results are written [default: docs/bench]
    #[arg(long)]
    out: Option<PathBuf>,

    /// What cargo passes
    #[arg(long, hide = true)]
    bench: bool,
}

type Program = fn(&Settings) -> Result<report::Page>;

const PROGRAMS: [(&str, Program); 6] = [
    ("table", table::run),
    ("sync", sync::run),
    ("reopen", reopen::run),
    ("growth", growth::run),
    ("stalls", stalls::run),
    ("tax", tax::run),
];

impl Settings {
    /// The names that are measured, of those that a program knows.
    fn chosen(&self, of: &[&'static str]) -> Vec<&'static str> {
        let all = peers::all();
        let is_there = |name: &str| all.iter().any(|entry| entry.name == name);
        let is_chosen = |name: &str| self.only.is_empty() || self.only.iter().any(|n| n == name);
        of.iter().copied().filter(|name| is_there(name) && is_chosen(name)).collect()
    }

    fn dir(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(env::temp_dir)
    }
}

fn main() -> Result<()> {
    if let Some(task) = env::args().nth(1).filter(|arg| arg == child::COMMAND) {
        return child::main(env::args().skip_while(|arg| *arg != task).nth(1));
    }
    let settings = Settings::parse();
    let entries = peers::all();
    let known = |name: &&String| !entries.iter().any(|entry| entry.name == name.as_str());
    if let Some(unknown) = settings.only.iter().find(known) {
        bail!("there is no {unknown}; there are {}", peers::names(&entries));
    }
    let is_program = |name: &&String| PROGRAMS.iter().any(|(program, _)| program == name);
    if let Some(unknown) = settings.programs.iter().find(|name| !is_program(name)) {
        bail!("there is no program {unknown}");
    }
    for (name, run) in PROGRAMS {
        if settings.programs.is_empty() || settings.programs.iter().any(|it| it == name) {
            eprintln!("== {name}");
            run(&settings)?.write(&settings, name)?;
        }
    }
    Ok(())
}
