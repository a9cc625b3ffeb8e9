//! Calls that the engine answers later.

use super::{on, stat};
use crate::common::Client;
use std::{
    io::Write,
    time::{Duration, Instant},
};

/// Every way in which a call is answered later, for every command.
#[test]
fn every_command() {
    let server = on!("blocks").start();
    let mut client = server.client();
    for key in ["early", "late", "twice", "alloc", "plain", "any"] {
        assert_eq!(client.get(key), None, "{key}");
        assert_eq!(client.set(key, "1"), "STORED", "{key}");
        assert_eq!(client.get(key), Some(b"1".to_vec()), "{key}");
        assert_eq!(client.ask(format!("incr {key} 41\r\n")), "42", "{key}");
        assert_eq!(client.ask(format!("decr {key} 2\r\n")), "40", "{key}");
        assert_eq!(client.ask(format!("append {key} 0 0 1\r\nx\r\n")), "STORED", "{key}");
        assert_eq!(client.ask(format!("add {key} 0 0 1\r\nx\r\n")), "NOT_STORED", "{key}");
        assert_eq!(client.get(key), Some(b"40x".to_vec()), "{key}");
        assert_eq!(client.ask(format!("delete {key}\r\n")), "DELETED", "{key}");
        assert_eq!(client.ask(format!("replace {key} 0 0 1\r\nx\r\n")), "NOT_STORED", "{key}");
    }
    assert!(stat(&mut client, "blocked") > 50);
    server.stop();
}

/// What the engine tells in place of success is the answer.
#[test]
fn a_status_is_the_answer() {
    let server = on!("blocks").start();
    let mut client = server.client();
    assert_eq!(client.get("missing"), None);
    assert_eq!(client.ask("delete missing\r\n"), "NOT_FOUND");
    assert_eq!(client.set("tmpfail", "x"), "SERVER_ERROR temporary failure");
    assert_eq!(client.set("plain", "x"), "STORED");
    client.send("get missing plain early tmpfail any\r\n");
    assert_eq!(client.lines_to_end(), ["VALUE plain 0 1", "x"]);
    server.stop();
}

/// A get of many keys goes on where it was, with large values among them; what
/// was sent behind it is answered behind it.
#[test]
fn many_keys_and_what_follows() {
    let server = on!("blocks").start();
    let mut client = server.client();
    let (mut line, mut wanted) = (String::from("get"), Vec::new());
    for number in 0..100 {
        let key = format!("{}{number}", ["early", "twice", "plain", "any"][number % 4]);
        let value = vec![b'a' + (number % 26) as u8; 1 + number * 500];
        assert_eq!(client.set(&key, &value), "STORED");
        line += &format!(" {key} nothing");
        write!(wanted, "VALUE {key} 0 {}\r\n", value.len()).expect("memory");
        wanted.extend_from_slice(&value);
        wanted.extend_from_slice(b"\r\n");
    }
    wanted.extend_from_slice(b"END\r\nSTORED\r\nVALUE any0 0 1\r\ny\r\nEND\r\n");
    client.send(line + "\r\nset any0 0 0 1\r\ny\r\nget any0\r\n");
    assert!(client.exactly(wanted.len()) == wanted);
    server.stop();
}

/// The output is full when a key's answer is owed: the keys before it are not
/// asked for again, which would take its answer for theirs.
#[test]
fn a_full_output_before_a_key_that_waits() {
    let server = on!("blocks").start();
    let mut client = server.client();
    let value = vec![b'v'; 100_000];
    for number in 0..4 {
        assert_eq!(client.set(&format!("plain{number}"), &value), "STORED");
    }
    for last in ["missing", "late"] {
        let mut wanted = Vec::new();
        for number in 0..4 {
            write!(wanted, "VALUE plain{number} 0 100000\r\n").expect("memory");
            wanted.extend_from_slice(&value);
            wanted.extend_from_slice(b"\r\n");
        }
        wanted.extend_from_slice(b"END\r\n");
        client.send(format!("get plain0 plain1 plain2 plain3 {last}\r\n"));
        assert!(client.exactly(wanted.len()) == wanted, "{last}");
    }
    server.stop();
}

/// While one connection waits, the others of its worker are served.
#[test]
fn others_are_served_meanwhile() {
    let server = on!("blocks").arguments(["-t", "1"]).start();
    let mut waiting: Vec<Client> = (0..20).map(|_| server.client()).collect();
    let mut other = server.client();
    let begun = Instant::now();
    for client in &mut waiting {
        // 50 ms each, one after the other.
        client.send("get late\r\n");
    }
    assert_eq!(other.set("plain", "x"), "STORED");
    assert_eq!(other.get("plain"), Some(b"x".to_vec()));
    assert!(stat(&mut other, "blocked") > stat(&mut other, "again"), "they do not wait");
    for client in &mut waiting {
        assert_eq!(client.line(), "END");
    }
    assert!(begun.elapsed() >= Duration::from_millis(50));
    server.stop();
}

/// Clients go away in the middle of what they wait for.
#[test]
fn clients_that_go_away() {
    let server = on!("blocks").start();
    for _ in 0..50 {
        let mut client = server.client();
        client.send("set late 0 0 1\r\nx\r\nget late any early\r\nset alloc 0 0 1\r\ny\r\n");
    }
    let mut client = server.client();
    assert_eq!(client.set("any", "x"), "STORED");
    drop(client);
    server.stop();
}

/// Every other command that an engine may answer later, too.
#[test]
fn all_that_can_block() {
    let server = on!("blocks_more").start();
    let mut client = server.client();
    for key in ["early", "late", "twice", "any"] {
        assert_eq!(client.set(key, "10"), "STORED", "{key}");
        assert_eq!(client.ask(format!("incr {key} 5\r\n")), "15", "{key}");
        assert_eq!(client.ask(format!("touch {key} 100\r\n")), "TOUCHED", "{key}");
        client.send(format!("gat 100 {key} nothing {key}\r\n"));
        let value = [format!("VALUE {key} 0 2"), "15".to_owned()];
        assert_eq!(client.lines_to_end(), [&value[..], &value].concat(), "{key}");
    }
    assert_eq!(client.ask("flush_all\r\n"), "OK");
    assert_eq!(client.get("any"), None);
    client.send("stats more\r\n");
    assert_eq!(client.lines_to_end(), ["STAT word more"]);
    server.stop();
}
