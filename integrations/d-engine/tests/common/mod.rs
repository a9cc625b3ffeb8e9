//! The plugins that the suites run over.

#![allow(dead_code, missing_docs)]

pub mod frail;

use d_engine::common::{Entry, EntryPayload, entry_payload::Payload};
use kumo_d_engine::Plugin;
use std::{path::Path, process::Command, sync::OnceLock};

/// Tokyo Cabinet's hash database; None where the machine has no library of it.
pub fn tokyo_cabinet() -> Option<Plugin> {
    Some(load(&tokyo_cabinet_library()?))
}

/// The path of its plugin.
pub fn tokyo_cabinet_library() -> Option<String> {
    static BUILT: OnceLock<bool> = OnceLock::new();
    let there = *BUILT.get_or_init(|| {
        let there = has_header("tchdb.h", "libtokyocabinet-dev");
        if there {
            make("tokyocabinet");
        }
        there
    });
    if !there {
        return None;
    }
    Some(library("libtchdb.so"))
}

/// The hash table in C, which forgets.
pub fn memhash() -> Plugin {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| make("memhash"));
    load(&library("libmemhash.so"))
}

/// The engine that stops: linked in.
pub fn frail() -> Plugin {
    Plugin::linked_in::<frail::Frail>().expect("it is a plugin")
}

/// A log entry with a command.
pub fn entry(index: u64, term: u64, command: &str) -> Entry {
    let payload = Payload::Command(command.as_bytes().to_vec().into());
    Entry { index, term, payload: Some(EntryPayload { payload: Some(payload) }) }
}

fn out() -> String {
    format!("{}/plugins", env!("CARGO_TARGET_TMPDIR"))
}

/// The hash table, built with msgpack-c: it takes the zone's functions from the
/// executable. None where the machine has no msgpack-c.
pub fn memhash_on_msgpack() -> Option<Plugin> {
    if !has_header("msgpack.h", "libmsgpack-dev") {
        return None;
    }
    let library = format!("{}-msgpack/libmemhash.so", out());
    let directory = Path::new(&library).parent()?;
    make_into("memhash", directory, &["CFLAGS=-O2 -DUSE_MSGPACK_C"]);
    Some(load(&library))
}

/// Whether the machine has a header; without it, a test is skipped.
fn has_header(name: &str, package: &str) -> bool {
    let found = Command::new("cc")
        .args(["-x", "c", "-fsyntax-only", "-include", name, "/dev/null"])
        .output()
        .expect("cc runs");
    if !found.status.success() {
        let must = std::env::var_os("KUMO_TEST_NO_SKIP").is_some();
        assert!(!must, "there is no {name}: install {package}");
        eprintln!("skipped: there is no {name}; {package} has it");
    }
    found.status.success()
}

fn library(name: &str) -> String {
    format!("{}/{name}", out())
}

fn load(path: &str) -> Plugin {
    Plugin::load(path).expect("the plugin loads")
}

fn make(plugin: &str) {
    // Tests of several programs build at the same time: each in a place of its own,
    // and a name is given to what is whole.
    let own = format!("{}-{}", out(), std::process::id());
    make_into(plugin, Path::new(&own), &[]);
    std::fs::create_dir_all(out()).expect("a directory");
    for file in std::fs::read_dir(&own).expect("what make made") {
        let file = file.expect("a file");
        std::fs::rename(file.path(), Path::new(&out()).join(file.file_name())).expect("a name");
    }
    std::fs::remove_dir(&own).expect("an empty directory");
}

fn make_into(plugin: &str, directory: &Path, variables: &[&str]) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(plugin);
    let made = Command::new("make")
        .arg("-s")
        .arg("-C")
        .arg(&source)
        .arg(format!("OUT={}", directory.display()))
        .args(variables)
        .status()
        .expect("make runs");
    assert!(made.success(), "{plugin} does not build");
}
