//! What the README shows is true.

#![allow(missing_docs)]

mod common;

use common::{Engine, PATIENCE, Setup};
use std::{fs, path::Path, process::Command};

fn readme() -> String {
    read("README.md")
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text of the README's first block of a language.
fn block(language: &str) -> String {
    let readme = readme();
    let (_, rest) = readme.split_once(&format!("```{language}\n")).expect("a block");
    let (block, _) = rest.split_once("```").expect("its end");
    block.to_owned()
}

#[test]
fn the_smallest_plugin_is_the_one_that_is_tested() {
    assert_eq!(block("c"), read("plugins/examples/1-smallest.c"));
}

#[test]
fn the_session_goes_as_it_is_written() {
    let setup = Setup::new(Engine::BuiltIn);
    let server = setup.start();
    let mut client = server.client();
    for line in block("text").lines() {
        match line.strip_prefix("> ") {
            Some(typed) => client.send(format!("{typed}\r\n")),
            None => assert_eq!(client.line(), line),
        }
    }
    client.closed(PATIENCE).expect("quit closes");

    // "Now kill the server, start it again": it is there.
    server.process.kill();
    assert_eq!(setup.start().client().get("greeting"), Some(b"hello".to_vec()));
}

#[test]
fn every_option_of_the_server_is_in_the_table() {
    let readme = readme();
    let output = Command::new(env!("CARGO_BIN_EXE_kumo-server")).arg("-h").output();
    let help = String::from_utf8_lossy(&output.expect("it runs").stdout).into_owned();
    assert!(help.contains("--storage"), "{help}");
    for line in help.lines().map(str::trim).filter(|line| line.starts_with('-')) {
        let option = line.split([',', ' ']).next().unwrap_or_default();
        if !matches!(option, "-h" | "-V") {
            assert!(readme.contains(&format!("`{option}")), "{option} is not in the README");
        }
    }
}
