//! Packages that cargo builds for the tests that need them.

use serde_json::Value;
use std::{env, path::Path, process::Command};

/// Builds a package where the server under test was built, whatever said so:
/// cargo's messages about what it has made.
pub fn build(package: &str) -> Vec<Value> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target directory");
    let mut command = Command::new(cargo);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "-p", package, "--message-format=json", "--target-dir"])
        .arg(target);
    let output = command.output().expect("cargo");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{messages}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .collect()
}
