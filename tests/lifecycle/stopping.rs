//! Stopping while clients are busy.

use crate::common::{Engine, PATIENCE, Setup};
use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

const VALUE: usize = 1_000_000;

/// A client that has asked for much and reads little of it does not keep the
/// server from stopping.
#[test]
fn a_slow_reader() {
    let server = Setup::new(Engine::BuiltIn).start();
    assert_eq!(server.client().set("large", vec![b'x'; VALUE]), "STORED");
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
    stream.write_all(format!("get{}\r\n", " large".repeat(200)).as_bytes()).expect("sent");
    let reader = thread::spawn(move || {
        let mut part = [0; 64 << 10];
        let mut got = 0;
        // Slowly: it would take longer than the patience below.
        while let Ok(n @ 1..) = stream.read(&mut part) {
            got += n;
            thread::sleep(Duration::from_millis(20));
        }
        got
    });
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < PATIENCE);
    assert!(reader.join().expect("the reader") < 200 * VALUE);
}

/// What has arrived when the signal comes is answered.
#[test]
fn requests_that_have_arrived() {
    let server = Setup::new(Engine::BuiltIn).start();
    let mut client = server.client();
    assert_eq!(client.set("a", "x"), "STORED");
    client.send("get a\r\n".repeat(1000));
    server.stop();
    let mut answers = 0;
    while let Ok(line) = client.try_line() {
        answers += usize::from(line == "END");
    }
    assert_eq!(answers, 1000);
}
