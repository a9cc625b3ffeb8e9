//! kill -9 at a random instant, again and again: what was acknowledged is
//! there, and nothing else is.

mod common;

use common::{Client, Engine, Random, Server, Setup};
use std::{
    collections::{BTreeMap, HashMap},
    env,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

const WRITERS: usize = 4;
const KEYS: usize = 150;
/// A counter that all writers share.
const SHARED: &str = "shared";

/// None: absent.
type Value = Option<Vec<u8>>;

/// What one writer, who alone writes its keys, knows of them.
#[derive(Default)]
struct Known {
    acknowledged: BTreeMap<String, Value>,
    /// Sent, and not answered: done or not done.
    unanswered: HashMap<String, Value>,
    /// How often it has raised the shared counter: acknowledged, unanswered.
    raised: (u64, u64),
}

/// One database, killed over and over.
struct Database {
    engine: Engine,
    setup: Setup,
    known: Vec<Known>,
    /// The shared counter, when it was last read.
    counter: u64,
}

#[test]
fn nothing_acknowledged_is_lost() {
    let rounds = env::var("KUMO_CRASH_ROUNDS").map_or(50, |n| n.parse().expect("a number"));
    let mut random = Random::new("crash");
    let mut databases = [Engine::BuiltIn, Engine::TchdbLike].map(Database::new);
    let mut writes = 0;
    for round in 0..rounds {
        let database = &mut databases[round % 2];
        let server = database.setup.start();
        database.verify(&server, round);
        writes += until_killed(server, &mut database.known, &mut random);
    }
    for database in &mut databases {
        let server = database.setup.start();
        database.verify(&server, rounds);
        server.stop();
    }
    println!("{rounds} rounds, {writes} acknowledged writes");
    assert!(writes > rounds, "{writes} writes in {rounds} rounds prove nothing");
}

/// Writes with all writers until the server is killed; how many writes were
/// acknowledged.
fn until_killed(server: Server, known: &mut [Known], random: &mut Random) -> usize {
    let port = server.port;
    let life = Duration::from_micros(random.below(250_000) as u64);
    let acknowledged = Mutex::new(0);
    thread::scope(|scope| {
        for (writer, known) in known.iter_mut().enumerate() {
            let mut random = random.fork();
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                let n = write(port, writer, known, &mut random);
                *acknowledged.lock().unwrap_or_else(PoisonError::into_inner) += n;
            });
        }
        // The instant is random: that is the test, not a wait for something.
        thread::sleep(life);
        server.process.kill();
    });
    acknowledged.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Writes until the connection breaks; how many writes were acknowledged.
fn write(port: u16, writer: usize, known: &mut Known, random: &mut Random) -> usize {
    let mut acknowledged = 0;
    let Ok(mut client) = Client::try_connect(port) else { return 0 };
    loop {
        // Several requests at once, each for a key of its own.
        let first = random.below(KEYS);
        let commands: Vec<Command> = (0..1 + random.below(6))
            .map(|n| Command::random(writer, (first + n) % KEYS, known, random))
            .collect();
        for command in &commands {
            known.sent(command);
        }
        let request: Vec<u8> =
            commands.iter().flat_map(|command| command.request.clone()).collect();
        if client.try_send(request).is_err() {
            return acknowledged;
        }
        for command in &commands {
            let Ok(line) = client.try_line() else { return acknowledged };
            assert!(command.answers(&line), "{command:?} is answered with {line:?}");
            known.answered(command);
            acknowledged += 1;
        }
    }
}

/// A write, and what is to become of it.
#[derive(Debug)]
struct Command {
    key: String,
    request: Vec<u8>,
    answer: String,
    /// The value afterwards. The shared counter's is known to nobody.
    after: Value,
}

impl Command {
    fn random(writer: usize, key: usize, known: &Known, random: &mut Random) -> Self {
        if random.one_in(10) {
            let request = format!("incr {SHARED} 1\r\n").into_bytes();
            return Self { key: SHARED.into(), request, answer: String::new(), after: None };
        }
        let key = format!("w{writer}k{key}");
        let value = known.acknowledged.get(&key).cloned().flatten();
        let number = value.and_then(|value| {
            let text = String::from_utf8(value).ok()?;
            // Not 007, which would be padded.
            text.parse::<u64>().ok().filter(|number| number.to_string() == text)
        });
        match (random.below(8), number) {
            (0, _) => {
                let there = known.acknowledged.get(&key).is_some_and(Option::is_some);
                let answer = if there { "DELETED" } else { "NOT_FOUND" }.into();
                let request = format!("delete {key}\r\n").into_bytes();
                Self { key, request, answer, after: None }
            }
            // A number is counted up more often than not.
            (1..7, Some(number)) => {
                let delta = random.below(1_000_000) as u64;
                let answer = (number + delta).to_string();
                let request = format!("incr {key} {delta}\r\n").into_bytes();
                Self { key, request, after: Some(answer.clone().into_bytes()), answer }
            }
            (1..3, None) => Self::set(key, random.below(1000).to_string().into_bytes()),
            _ => {
                let length = match random.below(30) {
                    0 => random.below(100_000),
                    1 => 0,
                    _ => random.below(300),
                };
                Self::set(key, random.bytes(length))
            }
        }
    }

    fn set(key: String, value: Vec<u8>) -> Self {
        let mut request = format!("set {key} 0 0 {}\r\n", value.len()).into_bytes();
        request.extend_from_slice(&value);
        request.extend_from_slice(b"\r\n");
        Self { key, request, answer: "STORED".into(), after: Some(value) }
    }

    fn answers(&self, line: &str) -> bool {
        if self.key == SHARED { line.parse::<u64>().is_ok() } else { line == self.answer }
    }
}

impl Known {
    fn sent(&mut self, command: &Command) {
        if command.key == SHARED {
            self.raised.1 += 1;
        } else {
            self.unanswered.insert(command.key.clone(), command.after.clone());
        }
    }

    fn answered(&mut self, command: &Command) {
        if command.key == SHARED {
            self.raised.1 -= 1;
            self.raised.0 += 1;
        } else if let Some(value) = self.unanswered.remove(&command.key) {
            self.acknowledged.insert(command.key.clone(), value);
        }
    }
}

impl Database {
    fn new(engine: Engine) -> Self {
        let setup = Setup::new(engine);
        let server = setup.start();
        assert_eq!(server.client().set(SHARED, "0"), "STORED");
        server.stop();
        let known = (0..WRITERS).map(|_| Known::default()).collect();
        Self { engine, setup, known, counter: 0 }
    }

    /// Everything is as it was acknowledged, or as it would have been next.
    /// What is found is what counts from here on.
    fn verify(&mut self, server: &Server, round: usize) {
        let place = format!("{:?}, before round {round}", self.engine);
        let mut client = server.client();
        let counter = client.get(SHARED).unwrap_or_else(|| panic!("{place}: no {SHARED}"));
        let counter: u64 = String::from_utf8_lossy(&counter).parse().expect("a number");
        let least = self.counter + self.known.iter().map(|known| known.raised.0).sum::<u64>();
        let most = least + self.known.iter().map(|known| known.raised.1).sum::<u64>();
        assert!((least..=most).contains(&counter), "{place}: {counter}, not {least}..={most}");
        self.counter = counter;
        for known in &mut self.known {
            known.raised = (0, 0);
            known.verify(&mut client, &place);
        }
    }
}

impl Known {
    fn verify(&mut self, client: &mut Client, place: &str) {
        for (key, after) in std::mem::take(&mut self.unanswered) {
            let found = client.get(&key);
            let before = self.acknowledged.get(&key).cloned().flatten();
            assert!(
                found == before || found == after,
                "{place}: {key} is {}, was {}, was perhaps to be {}",
                shown(&found),
                shown(&before),
                shown(&after)
            );
            self.acknowledged.insert(key, found);
        }
        for (key, value) in &self.acknowledged {
            let found = client.get(key);
            assert!(found == *value, "{place}: {key} is {}, not {}", shown(&found), shown(value));
        }
    }
}

fn shown(value: &Value) -> String {
    let Some(value) = value else { return "absent".into() };
    format!("\"{}\" of {} bytes", value[..value.len().min(40)].escape_ascii(), value.len())
}
