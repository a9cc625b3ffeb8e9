//! The real memcached, to compare with.

use super::{Process, temp_dir};
use std::{env, process::Command};

/// A memcached on a port of its own.
pub struct Memcached {
    pub process: Process,
    pub port: u16,
    /// As it says itself: `1.6.18`.
    pub version: String,
    _dir: tempfile::TempDir,
}

impl Memcached {
    /// None where there is no memcached. `KUMO_TEST_MEMCACHED` names another
    /// than the one on the PATH.
    pub fn start() -> Option<Self> {
        let program = env::var_os("KUMO_TEST_MEMCACHED").unwrap_or_else(|| "memcached".into());
        let output = Command::new(&program).arg("--version").output().ok()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().replace("memcached ", "");

        let dir = temp_dir();
        let ports = dir.path().join("ports");
        let mut command = Command::new(&program);
        // -p -1 is a free port; -u: root must say as whom it wants to run; -m: with
        // less memory it evicts when it is busy, and large items are refused.
        command.args(["-p", "-1", "-U", "0", "-l", "127.0.0.1", "-u", "root", "-m", "1024"]);
        command.env("MEMCACHED_PORT_FILENAME", &ports);
        let mut process = Process::start(&mut command, &dir.path().join("stderr"));
        let port = process.port(&ports, "TCP");
        Some(Self { process, port, version, _dir: dir })
    }
}
