//! `kumoctl plugin check`: every engine of the tree passes the whole kit, and is
//! spared only what it does not claim.

#![allow(missing_docs)]

mod common;
#[path = "kit_engines/memcached.rs"]
mod memcached;

use common::{kumoctl::Kumoctl, plugins, skip};
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Durable,
    InMemory,
    /// In memory too, which only `--volatile` tells.
    Classic,
}
use Kind::{Classic, Durable, InMemory};

struct Engine {
    library: &'static str,
    kind: Kind,
    /// How many tests pass at least.
    passes: usize,
    /// The slots that are NULL, and the capabilities that are not declared.
    lacks: &'static [&'static [&'static str]],
}

/// What not every engine has beyond the table of kumofs.
const MORE: &[&str] = &[
    "updatev", "ordered", "sync", "stats", "verify", "compact", "seek", "getv", "batch", "repair",
];
const FREE_SCANS: &[&str] = &["reentrant scans", "reentrant-scan"];
const ITERATOR_DEL: &[&str] = &["iterator_del", "iterator_del_force"];
const ITERATOR_RELEASE: &[&str] = &["iterator_release_key", "iterator_release_val"];
/// What a described plugin may leave to its description.
const CLASSIC: &[&str] = &["error", "kumo_storage_init"];
const SMALLEST: &[&[&str]] =
    &[CLASSIC, &["rnum", "get_header", "backup"], ITERATOR_DEL, ITERATOR_RELEASE, FREE_SCANS, MORE];
const ERRORS: &[&[&str]] =
    &[CLASSIC, &["get_header", "backup"], ITERATOR_DEL, ITERATOR_RELEASE, FREE_SCANS, MORE];
const COMPLETE: &[&[&str]] = &[
    CLASSIC,
    &["get_header", "updatev", "ordered", "stats", "compact", "seek", "getv", "batch", "repair"],
    ITERATOR_RELEASE,
];

const fn engine(
    library: &'static str,
    kind: Kind,
    passes: usize,
    lacks: &'static [&'static [&'static str]],
) -> Engine {
    Engine { library, kind, passes, lacks }
}

/// The slowest first, so that none is waited for in the end.
const ENGINES: &[Engine] = &[
    engine("libtchdb.so", Durable, 150, &[&["ordered", "compact", "seek", "repair"]]),
    engine("4-complete.so", Durable, 130, COMPLETE),
    engine("libtchdb_like.so", Durable, 152, &[&["ordered", "seek", "batch"]]),
    engine("single.so", InMemory, 82, SMALLEST),
    engine("serialized.so", InMemory, 82, SMALLEST),
    engine("1-smallest.so", InMemory, 82, SMALLEST),
    engine("2-errors.so", InMemory, 82, ERRORS),
    engine("3-threads.so", InMemory, 98, &[CLASSIC, &["get_header", "backup"], MORE]),
    engine(
        "libmemhash.so",
        InMemory,
        124,
        &[&["ordered", "sync", "verify", "compact", "seek", "repair"]],
    ),
    engine("smallest.so", Classic, 92, &[FREE_SCANS, MORE]),
    engine("classic.so", Classic, 92, &[FREE_SCANS, MORE]),
    engine("classic_msgpackc.so", Classic, 92, &[FREE_SCANS, MORE]),
    engine("classic_cxx.so", Classic, 92, &[FREE_SCANS, MORE]),
];

impl Engine {
    /// Err: why it cannot be here.
    fn built(&self) -> Result<PathBuf, &'static str> {
        match self.library {
            "libtchdb.so" => plugins::tokyo_cabinet().ok_or(plugins::NO_TOKYO_CABINET),
            "libtchdb_like.so" => Ok(plugins::tchdb_like()),
            name => {
                let library = plugins::good().join(name);
                library.exists().then_some(library).ok_or("no <msgpack.h>: libmsgpack-dev")
            }
        }
    }

    /// Whether a test may be skipped for this.
    fn excuses(&self, reason: &str) -> bool {
        let lacks = |start| {
            let what = reason.strip_prefix(start);
            what.is_some_and(|what| self.lacks.iter().any(|some| some.contains(&what)))
        };
        let kinds: &[&str] = match self.kind {
            Durable => &[],
            InMemory => &["it is volatile: "],
            Classic => &["it is volatile: ", "it is classic: ", "it makes no backups: "],
        };
        lacks("it has no ")
            || lacks("it does not declare ")
            || kinds.iter().any(|kind| reason.starts_with(kind))
    }

    /// What is wrong after the whole kit, one line each.
    fn check(&self, library: &str) -> Vec<String> {
        let mut arguments = vec!["check", library, "--rounds=2", "--json"];
        arguments.extend((self.kind == Classic).then_some("--volatile"));
        let run = Kumoctl::run("plugin", &arguments);
        let Ok(report) = serde_json::from_str::<Value>(&run.stdout) else {
            return vec![format!("no JSON: {run:#?}")];
        };
        let tests = report["tests"].as_array().expect("a list");
        let text = |test: &Value, name: &str| test[name].as_str().unwrap_or_default().to_owned();
        let wrong = |test: &&Value| match &*text(test, "result") {
            "passed" => false,
            "skipped" => !self.excuses(&text(test, "reason")),
            _ => true,
        };
        let mut wrong: Vec<_> = tests.iter().filter(wrong).map(Value::to_string).collect();
        let passed = tests.iter().filter(|test| test["result"] == "passed").count();
        if passed < self.passes || report["passed"] != passed || run.code != Some(0) {
            wrong.push(format!("{passed} passed, and the status was {:?}", run.code));
        }
        wrong
    }
}

#[test]
fn every_engine_passes() {
    plugins::good();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let check_some = || {
        while let Some(engine) = ENGINES.get(next.fetch_add(1, Relaxed)) {
            match engine.built() {
                Ok(library) => {
                    let found = engine.check(library.to_str().expect("a path of text"));
                    let found = found.iter().map(|what| format!("{}: {what}", engine.library));
                    wrong.lock().expect("no panic").extend(found);
                }
                Err(reason) => skip::note(format_args!("{}: {reason}", engine.library)),
            }
        }
    };
    // Most tests wait for threads, kills or the disk: more threads than processors.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(check_some);
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
