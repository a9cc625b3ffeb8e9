//! Plays the table against a server.

use super::table::{Answer, Exchange, Piece, Section, now};
use crate::common::{
    Client,
    client::{Broken, Progress},
};
use std::{
    collections::HashMap,
    fmt::Write,
    thread::sleep,
    time::{Duration, Instant},
};

/// How long an answer may take; and how long `>until` goes on.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server and the way to speak to it.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    /// Its answers in the table: `kumo`, or `memcached-1.6.18`.
    pub name: &'a str,
    pub port: u16,
    /// Every byte in a packet of its own, as far as that is possible.
    pub byte_by_byte: bool,
}

/// Everything that goes wrong is reported, not only the first thing.
pub fn play(sections: &[Section], against: Against) {
    let mut report = String::new();
    let mut failures = 0;
    for section in sections {
        if let Err(failure) = Session::new(against).section(section) {
            failures += 1;
            let _ = writeln!(report, "{}: {}\n{failure}", section.place, section.name);
        }
        // Each of the rest would take its time to fail as well.
        if failures >= 40 {
            report.push_str("and perhaps more\n");
            break;
        }
    }
    assert!(failures == 0, "{failures} sections of {} fail:\n\n{report}", sections.len());
}

struct Session<'a> {
    against: Against<'a>,
    client: Client,
    uniques: HashMap<String, u64>,
}

impl<'a> Session<'a> {
    fn new(against: Against<'a>) -> Self {
        let mut client = Client::connect(against.port);
        assert_eq!(client.ask("flush_all\r\n"), "OK");
        Self { against, client, uniques: HashMap::new() }
    }

    fn section(&mut self, section: &Section) -> Result<(), String> {
        let mut closed = section.hangs_up;
        for exchange in &section.exchanges {
            let answer = exchange.answer(self.against.name);
            closed |= answer.closed;
            self.exchange(exchange, &answer).map_err(|why| {
                let sent = shown(&self.bytes(&exchange.send));
                format!(
                    "  line {}\n  sent: {sent}\n  want: {}\n  got:  {why}\n",
                    exchange.line,
                    self.wanted(&answer)
                )
            })?;
        }
        if closed {
            return Ok(());
        }
        // The connection still works, and nothing more was on its way.
        match self.client.try_send("version\r\n").ok().and_then(|()| self.client.try_line().ok()) {
            Some(line) if line.starts_with("VERSION ") => Ok(()),
            line => Err(format!("  at the end, version is answered with {line:?}\n")),
        }
    }

    fn exchange(&mut self, exchange: &Exchange, answer: &Answer) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        loop {
            self.send(&exchange.send);
            match self.receive(answer) {
                Err(_) if exchange.until && Instant::now() < end => {
                    // Whatever it was, it must not be taken for the next answer.
                    self.client = Client::connect(self.against.port);
                    sleep(Duration::from_millis(20));
                }
                result => return result.map_err(|broken| broken.to_string()),
            }
        }
    }

    fn send(&mut self, pieces: &[Piece]) {
        let bytes = self.bytes(pieces);
        // A server that closes in the midst of it is found out by its answer.
        if self.against.byte_by_byte && bytes.len() < 1000 {
            for byte in bytes {
                let _ = self.client.try_send([byte]);
            }
        } else {
            let _ = self.client.try_send(bytes);
        }
    }

    fn receive(&mut self, answer: &Answer) -> Result<(), Broken> {
        let mut found = self.uniques.clone();
        if !answer.pieces.is_empty() {
            let start = self.uniques.clone();
            self.client.read_until(PATIENCE, |arrived| {
                found.clone_from(&start);
                matches(&answer.pieces, arrived, &mut found)
            })?;
        }
        self.uniques = found;
        if answer.closed { self.client.closed(PATIENCE) } else { Ok(()) }
    }

    fn bytes(&self, pieces: &[Piece]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Bytes(literal) => bytes.extend_from_slice(literal),
                Piece::Cas(name) => {
                    let unique = self.uniques.get(name).expect("a unique that was read before");
                    bytes.extend_from_slice(unique.to_string().as_bytes());
                }
                Piece::Time(ahead) => {
                    bytes.extend_from_slice((now() + ahead).to_string().as_bytes())
                }
                Piece::Any => panic!("<any> cannot be sent"),
            }
        }
        bytes
    }

    fn wanted(&self, answer: &Answer) -> String {
        let mut wanted = String::new();
        for piece in &answer.pieces {
            match piece {
                Piece::Bytes(literal) => wanted += &shown(literal),
                Piece::Cas(name) => wanted += &format!("<cas:{name} {:?}>", self.uniques.get(name)),
                _ => wanted += "<any>",
            }
        }
        if answer.closed { wanted + "(closed)" } else { wanted }
    }
}

/// Whether `arrived` begins with the pieces; uniques that are new are noted.
fn matches(pieces: &[Piece], arrived: &[u8], uniques: &mut HashMap<String, u64>) -> Progress {
    let mut at = 0;
    for piece in pieces {
        let rest = &arrived[at..];
        at += match piece {
            Piece::Bytes(literal) => {
                let n = literal.len().min(rest.len());
                if literal[..n] != rest[..n] {
                    return Progress::Wrong;
                }
                if n < literal.len() {
                    return Progress::More;
                }
                n
            }
            Piece::Cas(name) => {
                let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                if digits == rest.len() {
                    return Progress::More;
                }
                let number = std::str::from_utf8(&rest[..digits]).ok().and_then(|s| s.parse().ok());
                let Some(number) = number else { return Progress::Wrong };
                let known = uniques.iter().find(|(_, unique)| **unique == number);
                match (known, uniques.get(name)) {
                    (Some((other, _)), _) if other == name => {}
                    (None, None) => {
                        uniques.insert(name.clone(), number);
                    }
                    _ => return Progress::Wrong,
                }
                digits
            }
            Piece::Any => match rest.iter().position(|&b| b == b'\r') {
                Some(n) => n,
                None => return Progress::More,
            },
            Piece::Time(_) => panic!("<time> cannot be expected"),
        };
    }
    Progress::Enough(at)
}

fn shown(bytes: &[u8]) -> String {
    let n = bytes.len().min(200);
    let more =
        if n < bytes.len() { format!(" and {} bytes", bytes.len() - n) } else { String::new() };
    format!("\"{}\"{more}", bytes[..n].escape_ascii())
}
