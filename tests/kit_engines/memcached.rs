//! Engines of memcached's interface: each passes all that it has functions for.

use crate::common::{kumoctl::Kumoctl, plugins, skip::skip, temp_dir};
use serde_json::Value;
use std::{collections::BTreeSet, thread};

struct Engine {
    library: &'static str,
    /// How many tests pass at least.
    passes: usize,
    /// What only the user can say of it.
    says: &'static [&'static str],
    /// What it may be spared for: how the reasons begin.
    lacks: &'static [&'static str],
}

const VOLATILE: &str = "it is volatile: ";
const NEVER_BLOCKS: &str = "it never answers ENGINE_EWOULDBLOCK";
const NO_ARITHMETIC: &str = "it has no arithmetic";
const NO_COMMANDS: &str = "it has no unknown_command";
const ANY_CONFIGURATION: &str = "it takes any configuration";

const ENGINES: &[Engine] = &[
    Engine { library: "fs_engine.so", passes: 91, says: &[], lacks: &[NEVER_BLOCKS] },
    Engine {
        library: "blocks.so",
        passes: 74,
        says: &[],
        lacks: &[VOLATILE, NO_ARITHMETIC, NO_COMMANDS, ANY_CONFIGURATION],
    },
    Engine {
        library: "blocks_more.so",
        passes: 85,
        says: &[],
        lacks: &[VOLATILE, ANY_CONFIGURATION],
    },
    Engine {
        library: "pieces.so",
        passes: 72,
        says: &[],
        lacks: &[VOLATILE, NO_ARITHMETIC, NO_COMMANDS, ANY_CONFIGURATION, NEVER_BLOCKS],
    },
    Engine {
        library: "percookie.so",
        passes: 72,
        says: &[],
        lacks: &[VOLATILE, NO_ARITHMETIC, NO_COMMANDS, ANY_CONFIGURATION, NEVER_BLOCKS],
    },
    Engine {
        library: "bare.so",
        passes: 55,
        says: &["--assume=no-expiry"],
        lacks: &[
            VOLATILE,
            NO_ARITHMETIC,
            NO_COMMANDS,
            ANY_CONFIGURATION,
            NEVER_BLOCKS,
            "its items have no CAS unique",
            "it heeds no times",
            "it reports no curr_items",
        ],
    },
];

impl Engine {
    /// What is wrong after all the tests, one line each.
    fn check(&self) -> Vec<String> {
        let library = plugins::engines().join(self.library);
        let library = library.to_str().expect("a path of text");
        let arguments = [&["check", library, "--rounds=2", "--json"], self.says].concat();
        let run = Kumoctl::run("plugin", &arguments);
        let Ok(report) = serde_json::from_str::<Value>(&run.stdout) else {
            return vec![format!("{}: no JSON: {run:#?}", self.library)];
        };
        let tests = report["tests"].as_array().expect("a list");
        let is_wrong = |test: &&Value| match test["result"].as_str() {
            Some("passed") => false,
            Some("skipped") => {
                let reason = test["reason"].as_str().unwrap_or_default();
                !self.lacks.iter().any(|lack| reason.starts_with(lack))
            }
            _ => true,
        };
        let mut wrong: Vec<_> = tests.iter().filter(is_wrong).map(Value::to_string).collect();
        let passed = tests.iter().filter(|test| test["result"] == "passed").count();
        if passed < self.passes || run.code != Some(0) {
            wrong.push(format!("{passed} passed, and the status was {:?}", run.code));
        }
        wrong.iter().map(|what| format!("{}: {what}", self.library)).collect()
    }
}

#[test]
fn every_memcached_engine_passes() {
    if plugins::fs_engine().is_none() {
        skip!("no C compiler");
    }
    let wrong: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = ENGINES.iter().map(|engine| scope.spawn(|| engine.check())).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn names(list: &str) -> BTreeSet<&str> {
    list.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

#[test]
fn a_library_has_the_tests_of_its_kind() {
    if plugins::fs_engine().is_none() {
        skip!("no C compiler");
    }
    let list = |more: &[&str]| Kumoctl::run("plugin", &[&["check", "--list"], more].concat()).ok();
    let engine = plugins::engines().join("bare.so");
    let plugin = plugins::memhash().expect("there is a compiler");
    let (both, engines, plugins) = (
        list(&[]),
        list(&[engine.to_str().expect("a path of text")]),
        list(&[plugin.to_str().expect("a path of text")]),
    );
    let (both, engines, plugins) = (names(&both), names(&engines), names(&plugins));
    assert!(engines.len() >= 80 && plugins.len() >= 80, "{} and {}", engines.len(), plugins.len());
    assert!(engines.iter().all(|name| name.starts_with("mc_")), "{engines:?}");
    assert!(engines.is_disjoint(&plugins));
    assert_eq!(both, engines.union(&plugins).copied().collect());
}

#[test]
fn an_engine_is_configured_by_the_parameters() {
    let Some(library) = plugins::fs_engine() else { skip!("no C compiler") };
    let (library, dir) = (library.to_str().expect("a path of text"), temp_dir());
    let place = format!("--opt=dir={}", dir.path().join("items").display());
    let check = |more: &[&str]| {
        Kumoctl::run("plugin", &[&["check", library, "--filter=mc_store_set"], more].concat())
    };
    check(&[&place, "--opt=sync=on"]).ok();
    assert!(dir.path().join("items/key").exists(), "the directory is not the one that was given");
    let refused = check(&["--opt=no_such_key=1"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stdout.contains("mc_load_initialize: "), "{refused:#?}");
    // A plugin's test is none of its.
    let other = Kumoctl::run("plugin", &["check", library, "--filter=load_open"]);
    assert!(other.code == Some(2) && other.stderr.contains("no test has"), "{other:#?}");
    let script = dir.path().join("a.script");
    std::fs::write(&script, "scan\n").expect("a script");
    let played = Kumoctl::run(
        "plugin",
        &["check", library, "--replay", script.to_str().expect("a path of text")],
    );
    assert_eq!(played.code, Some(2), "{played:#?}");
}
