//! Runs the tests in C: the headers alone, and plugins through their tables.
//! CI also runs them under sanitizers and valgrind.

#![allow(missing_docs)]

use std::{path::Path, process::Command};

#[test]
fn the_c_tests_pass() {
    let output = Command::new("bash")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("c-tests/run.sh"))
        .arg("plain")
        .output()
        .expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
