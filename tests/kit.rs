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
    // A sequence that fails is left where it was run.
    check_in(temp_dir().path(), library, arguments)
}

fn check_in(dir: &Path, library: &Path, arguments: &[&str]) -> Kumoctl {
    let library = library.to_str().expect("a path of text");
    Kumoctl::run_in(dir, "plugin", &[&["check", library], arguments].concat())
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

#[test]
fn a_classic_engine_in_memory_need_not_make_backups() {
    let Some(library) = plugins::evil("classic_fixed_error.c") else { skip!("no C compiler") };
    let report = |library: &Path, arguments: &[&str]| -> Value {
        let run = check(library, &[&["--filter=backup_", "--json"], arguments].concat());
        serde_json::from_str(&run.stdout).expect("JSON")
    };
    let excused = report(&library, &["--volatile"]);
    assert!(excused["skipped"].as_u64() >= Some(9), "{excused}");
    assert_eq!((&excused["passed"], &excused["failed"]), (&0.into(), &0.into()), "{excused}");
    let reasons = excused["tests"].as_array().expect("a list").iter();
    let told = "it makes no backups: unknown error";
    assert!(reasons.clone().all(|test| test["reason"] == told), "{excused}");

    // It does not say that it is in memory: then it has to.
    let failed = report(&library, &[]);
    assert_eq!(failed["failed"], excused["skipped"], "{failed}");
    // It says so, and makes some all the same.
    let library = plugins::evil("backup_gives_up.c").expect("there is a compiler");
    let failed = report(&library, &["--volatile"]);
    assert!(with_result(&failed, "failed").contains(&"backup_complete".to_owned()), "{failed}");
}

/// The first failed test's reason, and what else is said of it.
fn failure(run: &Kumoctl) -> (String, String) {
    assert_eq!(run.code, Some(1), "{run:#?}");
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let tests = report["tests"].as_array().expect("a list");
    let failed = tests.iter().find(|test| test["result"] == "failed").expect("a failure");
    let text = failed["reason"].as_str().expect("a reason");
    let (reason, more) = text.split_once('\n').expect("more than a reason");
    (reason.to_owned(), more.to_owned())
}

#[test]
fn a_sequence_that_fails_is_kept_and_can_be_played_again() {
    let Some(broken) = plugins::evil("batch_late.c") else { skip!("no C compiler") };
    let dir = temp_dir();
    let run = check_in(dir.path(), &broken, &["--filter=property_long", "--json"]);
    let (reason, more) = failure(&run);
    let (_, script) = more.rsplit_once("--replay ").expect("where the sequence is");
    let steps = fs::read_to_string(dir.path().join(script)).expect("the script");
    // Nothing is needed but a change in a batch, and what it undoes.
    assert_eq!(steps.lines().count(), 2, "{steps}");
    assert!(steps.starts_with("batch ") && more.contains(&steps), "{steps}\n{more}");
    let changes = steps.matches(" put ").count() + steps.matches(" del ").count();
    assert_eq!(changes, 1, "{steps}");

    let again = check_in(dir.path(), &broken, &["--replay", script]);
    assert_eq!((again.code, again.stdout.trim()), (Some(1), reason.as_str()), "{again:#?}");
    let good = plugins::memhash().expect("there is a compiler");
    let good = check_in(dir.path(), &good, &["--replay", script]).ok();
    assert_eq!(good.trim(), "nothing wrong");
}

#[test]
fn a_script_that_cannot_be_played_is_told_with_its_line() {
    let (dir, library) = (temp_dir(), plugins::tchdb_like());
    for (text, told) in [
        ("set \"a\" \"1\"\n\nbatch put \"a\"\n", "bad.script, line 3: a text"),
        ("scan\nscam\n", "bad.script, line 2: there is no operation \"scam\""),
        ("# nothing\n", "bad.script, no operation"),
    ] {
        fs::write(dir.path().join("bad.script"), text).expect("the script");
        let refused = check_in(dir.path(), &library, &["--replay=bad.script"]);
        assert_eq!(refused.code, Some(2), "{refused:#?}");
        assert!(refused.stderr.contains(told) && refused.stdout.is_empty(), "{refused:#?}");
    }
    check_in(dir.path(), &library, &["--replay=none"]).refused(&["cannot read none"]);
}

#[test]
fn parameters_are_checked_before_any_test_runs() {
    let Some(library) = plugins::evil("takes_options.c") else { skip!("no C compiler") };
    let filter = "--filter=load_open";
    let there_are = "there are: room (size, default 1m): how much it holds; fast (bool): ";
    for (given, told) in [
        ("no_such=1", "--opt: there is no parameter \"no_such\"; "),
        ("fast=perhaps", "--opt: fast=perhaps: the value must be true or false; "),
    ] {
        let refused = check(&library, &[filter, "--opt=room=5k", "--opt", given]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:#?}");
        assert!(refused.stderr.contains(&format!("{told}{there_are}")), "{refused:#?}");
    }
    check(&library, &[filter, "--opt=room=5k", "--opt=fast=no"]).ok();
    let refused = check(&plugins::tchdb_like(), &[filter, "--opt=room=5k"]);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(refused.stderr.contains("there are: sync ("), "{refused:#?}");
    let plain = plugins::good().join("1-smallest.so");
    let refused = check(&plain, &[filter, "--opt=room=5k"]);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(refused.stderr.contains("the engine takes none"), "{refused:#?}");

    // A classic plugin does not say what it takes. And one that cannot be loaded has
    // a test that says so.
    let classic = plugins::evil("classic_fixed_error.c").expect("there is a compiler");
    check(&classic, &[filter, "--opt=no_such=1"]).ok();
    let unfit = plugins::evil("init_fails.c").expect("there is a compiler");
    let failed = check(&unfit, &[filter, "--opt=no_such=1"]);
    assert_eq!(failed.code, Some(1), "{failed:#?}");
    assert!(failed.stdout.contains("load_library"), "{failed:#?}");
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
    // On a busy machine a kill may come before anything is written that it takes away.
    let rounds = if test.starts_with("durability_kill") { "--rounds=10" } else { "--rounds=3" };
    let run = check(&library, &[&filter, rounds, "--time-limit=4", "--json"]);
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
    assert!(named.len() >= 110, "only {} bad plugins are named", named.len());
    let engines = named.iter().filter(|(source, _)| source.starts_with("memcached/")).count();
    assert!(engines >= 40, "only {engines} bad engines of memcached's interface are named");

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
