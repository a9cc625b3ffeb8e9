//! Engines of memcached's interface behind kumo-server: those of c-tests/engines,
//! and fs_engine.

#![allow(missing_docs)]

#[path = "engines/blocking.rs"]
mod blocking;
#[path = "engines/codes.rs"]
mod codes;
mod common;
#[path = "engines/connections.rs"]
mod connections;
#[path = "engines/files.rs"]
mod files;
#[path = "engines/load.rs"]
mod load;
#[path = "engines/log.rs"]
mod log;
#[path = "engines/mistaken.rs"]
mod mistaken;
#[path = "engines/refused.rs"]
mod refused;
#[path = "engines/walk.rs"]
mod walk;

use common::{Client, Setup, plugins};
use std::collections::HashMap;

/// A server on an engine, by its name. None without a C compiler.
fn setup(engine: &str) -> Option<Setup> {
    plugins::fs_engine()?;
    Some(Setup::with_storage(plugins::engines().join(format!("{engine}.so"))))
}

/// `let setup = on!("bare");`, or the test is skipped.
macro_rules! on {
    ($engine:expr) => {
        match $crate::setup($engine) {
            Some(setup) => setup,
            None => $crate::common::skip::skip!("there is no C compiler"),
        }
    };
}
use on;

/// The general statistics.
fn stats(client: &mut Client) -> HashMap<String, String> {
    client.send("stats\r\n");
    let lines = client.lines_to_end();
    let pairs = lines.iter().filter_map(|line| line.strip_prefix("STAT ")?.split_once(' '));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// One statistic, a number.
fn stat(client: &mut Client, name: &str) -> u64 {
    stats(client)[name].parse().expect("a number")
}

/// The engine in the tutorial's bare shape: no CAS, no arithmetic, no touch, and
/// NOT_STORED for a miss.
#[test]
fn the_bare_engine() {
    let server = on!("bare").start();
    let mut client = server.client();
    for (sent, answer) in [
        ("get test\r\n", "END"),
        ("set test 5 0 4\r\ntest\r\n", "STORED"),
        ("set n 0 0 2\r\n10\r\n", "STORED"),
        ("incr n 5\r\n", "15"),
        ("decr n 6\r\n", "9"),
        ("incr test 1\r\n", "CLIENT_ERROR cannot increment or decrement non-numeric value"),
        ("incr nothing 1\r\n", "NOT_FOUND"),
        ("touch n 10\r\n", "SERVER_ERROR not supported"),
        ("delete n\r\n", "DELETED"),
        ("delete n\r\n", "NOT_FOUND"),
        ("stats nothing\r\n", "END"),
    ] {
        assert_eq!(client.ask(sent), answer, "{sent:?}");
    }
    client.send("gets test nothing\r\n");
    assert_eq!(client.lines_to_end(), ["VALUE test 5 4 0", "test"]);
    assert_eq!(client.ask("flush_all\r\n"), "OK");
    assert_eq!(client.get("test"), None);
    server.stop();
}

/// There is no backup, and who asks for one is told.
#[test]
fn a_backup_is_refused() {
    let server = on!("bare").rpc().start();
    server.kumoctl(&["backup"]).refused(&["bare.so", "no backup"]);
    server.stop();
}

/// An engine whose values are in pieces, few and many.
#[test]
fn values_in_pieces() {
    let mut server = on!("pieces").arguments(["-I", "4m"]).start();
    let mut client = server.client();
    for size in [0, 1, 1999, 2000, 2001, 15_999, 16_000, 16_001, 100_000, 1_000_000] {
        let value: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        assert_eq!(client.set("pieces", &value), "STORED", "{size}");
        assert!(client.get("pieces") == Some(value), "{size}");
    }
    // More than the 1024 that there can be: the engine cannot tell of them.
    let answer = client.set("pieces", vec![0; 2_048_001]);
    assert!(answer.starts_with("SERVER_ERROR") && answer.contains("get_item_info"), "{answer}");
    server.assert_well();
    server.stop();
}
