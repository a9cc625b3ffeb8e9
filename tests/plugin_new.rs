//! `kumoctl plugin new`, as a new author goes: from an empty directory, far from
//! the repository, to an engine that serves.

#![allow(missing_docs)]

mod common;

use common::{
    Setup,
    kumoctl::Kumoctl,
    skip::{note, skip},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// A directory outside the repository, and `kumoctl plugin new NAME` in it.
fn new(name: &str, language: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let parent = dir.path().to_str().expect("a path of text").to_owned();
    let said = Kumoctl::run("plugin", &["new", name, "--lang", language, "--dir", &parent]).ok();
    assert!(said.contains("kumoctl plugin check") && said.contains("kumo-server"), "{said}");
    let root = dir.path().join(name);
    (dir, root)
}

/// Runs what an author types, with nothing of this build's settings.
fn run(root: &Path, program: &str, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let ours = ["CARGO_", "RUSTFLAGS", "RUSTC", "RUSTDOC", "CFLAGS", "MAKEFLAGS"];
        // Where cargo keeps its crates is the author's.
        if ours.iter().any(|prefix| text.starts_with(prefix)) && text != "CARGO_HOME" {
            command.env_remove(&name);
        }
    }
    match command.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
            Some(output)
        }
        Err(error) => {
            note(format_args!("no {program}: {error}"));
            None
        }
    }
}

/// It is described, passes the kit, and serves.
fn is_an_engine(library: &Path, name: &str) {
    let path = library.to_str().expect("a path of text");
    let info = Kumoctl::run("plugin", &["info", path]).ok();
    for words in [name, "described", "volatile", "get_header"] {
        assert!(info.contains(words), "no {words:?} in {info}");
    }

    let server = Setup::with_storage(library).start();
    let mut client = server.client();
    assert_eq!(client.set("greeting", "hello"), "STORED");
    assert_eq!(client.get("greeting"), Some(b"hello".to_vec()));
    assert_eq!(client.ask("incr greeting 1\r\n").split(' ').next(), Some("CLIENT_ERROR"));
    assert_eq!(client.ask("delete greeting\r\n"), "DELETED");
    assert_eq!(client.get("greeting"), None);
    drop(client);
    server.stop();
}

/// It passes the kit.
fn passes_the_kit(library: &Path) {
    let path = library.to_str().expect("a path of text");
    let checked = Kumoctl::run("plugin", &["check", path]);
    if checked.code == Some(2) {
        skip!("there is no kumoctl plugin check yet");
    }
    checked.ok();
}

#[test]
fn a_plugin_in_c_builds_passes_its_tests_and_serves() {
    let (_dir, root) = new("shelf_2", "c");
    let Some(_) = run(&root, "make", &["CFLAGS=-O2 -Werror"]) else { return };
    let checked = run(&root, "make", &["check"]).expect("there is a make");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok: ")).count(), 5, "{said}");
    let library = root.join("libshelf_2.so");
    is_an_engine(&library, "shelf_2");
    passes_the_kit(&library);
}

#[test]
fn a_plugin_in_rust_builds_passes_its_tests_and_serves() {
    let (_dir, root) = new("rack", "rust");
    // The one crate that is not vendored has been fetched for this build too.
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let Some(_) = run(&root, &cargo, &["build", "--release", "--offline"]) else { return };
    let tested = run(&root, &cargo, &["test", "--offline"]).expect("there is a cargo");
    let said = String::from_utf8_lossy(&tested.stdout);
    assert!(said.contains("5 passed"), "{said}");
    let library = root.join("target/release/librack.so");
    is_an_engine(&library, "rack");
    passes_the_kit(&library);
}

#[test]
fn no_placeholder_is_left() {
    for language in ["c", "rust"] {
        let (_dir, root) = new("shelf", language);
        let mut directories = vec![root];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).expect("the directory") {
                let path = entry.expect("an entry").path();
                assert!(!path.to_string_lossy().contains("TEMPLATE"), "{}", path.display());
                if path.is_dir() {
                    directories.push(path);
                } else {
                    let text = fs::read_to_string(&path).expect("a text");
                    assert!(!text.contains("TEMPLATE"), "{}", path.display());
                }
            }
        }
    }
}

#[test]
fn what_is_there_already_is_left_alone() {
    let (dir, root) = new("shelf", "c");
    fs::write(root.join("shelf.c"), "mine").expect("a file");
    let parent = dir.path().to_str().expect("a path of text");
    Kumoctl::run("plugin", &["new", "shelf", "--lang", "rust", "--dir", parent])
        .refused(&["shelf", "exists"]);
    assert_eq!(fs::read_to_string(root.join("shelf.c")).expect("the file"), "mine");
    assert!(!root.join("Cargo.toml").exists());
    Kumoctl::run("plugin", &["new", "other", "--lang", "c", "--dir", "/no/such/dir"])
        .refused(&["/no/such/dir"]);
}

#[test]
fn what_fails_half_way_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    // No file may be longer than a kilobyte or two: some can be written.
    let script = format!(
        "trap '' XFSZ; ulimit -f 2; {} plugin new shelf --lang c",
        env!("CARGO_BIN_EXE_kumoctl")
    );
    let output = match Command::new("bash").args(["-c", &script]).current_dir(dir.path()).output() {
        Ok(output) => output,
        Err(error) => skip!("no bash: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write"), "{said}");
    assert_eq!(fs::read_dir(dir.path()).expect("the directory").count(), 0);
}

#[test]
fn names_are_names() {
    for name in ["", "Shelf", "2shelf", "_shelf", "she-lf", "she lf", "../shelf", "shélf"] {
        let done = Kumoctl::run("plugin", &["new", name, "--lang", "c", "--dir", "/no/such/dir"]);
        assert_eq!(done.code, Some(2), "{name:?}: {done:#?}");
    }
    let dir = tempfile::tempdir().expect("a directory");
    let parent = dir.path().to_str().expect("a path of text");
    for name in ["fn", "core", "kumo_plugin"] {
        Kumoctl::run("plugin", &["new", name, "--lang", "rust", "--dir", parent]).refused(&[name]);
    }
}
