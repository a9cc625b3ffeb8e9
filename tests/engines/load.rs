//! Many clients at once, on every engine: what comes back is what was stored.

use super::on;
use crate::common::{Random, Setup};
use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

const CLIENTS: usize = 16;
const ROUNDS: usize = 300;

/// Each client has keys of its own, and one that all count on.
fn load(setup: &Setup, prefixes: &[&str]) {
    let mut server = setup.start();
    assert_eq!(server.client().set("plain-sum", "0"), "STORED");
    let sum = AtomicUsize::new(0);
    let mut random = Random::new("clients");
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (server, sum, mut random) = (&server, &sum, random.fork());
            scope.spawn(move || {
                let mut client = server.client();
                let mut stored: [Option<Vec<u8>>; 4] = Default::default();
                for round in 0..ROUNDS {
                    let which = random.below(stored.len());
                    let prefix = prefixes[which % prefixes.len()];
                    let key = format!("{prefix}-{number}-{which}");
                    match random.below(6) {
                        0 | 1 => {
                            let size = random.below(3) * random.below(5000);
                            let value = vec![b'a' + (round % 26) as u8; size];
                            assert_eq!(client.set(&key, &value), "STORED");
                            stored[which] = Some(value);
                        }
                        2 => {
                            let there = stored[which].take().is_some();
                            let answer = if there { "DELETED" } else { "NOT_FOUND" };
                            assert_eq!(client.ask(format!("delete {key}\r\n")), answer);
                        }
                        3 => {
                            let by = random.below(100);
                            client.ask(format!("incr plain-sum {by}\r\n"));
                            sum.fetch_add(by, Relaxed);
                        }
                        _ => assert_eq!(client.get(&key), stored[which], "{key}"),
                    }
                }
            });
        }
    });
    let counted = server.client().get("plain-sum").expect("the sum");
    let counted = String::from_utf8_lossy(&counted).trim().parse::<usize>().expect("a number");
    assert_eq!(counted, sum.into_inner());
    server.assert_well();
    server.stop();
}

#[test]
fn bare() {
    load(&on!("bare"), &["a", "b"]);
}

#[test]
fn blocks() {
    load(&on!("blocks"), &["early", "plain", "any", "twice"]);
}

#[test]
fn blocks_more() {
    load(&on!("blocks_more"), &["early", "plain", "any"]);
}

#[test]
fn percookie() {
    load(&on!("percookie"), &["a"]);
}

#[test]
fn fs_engine() {
    load(&on!("fs_engine"), &["a", "b/c", "../d"]);
}
