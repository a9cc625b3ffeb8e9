//! What a client is told of each of the engine's codes.

use super::on;
use crate::common::PATIENCE;

/// What a storage command answers; None: the connection is closed.
const STORE: [(u32, Option<&str>); 15] = [
    (0x00, Some("STORED")),
    (0x01, Some("NOT_FOUND")),
    (0x02, Some("EXISTS")),
    (0x03, Some("SERVER_ERROR out of memory")),
    (0x04, Some("NOT_STORED")),
    (0x05, Some("CLIENT_ERROR invalid arguments")),
    (0x06, Some("SERVER_ERROR not supported")),
    (0x08, Some("CLIENT_ERROR value too big")),
    (0x09, Some("SERVER_ERROR failure")),
    (0x0a, None),
    (0x0b, Some("CLIENT_ERROR access control violation")),
    (0x0c, Some("SERVER_ERROR failure")),
    (0x0d, Some("SERVER_ERROR temporary failure")),
    (0x0e, Some("SERVER_ERROR failure")),
    (0xff, Some("SERVER_ERROR failure")),
];

#[test]
fn of_store() {
    let server = on!("codes").start();
    for (code, answer) in STORE {
        for command in ["set", "add", "replace", "append", "prepend"] {
            let mut client = server.client();
            if code == 0 && command != "set" {
                continue;
            }
            client.send(format!("{command} store={code} 0 0 1\r\nx\r\n"));
            match answer {
                Some(answer) => assert_eq!(client.line(), answer, "{command}, {code}"),
                None => client.closed(PATIENCE).expect("closed"),
            }
        }
    }
    server.stop();
}

#[test]
fn of_get_is_a_miss() {
    let server = on!("codes").start();
    for code in [1, 2, 3, 4, 5, 6, 8, 9, 0xb, 0xc, 0xd, 0xe, 0xff] {
        let mut client = server.client();
        assert_eq!(client.get(&format!("get={code}")), None, "{code}");
    }
    let mut client = server.client();
    client.send("get get=10\r\n");
    client.closed(PATIENCE).expect("closed");
    server.stop();
}

#[test]
fn of_remove_and_arithmetic() {
    let server = on!("codes").start();
    let mut client = server.client();
    for (command, answer) in [
        ("delete remove=1", "NOT_FOUND"),
        ("delete remove=6", "SERVER_ERROR not supported"),
        ("delete remove=11", "CLIENT_ERROR access control violation"),
        ("delete remove=13", "SERVER_ERROR temporary failure"),
        ("incr number 1", "42"),
        ("incr arithmetic=1 1", "NOT_FOUND"),
        ("decr arithmetic=5 1", "CLIENT_ERROR cannot increment or decrement non-numeric value"),
        ("incr arithmetic=3 1", "SERVER_ERROR out of memory"),
    ] {
        assert_eq!(client.ask(format!("{command}\r\n")), answer, "{command}");
    }
    server.stop();
}

/// A set whose item cannot be made takes the old value with it: the client must
/// not see that again. Another command leaves it.
#[test]
fn of_allocate() {
    let server = on!("codes").start();
    let mut client = server.client();
    assert_eq!(client.set("key", "old"), "STORED");
    let answer = client.ask("add key 0 0 7\r\n7 bytes\r\n");
    assert_eq!(answer, "SERVER_ERROR object too large for cache");
    assert_eq!(client.get("key"), Some(b"old".to_vec()));
    assert_eq!(client.set("key", "7 bytes"), "SERVER_ERROR object too large for cache");
    assert_eq!(client.get("key"), None);
    for (code, answer) in [
        (3, "SERVER_ERROR out of memory storing object"),
        (6, "SERVER_ERROR not supported"),
        (13, "SERVER_ERROR temporary failure"),
    ] {
        assert_eq!(client.set(&format!("allocate={code}"), "x"), answer);
    }
    server.stop();
}

/// What the engine has to say beyond its code.
#[test]
fn with_errinfo() {
    let server = on!("codes").environment("KUMO_TEST_ERRINFO", "1").start();
    let mut client = server.client();
    assert_eq!(client.set("store=255", "x"), "SERVER_ERROR failure: the disk is on fire");
    server.stop();
}
