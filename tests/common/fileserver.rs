//! kumo-fileserver, built by cargo, started and stopped.

use super::{Http, Process, cargo, eventually, temp_dir};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// A kumo-fileserver that serves.
pub struct FileServer {
    pub process: Process,
    pub port: u16,
    _dir: tempfile::TempDir,
}

impl FileServer {
    /// On a free port, over the memcached server on `memcached`.
    pub fn start(memcached: u16, arguments: &[&str]) -> Self {
        let dir = temp_dir();
        let mut command = Self::command();
        command.arg(format!("127.0.0.1:{memcached}")).args(["--listen", "127.0.0.1:0"]);
        command.args(arguments);
        let mut process = Process::start(&mut command, &dir.path().join("stderr"));
        let port = eventually("the file server says where it serves", || {
            assert!(process.is_running(), "it ended:\n{}", process.stderr());
            let text = process.stderr();
            let (_, rest) = text.split_once("http://127.0.0.1:")?;
            Some(rest.split_once('/')?.0.parse().expect("a port"))
        });
        Self { process, port, _dir: dir }
    }

    /// The program, with nothing behind it.
    pub fn command() -> Command {
        Command::new(program())
    }

    /// A new connection.
    pub fn http(&self) -> Http {
        Http::connect(self.port)
    }

    /// A request on a connection of its own.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.http().ask(method, path, headers, body)
    }

    /// Stops it as an init system does, and expects it to have gone well.
    pub fn stop(mut self) {
        self.process.signal("TERM");
        let status = self.process.wait();
        assert_eq!(status.code(), Some(0), "after SIGTERM: {status}\n{}", self.process.stderr());
        assert!(!self.process.stderr().contains("panic"), "{}", self.process.stderr());
    }
}

pub use super::http::Answer;

fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

fn build() -> PathBuf {
    cargo::build("kumo-fileserver")
        .iter()
        .filter(|artifact| artifact["target"]["name"] == "kumo-fileserver")
        .find_map(|artifact| artifact["executable"].as_str().map(PathBuf::from))
        .expect("kumo-fileserver among what cargo built")
}
