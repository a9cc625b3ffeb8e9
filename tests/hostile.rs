//! Clients that send nonsense, vanish, do not read, or are too many. The
//! server stays up, its memory stays bounded, and it serves the next one.

mod common;
#[path = "hostile/nonsense.rs"]
mod nonsense;

use common::{Client, Engine, Server, Setup, eventually};
use std::time::{Duration, Instant};

/// What a server may grow by beyond what it has when it starts to serve.
const GROWTH: u64 = 64 << 20;

/// A server, and how large it may get.
struct Watched {
    server: Server,
    limit: u64,
}

impl Watched {
    fn start(setup: &Setup) -> Self {
        let server = setup.start();
        let limit = server.process.memory().0 + GROWTH;
        Self { server, limit }
    }

    fn client(&self) -> Client {
        self.server.client()
    }

    /// Never was it larger than it may be.
    fn assert_small(&self) {
        let (now, most) = self.server.process.memory();
        assert!(most <= self.limit, "{most} bytes, now {now}, and not {}", self.limit);
    }

    /// It is as well as if nothing had happened.
    fn end(mut self) {
        self.server.assert_well();
        self.assert_small();
        self.server.stop();
    }
}

fn watched() -> Watched {
    Watched::start(&Setup::new(Engine::BuiltIn))
}

#[test]
fn a_length_of_2_gib() {
    let watched = watched();
    for length in ["2147483646", "2147483647", "2147483648", "4294967295", "18446744073709551615"] {
        let mut client = watched.client();
        let answer = client.ask(format!("set a 0 0 {length}\r\n"));
        assert_eq!(answer, "CLIENT_ERROR bad command line format", "{length}");
    }
    // The largest that is taken for a length: swallowed for as long as it
    // comes, and stored nowhere.
    let mut client = watched.client();
    client.send("set a 0 0 2147483645\r\n");
    let data = vec![b'x'; 1 << 20];
    for _ in 0..200 {
        client.send(&data);
    }
    watched.assert_small();
    drop(client);
    watched.end();
}

#[test]
fn lines_that_are_no_commands() {
    let watched = watched();
    let mut client = watched.client();
    let key = "k".repeat(251);
    let bad = "CLIENT_ERROR bad command line format";
    for line in [
        format!("get {key}\r\n"),
        format!("set {key} 0 0 1\r\nx\r\n"),
        format!("delete {key}\r\n"),
        "\n".to_owned(),
        "\r\n".to_owned(),
        "\0\n".to_owned(),
    ] {
        assert_eq!(client.ask(&line), bad, "{line:?}");
    }
    for line in ["\0\0\0\0\r\n", "\x7f\x01\x02\x03\n", "    \n"] {
        assert_eq!(client.ask(line), "ERROR", "{line:?}");
    }
    assert_eq!(client.set("a", "still here"), "STORED");
    watched.end();
}

#[test]
fn vanishing_in_the_middle_of_a_value() {
    let watched = watched();
    for n in 0..400 {
        let mut client = watched.client();
        let length = 1 + n * 251;
        let sent = n * 97 % length;
        client.send(format!("set vanished{n} 0 0 {length}\r\n"));
        client.send(vec![b'x'; sent]);
        if n % 2 == 0 {
            client.finish();
        }
    }
    let mut client = watched.client();
    for n in 0..400 {
        assert_eq!(client.get(&format!("vanished{n}")), None);
    }
    eventually("the connections are given back", || (connections(&mut client) <= 1).then_some(()));
    watched.end();
}

#[test]
fn vanishing_with_answers_unread() {
    let watched = watched();
    assert_eq!(watched.client().set("a", vec![b'x'; 500_000]), "STORED");
    for n in 0..200 {
        let mut client = watched.client();
        client.send("get a\r\n".repeat(1 + n % 20));
        if n % 2 == 0 {
            client.exactly(1000);
        }
    }
    let mut client = watched.client();
    eventually("the connections are given back", || (connections(&mut client) <= 1).then_some(()));
    watched.end();
}

/// As the server counts them, this one included.
fn connections(client: &mut Client) -> usize {
    client.send("stats\r\n");
    let lines = client.lines_to_end();
    let count = lines.iter().find_map(|line| line.strip_prefix("STAT curr_connections "));
    count.expect("curr_connections").parse().expect("a number")
}

#[test]
fn readers_that_do_not_read() {
    let watched = watched();
    let value: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
    assert_eq!(watched.client().set("a", &value), "STORED");
    // 16 times 2 GB of answers.
    let mut lazy: Vec<Client> = (0..16).map(|_| watched.client()).collect();
    for client in &mut lazy {
        client.send("get a\r\n".repeat(2000));
    }
    // All that while, others are served, and nothing piles up.
    let mut other = watched.client();
    let end = Instant::now() + Duration::from_secs(2);
    let mut n = 0;
    while Instant::now() < end {
        n += 1;
        assert_eq!(other.set("n", n.to_string()), "STORED");
        assert_eq!(other.get("n"), Some(n.to_string().into_bytes()));
        watched.assert_small();
    }
    // One of them has woken up: what it gets is whole.
    for _ in 0..20 {
        assert_eq!(lazy[0].line(), "VALUE a 0 1000000");
        assert!(lazy[0].exactly(value.len()) == value, "the value is not what it was");
        assert_eq!((lazy[0].line(), lazy[0].line()), (String::new(), "END".to_owned()));
    }
    drop(lazy);
    eventually("the connections are given back", || (connections(&mut other) <= 1).then_some(()));
    watched.end();
}

/// Requests that never end, their answers unread: neither side gives way.
#[test]
fn pipelining_without_reading() {
    let watched = watched();
    assert_eq!(watched.client().set("a", vec![b'x'; 3000]), "STORED");
    let mut client = watched.client();
    let requests = "get a\r\n".repeat(10_000);
    let writer = std::thread::spawn(move || {
        // The server stops reading, the buffers fill up, and the write stands
        // still until the connection is closed.
        let mut sent = 0;
        while sent < 200 && client.try_send(&requests).is_ok() {
            sent += 1;
        }
        sent
    });
    let mut other = watched.client();
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        assert_eq!(other.set("n", "1"), "STORED");
        watched.assert_small();
    }
    watched.end();
    let sent = writer.join().expect("the writer");
    assert!(sent < 200, "6 GB of answers went nowhere");
}

#[test]
fn thousands_of_connections() {
    let watched = watched();
    for n in 0..5000 {
        let mut client = watched.client();
        match n % 4 {
            0 => {}
            1 => client.send("get a"),
            2 => assert_eq!(client.ask("get a\r\n"), "END"),
            _ => client.send("get a\r\nset a 0 0 10\r\n"),
        }
    }
    let mut many: Vec<Client> = (0..300).map(|_| watched.client()).collect();
    for client in &mut many {
        assert_eq!(client.ask("get b\r\n"), "END");
    }
    drop(many);
    let mut client = watched.client();
    eventually("the connections are given back", || (connections(&mut client) <= 1).then_some(()));
    watched.end();
}

#[test]
fn the_connection_limit() {
    let watched = Watched::start(&Setup::new(Engine::BuiltIn).arguments(["-c", "10"]));
    let mut served: Vec<Client> = (0..10).map(|_| watched.client()).collect();
    for client in &mut served {
        assert_eq!(client.ask("get a\r\n"), "END");
    }
    for _ in 0..50 {
        let mut client = watched.client();
        assert_eq!(client.line(), "ERROR Too many open connections");
        client.closed(common::PATIENCE).unwrap_or_else(|broken| panic!("{broken}"));
    }
    // Those who are in stay in, and who leaves makes room.
    for client in &mut served {
        assert_eq!(client.ask("get a\r\n"), "END");
    }
    served.truncate(5);
    eventually("room for another", || {
        let mut client = watched.client();
        client.try_send("get a\r\n").ok()?;
        (client.try_line().ok()? == "END").then_some(())
    });
    watched.end();
}
