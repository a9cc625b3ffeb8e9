//! `kumoctl plugin check`: runs the kit's tests over a plugin.

use crate::{output::show, plugin_elf};
use anyhow::{Context, Result, bail};
use clap::{CommandFactory, error::ErrorKind};
use kumo::{
    host::Plugin,
    kit::{self, Done, Family, Listed, Script, Settings, Verdict, report},
};
use std::{
    env, fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// Checks that a plugin keeps the contract
///
/// Named tests take any plugin, classic or described: the life cycle, every operation and its
/// edges, comparisons, values and their finalizers, iteration, threads, kills, backups, full
/// disks, leaks. Each runs in a process and a directory of its own, so that a crash or a hang is
/// a failed test with its reason. What a plugin does not claim to do is skipped.
///
/// Engines of memcached's engine interface (create_instance) have tests of their own, which
/// begin with mc_: the life cycle, items, every store operation, CAS, arithmetic, expiry, flush,
/// statistics, blocked calls, threads, kills, leaks.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The plugin: a library's path or name
    #[arg(required_unless_present = "list")]
    lib: Option<String>,

    /// A parameter for open (kumoctl plugin info), or a part of an engine's configuration; may be
    /// given several times
    #[arg(long = "opt", value_name = "NAME=VALUE", value_parser = crate::plugin_bench::option)]
    options: Vec<String>,

    /// Only the tests that have this in their names; a whole name is that test alone
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// Print the tests and what they check, of LIB or of both kinds, and run none
    #[arg(long)]
    list: bool,

    /// How often the tests with rounds go round: kills, random operations
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// What random numbers begin with: the same seed, the same operations
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// How long a test may take
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    time_limit: Duration,

    /// The plugin keeps nothing after close: for one that cannot say so
    #[arg(long)]
    volatile: bool,

    /// A capability that a classic plugin has; of an engine, no-expiry: it heeds no times. May be
    /// given several times
    #[arg(long = "assume", value_name = "CAP", value_parser = cap)]
    assumed: Vec<Assumed>,

    /// Print JSON, when all is done
    #[arg(long)]
    json: bool,

    /// Write JUnit's XML to a file, too
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    junit: Option<PathBuf>,

    /// Play the operations of a script that a failed test has left, and nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["filter", "list", "json", "junit"])]
    replay: Option<PathBuf>,

    /// The test to run, or the role to play, in this very process
    #[arg(long, hide = true, requires = "child_dir")]
    child: Option<String>,

    #[arg(long, hide = true)]
    child_dir: Option<PathBuf>,

    #[arg(long = "child-arg", hide = true, allow_hyphen_values = true)]
    child_arguments: Vec<String>,
}

const EXAMPLES: &str = "Examples:
  kumoctl plugin check ./libshelf.so
  kumoctl plugin check ./libshelf.so --filter cas_ --seed 7
  kumoctl plugin check ./libshelf.so --rounds 100 --junit shelf.xml
  kumoctl plugin check ./libshelf.so --replay script-of-a-failure
  kumoctl plugin check ./fs_engine.so --opt sync=on --filter mc_durable

Exit status: 0 nothing failed, 1 a test failed or none could run, 2 wrong usage.";

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.1..=1e6).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or("a number of seconds, at least 0.1".to_owned())
}

/// What the user says of a plugin.
#[derive(Clone, Copy)]
enum Assumed {
    Cap(u64),
    Timeless,
}

fn cap(text: &str) -> Result<Assumed, String> {
    if text == report::TIMELESS {
        return Ok(Assumed::Timeless);
    }
    let found = report::CAPS.iter().find(|(_, name)| *name == text);
    let names = report::CAPS.map(|(_, name)| name).join(", ");
    found.map(|(cap, _)| Assumed::Cap(*cap)).ok_or(format!("one of {names}, {}", report::TIMELESS))
}

/// Runs the tests. The exit code says whether any failed.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let filter = arguments.filter.as_deref();
    if arguments.list && arguments.lib.is_none() {
        let both = [kit::all(Family::Plugin), kit::all(Family::Engine)].concat();
        return list(&chosen(both, filter));
    }
    let settings = settings(arguments)?;
    let tests = chosen(kit::all(settings.family), filter);
    if arguments.list {
        return list(&tests);
    }
    if let (Some(name), Some(dir)) = (&arguments.child, &arguments.child_dir) {
        return Ok(kit::child(&settings, name, dir, &arguments.child_arguments));
    }
    if let Some(reason) = kit::refused_options(&settings)? {
        refuse(format!("--opt: {reason}"));
    }
    if let Some(file) = &arguments.replay {
        if settings.family == Family::Engine {
            refuse("--replay: an engine of memcached's interface has no scripts".to_owned());
        }
        return replay(&settings, file);
    }
    let colours = io::stdout().is_terminal();
    let mut written = Ok(());
    let results = kit::run(&settings, &tests, &mut |done| {
        if !arguments.json && written.is_ok() {
            written = show(&format!("{}\n", report::line(done, colours)));
        }
    });
    written?;
    if let Some(file) = &arguments.junit {
        fs::write(file, report::junit(&settings, &results))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    show(&match arguments.json {
        true => format!("{}\n", report::json(&settings, &results)),
        false => format!("{}\n", report::summary(&results)),
    })?;
    Ok(status(&results))
}

fn status(results: &[Done]) -> ExitCode {
    let (_, failed, _) = report::count(results);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The tests that a filter leaves. None at all is wrong usage.
fn chosen(mut tests: Vec<Listed>, filter: Option<&str>) -> Vec<Listed> {
    let filter = filter.unwrap_or_default();
    let is_whole = tests.iter().any(|test| test.name == filter);
    tests.retain(|test| if is_whole { test.name == filter } else { test.name.contains(filter) });
    if tests.is_empty() {
        refuse(format!("no test has {filter:?} in its name; --list shows them all"));
    }
    tests
}

/// Ends as clap does for wrong usage.
fn refuse(reason: String) -> ! {
    super::plugin::Arguments::command().error(ErrorKind::InvalidValue, reason).exit()
}

fn list(tests: &[Listed]) -> Result<ExitCode> {
    let width = tests.iter().map(|test| test.name.len()).max().unwrap_or_default();
    let lines = tests.iter().map(|test| format!("{:width$}  {}\n", test.name, test.about));
    show(&lines.collect::<String>())?;
    Ok(ExitCode::SUCCESS)
}

fn settings(arguments: &Arguments) -> Result<Settings> {
    let name = arguments.lib.as_deref().unwrap_or_default();
    if name == "built-in" {
        bail!("built-in is no library; check the same engine as libtchdb_like.so");
    }
    let library = Plugin::find(name)?;
    // The children run in directories of their own.
    let library =
        fs::canonicalize(&library).with_context(|| format!("cannot find {}", library.display()))?;
    let program = env::current_exe().context("cannot find this program")?;
    let caps = arguments.assumed.iter().map(|assumed| match assumed {
        Assumed::Cap(cap) => *cap,
        Assumed::Timeless => 0,
    });
    let mut assumed = caps.fold(0, |all, cap| all | cap);
    // What cannot be read is no engine; the first test says what it is.
    let is_engine = plugin_elf::read(&library).is_ok_and(|library| library.is_engine());
    if arguments.volatile {
        assumed |= kumo_plugin::abi::KUMO_CAP_VOLATILE;
    }
    Ok(Settings {
        library,
        family: if is_engine { Family::Engine } else { Family::Plugin },
        options: arguments.options.clone(),
        seed: arguments.seed,
        rounds: arguments.rounds,
        limit: arguments.time_limit,
        assumed,
        timeless: arguments.assumed.iter().any(|assumed| matches!(assumed, Assumed::Timeless)),
        command: vec![program.into(), "plugin".into(), "check".into()],
    })
}

fn replay(settings: &Settings, file: &Path) -> Result<ExitCode> {
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let script = Script::read(&text).unwrap_or_else(|reason| refuse(format!("{shown}, {reason}")));
    let verdict = kit::replay(settings, &script).with_context(|| format!("cannot play {shown}"))?;
    let (said, code) = match verdict {
        Verdict::Passed => ("nothing wrong".to_owned(), ExitCode::SUCCESS),
        Verdict::Failed(reason) | Verdict::Skipped(reason) => (reason, ExitCode::FAILURE),
    };
    show(&format!("{said}\n"))?;
    Ok(code)
}
