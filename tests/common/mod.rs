//! What the black-box tests share: the server under test, the real memcached,
//! clients that speak raw bytes, and the plugins and the file server, built on
//! the spot.

// Each test binary uses a part of this.
#![allow(dead_code, unused_imports, unused_macros)]

pub mod browser;
pub mod cargo;
pub mod client;
pub mod engines;
pub mod fileserver;
pub mod http;
pub mod kumoctl;
pub mod memcached;
pub mod plugins;
pub mod process;
pub mod random;
pub mod server;
pub mod skip;

pub use browser::Browser;
pub use client::Client;
pub use engines::Engine;
pub use fileserver::FileServer;
pub use http::Http;
pub use memcached::Memcached;
pub use process::Process;
pub use random::Random;
pub use server::{Server, Setup};

use std::time::{Duration, Instant};

/// What takes longer than this does not happen at all.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again until there is an answer; panics with `what` when
/// there is none in time.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A directory that is removed with the value.
pub fn temp_dir() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("kumo-test-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("a temporary directory")
}
