//! `kumoctl plugin check`: what it prints, and that each bad plugin of c-tests/evil
//! is caught by the test that c-tests/evil/FAULTS names.

#![allow(missing_docs)]

mod common;

use common::{kumoctl::Kumoctl, plugins, skip::skip, temp_dir};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

const FAULTS: &str = include_str!("../c-tests/evil/FAULTS");

fn check(library: &Path, arguments: &[&str]) -> Kumoctl {
    let library = library.to_str().expect("a path of text");
    Kumoctl::run("plugin", &[&["check", library], arguments].concat())
}

/// The names of the tests with this result.
fn with_result(report: &Value, result: &str) -> Vec<String> {
    let tests = report["tests"].as_array().expect("a list");
    let those = tests.iter().filter(|test| test["result"] == result);
    those.map(|test| test["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn the_list_has_every_test_once() {
    let list = Kumoctl::run("plugin", &["check", "--list"]).ok();
    let names: Vec<_> = list.lines().filter_map(|line| line.split_once(' ')).collect();
    assert!(names.len() >= 80, "{} tests", names.len());
    let different: BTreeSet<_> = names.iter().map(|(name, _)| name).collect();
    assert_eq!(different.len(), names.len());
    assert!(names.iter().all(|(_, about)| !about.trim().is_empty()), "{list}");
}

#[test]
fn what_is_printed_and_the_exit_code() {
    let library = plugins::tchdb_like();
    let passed = check(&library, &["--filter=load_"]).ok();
    assert_eq!(passed.lines().last(), Some("2 passed, 0 failed, 0 skipped"));
    assert_eq!(passed.lines().filter(|line| line.starts_with("ok ")).count(), 2);

    let dir = temp_dir();
    let junit = dir.path().join("junit.xml");
    let to = junit.to_str().expect("a path of text");
    check(&library, &["--filter=load_open", "--junit", to]).ok();
    let xml = fs::read_to_string(&junit).expect("JUnit's XML");
    assert!(xml.contains("tests=\"1\" failures=\"0\"") && xml.contains("load_open"), "{xml}");

    assert_eq!(check(&library, &["--filter=no_such_test"]).code, Some(2));
    assert_eq!(check(&library, &["--rounds=0"]).code, Some(2));
    assert_eq!(Kumoctl::run("plugin", &["check"]).code, Some(2));
    Kumoctl::run("plugin", &["check", "./no-such.so"]).refused(&["no-such"]);
}

#[test]
fn what_is_volatile_is_skipped_and_a_failure_tells_its_reason() {
    let Some(library) = plugins::evil("classic_fixed_error.c") else { skip!("no C compiler") };
    let filter = "--filter=life_reopen_all";
    let skipped = check(&library, &[filter, "--volatile"]).ok();
    assert!(skipped.contains("volatile") && skipped.contains("1 skipped"), "{skipped}");
    // It keeps nothing, and does not say so.
    let failed = check(&library, &[filter]);
    assert_eq!(failed.code, Some(1), "{failed:#?}");
    assert!(failed.stdout.contains("it should be"), "{failed:#?}");
}

/// A source of c-tests/evil, and the test that must catch it.
fn faults() -> impl Iterator<Item = (&'static str, &'static str)> {
    FAULTS.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let [source, _, test] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("a line of FAULTS: {line}")
        };
        (source, test)
    })
}

/// Err: what is wrong with the kit.
fn caught(source: &str, test: &str) -> Result<(), String> {
    let Some(library) = plugins::evil(source) else { return Ok(()) };
    let filter = format!("--filter={test}");
    let run = check(&library, &[&filter, "--rounds=3", "--time-limit=4", "--json"]);
    let report: Value = serde_json::from_str(&run.stdout)
        .map_err(|error| format!("{source}: {error}: {run:#?}"))?;
    match with_result(&report, "failed") == [test] && run.code == Some(1) {
        true => Ok(()),
        false => Err(format!("{source}: not caught by {test}: {run:#?}")),
    }
}

#[test]
fn every_bad_plugin_is_caught_by_the_test_that_names_its_fault() {
    if plugins::memhash().is_none() {
        skip!("no C compiler");
    }
    let (named, unknown): (Vec<_>, Vec<_>) =
        faults().filter(|(_, test)| *test != "-").partition(|(_, test)| *test != "?");
    if !unknown.is_empty() {
        eprintln!("{} bad plugins have no test yet: {unknown:?}", unknown.len());
    }
    assert!(named.len() >= 25, "only {} bad plugins are named", named.len());

    // Most wait for a hang or for the disk: more threads than processors.
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((source, test)) = named.get(next.fetch_add(1, Relaxed)) {
                    if let Err(reason) = caught(source, test) {
                        wrong.lock().expect("no panic").push(reason);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), named.len(), wrong.join("\n"));
}
