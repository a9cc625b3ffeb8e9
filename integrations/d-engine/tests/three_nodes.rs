//! The example, as a user runs it.

mod common;

use std::{path::PathBuf, process::Command};

/// Cargo builds examples before it runs tests, beside them.
fn example() -> Command {
    let test = std::env::current_exe().expect("a path");
    let target = test.ancestors().nth(2).expect("target/PROFILE/deps/NAME");
    let path: PathBuf = target.join("examples/three-nodes");
    assert!(path.exists(), "{} is not built: cargo test builds it", path.display());
    Command::new(path)
}

fn plays(mut example: Command) {
    let output = example.output().expect("the example runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.contains("the replicas are the same"), "{said}");
}

#[test]
fn over_the_built_in_engine() {
    plays(example());
}

#[test]
fn over_a_plugin_that_is_loaded() {
    let Some(library) = common::tokyo_cabinet_library() else { return };
    let mut it = example();
    it.arg(library);
    plays(it);
}
