//! The side of the child: one test, in a process of its own.

use super::{
    Family, Outcome, Settings, Stop,
    context::Context,
    crash, disk, memcached, options,
    place::Place,
    run::{OUTCOME, Verdict},
    script, tests,
};
use crate::host::raw::{RawPlugin, doing, tell_crashes};
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

/// Runs one test, or plays a role for one, and leaves its outcome in the
/// directory.
pub fn child(settings: &Settings, name: &str, dir: &Path, arguments: &[String]) -> ExitCode {
    tell_crashes();
    // What a plugin leaves in the working directory goes with the test's.
    if let Err(error) = env::set_current_dir(dir) {
        eprintln!("cannot enter {}: {error}", dir.display());
        return ExitCode::FAILURE;
    }
    let play = |play: &dyn Fn(&Context) -> Outcome| role(|| play(&context(settings, name, dir)?));
    match name {
        crash::ROLE => play(&|context| crash::write(context, arguments)),
        disk::ROLE => play(&|context| disk::play(context, arguments)),
        memcached::ROLE => role(|| memcached::write(place(settings, name, dir), arguments)),
        options::ROLE => play(&options::check),
        script::ROLE => play(&|context| script::play_file(context, arguments)),
        _ => test(settings, name, dir),
    }
}

/// Plays a role: the reason of a failure goes to the output.
fn role(play: impl FnOnce() -> Outcome) -> ExitCode {
    match play() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Failed(reason) | Stop::Skipped(reason)) => {
            println!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn place(settings: &Settings, name: &str, dir: &Path) -> Place {
    Place { settings: settings.clone(), dir: dir.to_owned(), test: name.to_owned() }
}

fn context(settings: &Settings, name: &str, dir: &Path) -> Outcome<Context> {
    let library = settings.library.to_string_lossy();
    let plugin = RawPlugin::load(&library).map_err(|error| Stop::Failed(error.to_string()))?;
    Ok(Context { plugin, place: place(settings, name, dir) })
}

/// Runs the test of this name. None: there is none.
fn run(settings: &Settings, name: &str, dir: &Path) -> Option<Outcome> {
    if settings.family == Family::Engine {
        return memcached::run(place(settings, name, dir));
    }
    let test = tests::all().find(|test| test.name == name)?;
    Some(context(settings, name, dir).and_then(|context| {
        context.meets(test.needs)?;
        (test.run)(&context)
    }))
}

fn test(settings: &Settings, name: &str, dir: &Path) -> ExitCode {
    let outcome = dir.join(OUTCOME);
    watch(settings.limit, outcome.clone());
    let Some(result) = run(settings, name, dir) else {
        eprintln!("there is no test {name}");
        return ExitCode::FAILURE;
    };
    let verdict = match result {
        Ok(()) => Verdict::Passed,
        Err(Stop::Failed(reason)) => Verdict::Failed(reason),
        Err(Stop::Skipped(reason)) => Verdict::Skipped(reason),
    };
    match fs::write(&outcome, verdict.to_string()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write {}: {error}", outcome.display());
            ExitCode::FAILURE
        }
    }
}

/// Says where a test that does not end hangs; the parent then kills it.
fn watch(limit: Duration, outcome: PathBuf) {
    let end = Instant::now() + limit;
    let watched = thread::Builder::new().name("watch".to_owned()).spawn(move || {
        thread::sleep(end.saturating_duration_since(Instant::now()));
        let mut inside = BTreeMap::new();
        for operation in doing() {
            *inside.entry(operation).or_insert(0) += 1;
        }
        let inside: Vec<String> = inside
            .into_iter()
            .map(|(operation, threads)| match threads {
                1 => format!("a thread in {operation}"),
                _ => format!("{threads} threads in {operation}"),
            })
            .collect();
        let inside = match inside.is_empty() {
            true => "no thread in the plugin".to_owned(),
            false => inside.join(", "),
        };
        let verdict = Verdict::Failed(format!("no end within {limit:?}: {inside}"));
        let _ = fs::write(outcome, verdict.to_string());
        // If there is no parent any more, nobody else would.
        thread::sleep(Duration::from_secs(5));
        std::process::abort();
    });
    if let Err(error) = watched {
        eprintln!("no watch: {error}");
    }
}
