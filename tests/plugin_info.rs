//! `kumoctl plugin info` and `plugin list`: what they say, and that a bad
//! library takes nothing down.

#![allow(missing_docs)]

mod common;

use common::{
    kumoctl::Kumoctl,
    plugins,
    skip::{note, skip},
    temp_dir,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// `kumoctl plugin info LIB`.
fn info(library: &Path, more: &[&str]) -> Kumoctl {
    let library = library.to_str().expect("a path of text");
    Kumoctl::run("plugin", &[&["info", library], more].concat())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn names<'a>(values: &'a Value, key: &str) -> Vec<&'a str> {
    let values = values.as_array().expect("a list");
    values.iter().filter_map(|value| value[key].as_str()).collect()
}

/// A library of a few lines of C. None without a compiler.
fn library(dir: &Path, name: &str, source: &str) -> Option<PathBuf> {
    let file = dir.join(format!("{name}.c"));
    fs::write(&file, source).expect("the source");
    let path = dir.join(format!("lib{name}.so"));
    let include = concat!("-I", env!("CARGO_MANIFEST_DIR"), "/include");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-w", include, "-o"])
        .args([&path, &file])
        .status();
    match status {
        Ok(status) => assert!(status.success(), "cc {}: {status}", file.display()),
        Err(error) => {
            note(format_args!("no C compiler: {error}"));
            return None;
        }
    }
    Some(path)
}

#[test]
fn the_built_in_engine_is_described() {
    let page = Kumoctl::run("plugin", &["info"]).ok();
    for words in ["tchdb_like", "built into kumo-server", "parallel", "described", "getv"] {
        assert!(page.contains(words), "no {words:?} in {page}");
    }
    assert_eq!(page, Kumoctl::run("plugin", &["info", "built-in"]).ok());
    let report = json(&Kumoctl::run("plugin", &["info", "--json"]).ok());
    assert_eq!((&report["name"], &report["path"]), (&"tchdb_like".into(), &Value::Null));
}

#[test]
fn a_library_is_described_with_what_it_needs() {
    let path = plugins::tchdb_like();
    let report = json(&info(&path, &["--json"]).ok());
    assert_eq!(report["name"], "tchdb_like");
    assert_eq!(report["contract"], "described");
    assert_eq!(report["thread_model"], "parallel");
    assert_eq!(report["abi_version"], report["host_abi_version"]);
    assert_eq!(report["path"], path.to_str().expect("a path of text"));
    let exports = report["exports"].as_array().expect("a list");
    assert!(exports.contains(&"kumo_plugin_init".into()), "{exports:?}");
    let needs = report["needs"].as_array().expect("a list");
    assert!(needs.iter().any(|name| name.as_str().is_some_and(|n| n.starts_with("libc."))));
    assert!(names(&report["operations"], "name").contains(&"backup"));
    // The page and the JSON say the same.
    let page = info(&path, &[]).ok();
    names(&report["operations"], "name").iter().for_each(|name| assert!(page.contains(name)));
}

const CLASSIC: &str = r#"
#include <kumo_storage.h>
bool msgpack_zone_push_finalizer_expand(struct msgpack_zone *, void (*)(void *), void *);
static void *create(void) { msgpack_zone_push_finalizer_expand(0, 0, 0); return 0; }
static void none(void *data) {}
kumo_storage_op kumo_storage_init(void) {
    kumo_storage_op op;
    void **slots = (void **)&op;
    for (int i = 0; i < 22; i++) slots[i] = (void *)none;
    op.create = create;
    op.updatev = 0;
    return op;
}
"#;

#[test]
fn a_classic_plugin_and_what_it_takes_from_the_host() {
    let dir = temp_dir();
    let Some(path) = library(dir.path(), "classic", CLASSIC) else { return };
    let report = json(&info(&path, &["--json"]).ok());
    assert_eq!(report["contract"], "classic");
    assert_eq!(report["version"], Value::Null);
    assert_eq!(report["null_slots"], json("[\"updatev\"]"));
    assert_eq!(report["zone_imports"], json("[\"msgpack_zone_push_finalizer_expand\"]"));
    let page = info(&path, &[]).ok();
    assert!(page.contains("set, one record after the other"), "{page}");
}

#[test]
fn what_cannot_be_loaded_is_a_failure_with_its_reason() {
    let dir = temp_dir();
    Kumoctl::run("plugin", &["info", "no_such_plugin"])
        .refused(&["no_such_plugin", "KUMO_PLUGIN_PATH"]);
    let text = dir.path().join("libtext.so");
    fs::write(&text, "not a library").expect("a file");
    info(&text, &[]).refused(&["not a library"]);

    let init = "kumo_storage_init";
    let start = "__attribute__((constructor)) static void start(void)";
    let bad = [
        ("empty", "int nothing;".to_owned(), "neither kumo_plugin_init nor"),
        (
            "aborts",
            format!("void abort(void); {start} {{ abort(); }} int {init};"),
            "crashed (SIGABRT)",
        ),
        (
            "exits",
            format!("void exit(int); {start} {{ exit(0); }} int {init};"),
            "ended the process",
        ),
        // A sanitizer makes an exit of it.
        (
            "faults",
            format!("{start} {{ *(volatile int *)0 = 1; }} int {init};"),
            "while it was loaded",
        ),
    ];
    for (name, source, reason) in bad {
        let Some(path) = library(dir.path(), name, &source) else { return };
        info(&path, &[]).refused(&[reason]);
    }
}

#[test]
fn a_plugin_that_prints_and_dies_at_the_end_is_described_all_the_same() {
    let dir = temp_dir();
    let noise = "int puts(char *); void abort(void);
        __attribute__((constructor)) static void start(void) { puts(\"kumo-probe: {}\"); }
        __attribute__((destructor)) static void end(void) { abort(); }";
    let Some(path) = library(dir.path(), "noisy", &(CLASSIC.to_owned() + noise)) else { return };
    let done = info(&path, &["--json"]);
    assert!(done.stderr.contains("SIGABRT"), "{done:#?}");
    assert_eq!(json(&done.ok())["contract"], "classic");
}

fn list(dir: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kumoctl"))
        .args(["plugin", "list"])
        .args(more)
        .env("KUMO_PLUGIN_PATH", dir)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("kumoctl")
}

#[test]
fn the_list_begins_with_the_built_in_and_leaves_out_what_is_no_plugin() {
    let dir = temp_dir();
    let Some(_) = library(dir.path(), "classic", CLASSIC) else { return };
    let crash = "void abort(void); int kumo_storage_init;
        __attribute__((constructor)) static void start(void) { abort(); }";
    library(dir.path(), "crash", crash).expect("there is a compiler");
    fs::write(dir.path().join("libtext.so"), "not a library").expect("a file");

    let text = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let lines = text(list(dir.path(), &[]));
    assert!(lines.lines().nth(1).is_some_and(|line| line.starts_with("tchdb_like")), "{lines}");
    assert!(lines.contains("libclassic.so") && !lines.contains("libcrash.so"), "{lines}");

    let all = json(&text(list(dir.path(), &["--all", "--json"])));
    // Once, although the directory is in the path and the working directory too.
    for (name, reason) in [("classic", None), ("crash", Some("SIGABRT")), ("text", Some("library"))]
    {
        let found: Vec<_> =
            all.as_array().expect("a list").iter().filter(|f| f["name"] == name).collect();
        assert_eq!(found.len(), 1, "{name} in {all:#}");
        let problem = found[0]["problem"].as_str();
        assert_eq!(problem.is_some(), reason.is_some(), "{name}: {problem:?}");
        assert!(
            reason.is_none_or(|reason| problem.is_some_and(|p| p.contains(reason))),
            "{problem:?}"
        );
    }
}

#[test]
fn an_engine_of_memcacheds_interface_is_described_and_listed() {
    let Some(path) = plugins::fs_engine() else { skip!("no C compiler") };
    let report = json(&info(&path, &["--json"]).ok());
    assert_eq!(report["name"], "fs_engine");
    assert_eq!(report["contract"], "memcached engine");
    assert_eq!((&report["interface"], &report["host_interface"]), (&1.into(), &1.into()));
    assert_eq!(report["exports"], json("[\"create_instance\"]"));
    let operations = report["operations"].as_array().expect("a list");
    let there: Vec<_> = operations.iter().map(|each| (&each["name"], &each["present"])).collect();
    for (name, present) in [("arithmetic", true), ("unknown_command", true), ("errinfo", false)] {
        assert!(there.contains(&(&name.into(), &present.into())), "{there:?}");
    }
    assert!(report["needs"].to_string().contains("libc."), "{report:#}");
    let page = info(&path, &[]).ok();
    for words in ["memcached's engine interface, version 1", "kumo-server -E", "arithmetic"] {
        assert!(page.contains(words), "no {words:?} in {page}");
    }
    // It was created, and not initialized: there are no files of its own.
    assert!(!Path::new(".fs_engine").exists());

    // What does not fit says why, in the list too.
    let engines = plugins::engines();
    for (name, reason) in
        [("newer", "version 2"), ("enotsup", "does not support"), ("slots_get", "NULL for get")]
    {
        info(&engines.join(format!("{name}.so")), &[]).refused(&[reason]);
    }
    let all = list(engines, &["--all", "--json"]);
    let all = json(&String::from_utf8_lossy(&all.stdout));
    let named = |name: &str| {
        let found = all.as_array().expect("a list").iter().find(|each| each["name"] == name);
        found.unwrap_or_else(|| panic!("{name} in {all:#}")).clone()
    };
    assert_eq!(named("fs_engine")["problem"], Value::Null);
    assert!(named("fs_engine")["description"].to_string().contains("memcached"), "{all:#}");
    assert!(named("newer")["problem"].to_string().contains("version 2"), "{all:#}");
    let bench = Kumoctl::run("plugin", &["bench", path.to_str().expect("a path of text")]);
    bench.refused(&["engine of memcached's interface", "kumo-server -E"]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let script =
        format!("{} plugin info | true; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_kumoctl"));
    match Command::new("bash").args(["-c", &script]).output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => skip!("no bash: {error}"),
    }
}

#[test]
fn a_wrong_command_line_is_status_2() {
    for arguments in [&["info", "a", "b"][..], &["nosuch"], &["new"], &["bench"]] {
        assert_eq!(Kumoctl::run("plugin", arguments).code, Some(2), "{arguments:?}");
    }
}
