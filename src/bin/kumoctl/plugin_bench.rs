//! `kumoctl plugin bench`: measures a plugin, against another one.

use crate::{
    output::{columns, show, show_json},
    plugin_probe::plugin,
};
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use kumo::bench::{
    Contender, KEY_SIZE, MIN_VALUE_SIZE, Measured, Settings, Spread, compare, steps,
};
use serde_json::{Value, json};
use std::{env, fmt::Write, path::PathBuf};

/// Measures a plugin, against another one
///
/// In this process, through the table that the server calls, without a network: load (random
/// order), get (each record as likely as any other), get_zipf (few records often, 0.99),
/// get_miss, get_16 (16 keys at a time), iterate (one thread), overwrite and delete. Keys have 28
/// bytes; every value that is read is compared with what was stored, and records are counted.
///
/// Absolute figures drift with whatever else the machine does. So with --vs the two are measured
/// in turns, each time on a new database, and the ratio is taken round by round: above 1, LIB is
/// faster. Shown are medians, and the ratio's least and most. A round before those that count
/// warms up.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The plugin: a library's path or name, or built-in
    lib: String,

    /// A plugin to compare it with
    #[arg(long, value_name = "LIB2")]
    vs: Option<String>,

    /// A parameter of LIB (kumoctl plugin info); may be given several times
    #[arg(long = "opt", value_name = "NAME=VALUE", value_parser = option)]
    options: Vec<String>,

    /// A parameter of LIB2; may be given several times
    #[arg(long = "vs-opt", value_name = "NAME=VALUE", requires = "vs", value_parser = option)]
    vs_options: Vec<String>,

    /// Numbers of threads, each measured for itself
    #[arg(long, value_name = "N,N...", value_delimiter = ',', default_value = "1,2",
          value_parser = threads)]
    threads: Vec<usize>,

    /// Sizes of values in bytes, each measured for itself; at least 18
    #[arg(long, value_name = "N,N...", value_delimiter = ',', default_value = "32,1024",
          value_parser = size)]
    sizes: Vec<usize>,

    /// How many records are stored
    #[arg(long, value_name = "N", default_value_t = 200_000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    records: u32,

    /// How many rounds count
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,

    /// Where the databases are made and removed [default: the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Print JSON, with the rates of every round
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  kumoctl plugin bench ./libshelf.so --vs built-in
  kumoctl plugin bench ./new.so --vs ./old.so --threads 1 --sizes 100 --rounds 9
  kumoctl plugin bench built-in --records 1000000 --dir /mnt/disk --json";

pub fn option(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() && !text.contains('#') => Ok(text.to_owned()),
        _ => Err("write it as NAME=VALUE, without a #".to_owned()),
    }
}

fn threads(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=1024).contains(n)).ok_or("a number from 1 to 1024".to_owned())
}

fn size(text: &str) -> Result<usize, String> {
    let fits = |n: &usize| (MIN_VALUE_SIZE..=1 << 30).contains(n);
    text.parse().ok().filter(fits).ok_or(format!("a number from {MIN_VALUE_SIZE} to 1073741824"))
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let contender = |name: &str, options: &[String]| -> Result<Contender> {
        Ok(Contender { plugin: plugin(name)?, options: options.to_owned() })
    };
    let mut contenders = vec![contender(&arguments.lib, &arguments.options)?];
    if let Some(vs) = &arguments.vs {
        contenders.push(contender(vs, &arguments.vs_options)?);
    }
    let settings = Settings {
        records: arguments.records,
        threads: arguments.threads.clone(),
        sizes: arguments.sizes.clone(),
        rounds: arguments.rounds.into(),
        directory: arguments.dir.clone().unwrap_or_else(env::temp_dir),
    };
    let bar = ProgressBar::new(steps(&settings, contenders.len()) as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  {eta} to go");
    bar.set_style(style.context("the progress bar")?);
    let mut begun = 0;
    let measured = compare(&settings, &contenders, &mut |next| {
        bar.set_position(begun);
        bar.set_message(next.to_owned());
        begun += 1;
    });
    bar.finish_and_clear();
    let measured = measured?;
    if arguments.json {
        show_json(&report(&settings, &contenders, arguments, &measured))
    } else {
        show(&page(&settings, &contenders, &measured))
    }
}

/// The results for people: a table for each size and number of threads.
fn page(settings: &Settings, contenders: &[Contender], measured: &[Measured]) -> String {
    let mut page = format!(
        "Million records a second: medians of {} rounds in turns; {} records, {KEY_SIZE} B keys\n",
        settings.rounds, settings.records
    );
    let names: Vec<String> = contenders.iter().map(title).collect();
    let mut header = vec![""];
    header.extend(names.iter().map(String::as_str));
    if contenders.len() > 1 {
        header.extend(["ratio", "least..most"]);
    }
    for part in measured.chunk_by(|a, b| (a.size, a.threads) == (b.size, b.threads)) {
        let threads = if part[0].threads == 1 { "thread" } else { "threads" };
        // Writing to a String does not fail.
        let _ = writeln!(page, "\n{} B values, {} {threads}", part[0].size, part[0].threads);
        let row = |measured: &Measured| {
            let rates = (0..contenders.len()).filter_map(|n| measured.rate(n));
            let mut row = vec![measured.phase.to_string()];
            row.extend(rates.map(|rate| format!("{:.3}", rate.median / 1e6)));
            if let Some(Spread { median, min, max }) = measured.ratio() {
                row.extend([format!("{median:.2}"), format!("{min:.2}..{max:.2}")]);
            }
            row
        };
        page += &columns(&header, &part.iter().map(row).collect::<Vec<_>>(), 1);
    }
    page
}

/// A contender's name and parameters.
fn title(contender: &Contender) -> String {
    let mut title = contender.plugin.name().to_owned();
    contender.options.iter().for_each(|option| title += &format!("#{option}"));
    title
}

/// The results for programs; rates are records a second.
fn report(
    settings: &Settings,
    contenders: &[Contender],
    arguments: &Arguments,
    measured: &[Measured],
) -> Value {
    let spread = |spread: Option<Spread>| {
        spread.map(|Spread { median, min, max }| json!({"median": median, "min": min, "max": max}))
    };
    let libs = std::iter::once(&arguments.lib).chain(&arguments.vs);
    let plugins: Vec<Value> = contenders
        .iter()
        .zip(libs)
        .map(|(contender, lib)| {
            let version = contender.plugin.about().map(|about| about.version.clone());
            json!({"lib": lib, "name": contender.plugin.name(), "version": version,
                   "options": contender.options})
        })
        .collect();
    let results: Vec<Value> = measured
        .iter()
        .map(|measured| {
            let rates: Vec<Value> = (0..contenders.len())
                .map(|n| json!({"rate": spread(measured.rate(n)), "rounds": measured.rates[n]}))
                .collect();
            json!({"size": measured.size, "threads": measured.threads,
                   "phase": measured.phase.name(), "plugins": rates,
                   "ratio": spread(measured.ratio())})
        })
        .collect();
    json!({"records": settings.records, "rounds": settings.rounds, "key_size": KEY_SIZE,
           "plugins": plugins, "results": results})
}
