//! kumoctl backup: a point in time, taken while writes go on, that opens as a
//! database; or a reason, and nothing left behind.

mod common;
#[path = "backup/refused.rs"]
mod refused;

use common::{Client, Engine, Server, Setup, engines::on_every_engine};
use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// Where a backup of `setup` goes.
fn target(setup: &Setup, suffix: &str) -> PathBuf {
    let mut path = setup.database().as_os_str().to_owned();
    path.push(format!("-{suffix}"));
    path.into()
}

/// Stores `n` keys with values of `length` bytes, many at once.
fn fill(server: &Server, n: usize, length: usize) {
    let mut client = server.client();
    for chunk in (0..n).collect::<Vec<_>>().chunks(500) {
        let mut request = Vec::new();
        for key in chunk {
            request.extend_from_slice(format!("set fill{key} 3 0 {length}\r\n").as_bytes());
            request.extend_from_slice(&value(*key, length));
            request.extend_from_slice(b"\r\n");
        }
        client.send(request);
        for _ in chunk {
            assert_eq!(client.line(), "STORED");
        }
    }
}

fn value(key: usize, length: usize) -> Vec<u8> {
    key.to_string().bytes().cycle().take(length).collect()
}

/// The number that kumoctl prints as `name=number`.
fn printed(output: &str, name: &str) -> u64 {
    let line = output.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    let number = line.unwrap_or_else(|| panic!("no {name} in {output}"));
    number.parse().unwrap_or_else(|_| panic!("{name}={number}"))
}

/// A backup has everything in it and opens as a database.
fn opens_as_a_database(engine: Engine) {
    let setup = Setup::new(engine).rpc();
    let server = setup.start();
    fill(&server, 3000, 100);
    let mut client = server.client();
    assert_eq!(client.ask("set later 4294967295 1000 1\r\nx\r\n"), "STORED");
    assert_eq!(client.ask("set gone 0 -1 1\r\nx\r\n"), "STORED");
    assert_eq!(client.ask("delete fill7\r\n"), "DELETED");
    assert_eq!(client.set("empty", ""), "STORED");
    client.send("gets later fill1 empty\r\n");
    let originals = client.lines_to_end();

    let output = server.kumoctl(&["backup", "first"]).ok();
    let path = target(&setup, "first");
    assert!(output.contains("suffix=first\n"), "{output}");
    assert!(output.contains(&format!("path={}\n", path.display())), "{output}");
    // Whether what has expired is copied is the engine's affair.
    let records = printed(&output, "records");
    assert!((3001..=3002).contains(&records), "{output}");
    let size = path.metadata().expect("the backup").len();
    assert_eq!(printed(&output, "bytes"), size, "{output}");
    assert!(output.contains("\nseconds="), "{output}");

    // What happens afterwards is not in it.
    assert_eq!(client.set("after", "x"), "STORED");
    assert_eq!(client.ask("flush_all\r\n"), "OK");
    server.stop();

    let server = Setup::new(engine).on(&path).start();
    let mut client = server.client();
    for key in 0..3000 {
        let wanted = (key != 7).then(|| value(key, 100));
        assert!(client.get(&format!("fill{key}")) == wanted, "fill{key}");
    }
    assert_eq!((client.get("after"), client.get("gone")), (None, None));
    // Flags, expiry and cas unique included.
    client.send("gets later fill1 empty\r\n");
    assert_eq!(client.lines_to_end(), originals);
    assert_eq!(client.ask("touch later 0\r\n"), "TOUCHED");
    assert_eq!(client.set("new", "x"), "STORED");
    server.stop();
}

/// Each writer numbers its keys through, over and over: at any one moment, the
/// numbers fall by one somewhere on the way, and nowhere else.
fn is_a_point_in_time(engine: Engine) {
    const WRITERS: usize = 3;
    const KEYS: usize = 40;
    const BACKUPS: usize = 5;
    let setup = Setup::new(engine).rpc();
    let server = setup.start();
    // Something to copy, so that it takes its time.
    fill(&server, 20_000, 200);
    for writer in 0..WRITERS {
        number_through(&mut server.client(), writer, 1, KEYS);
    }
    let done = AtomicBool::new(false);
    let rounds: Vec<(u64, u64)> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (server, done) = (&server, &done);
                scope.spawn(move || {
                    let mut client = server.client();
                    let mut number = 2;
                    while !done.load(Ordering::Relaxed) {
                        number_through(&mut client, writer, number, KEYS);
                        number += 1;
                    }
                    number
                })
            })
            .collect();
        // Whatever happens, they come to an end.
        let backups: Vec<_> = (0..BACKUPS)
            .map(|n| {
                let before = number_of(&server);
                let ran = server.kumoctl(&["backup", &format!("p{n}")]);
                (ran, before, number_of(&server))
            })
            .collect();
        done.store(true, Ordering::Relaxed);
        let written: u64 = writers.into_iter().map(|writer| writer.join().expect("a writer")).sum();
        assert!(written > 3 * WRITERS as u64, "the writers wrote nothing meanwhile");
        backups
            .into_iter()
            .map(|(ran, before, after)| {
                ran.ok();
                (before, after)
            })
            .collect()
    });
    server.stop();
    assert!(rounds.iter().any(|(before, after)| before < after), "writes stood still meanwhile");
    for (n, (before, after)) in rounds.into_iter().enumerate() {
        let server = Setup::new(engine).on(target(&setup, &format!("p{n}"))).start();
        let mut client = server.client();
        for writer in 0..WRITERS {
            let numbers: Vec<u64> = (0..KEYS)
                .map(|key| client.get(&format!("w{writer}k{key}")).expect("a number"))
                .map(|number| String::from_utf8_lossy(&number).parse().expect("a number"))
                .collect();
            let (first, last) = (numbers[0], numbers[KEYS - 1]);
            let falls = numbers.is_sorted_by(|a, b| a >= b);
            assert!(falls && first - last <= 1, "backup {n}, writer {writer}: {numbers:?}");
            if writer == 0 {
                // Taken after kumoctl was started, and before it ended.
                assert!((before..=after).contains(&first), "{first}, not {before}..={after}");
            }
        }
        server.stop();
    }
}

fn number_through(client: &mut Client, writer: usize, number: u64, keys: usize) {
    for key in 0..keys {
        let answer = client.set(&format!("w{writer}k{key}"), number.to_string());
        assert_eq!(answer, "STORED");
    }
}

/// How far the first writer is.
fn number_of(server: &Server) -> u64 {
    let number = server.client().get("w0k0").expect("a number");
    String::from_utf8_lossy(&number).parse().expect("a number")
}

/// Without a suffix it is today's date.
fn is_called_by_the_date(engine: Engine) {
    let setup = Setup::new(engine).rpc();
    let server = setup.start();
    assert_eq!(server.client().set("k", "v"), "STORED");
    let today = || {
        let output = Command::new("date").arg("+%Y%m%d").output().expect("date");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let before = today();
    let output = server.kumoctl(&["backup"]).ok();
    // At midnight it may be either.
    let found = [before, today()].into_iter().find(|day| target(&setup, day).exists());
    let day = found.unwrap_or_else(|| panic!("{output}: {:?}", setup.files()));
    assert!(output.contains(&format!("suffix={day}\n")), "{output}");
    server.stop();
}

/// One after the other, and of a backup.
fn again_and_again(engine: Engine) {
    let setup = Setup::new(engine).rpc();
    let server = setup.start();
    for n in 0..3 {
        assert_eq!(server.client().set(&format!("k{n}"), "v"), "STORED");
        let output = server.kumoctl(&["backup", &n.to_string()]).ok();
        assert_eq!(printed(&output, "records"), n + 1, "{output}");
    }
    assert_eq!(server.kumoctl(&["backup", "x"]).ok().matches("records=3\n").count(), 1);
    server.stop();
    let copy = Setup::new(engine).rpc().on(target(&setup, "1"));
    let server = copy.start();
    let output = server.kumoctl(&["backup", "copy"]).ok();
    assert_eq!(printed(&output, "records"), 2, "{output}");
    server.stop();
}

on_every_engine!(opens_as_a_database, is_a_point_in_time, is_called_by_the_date, again_and_again);

/// Connections to the admin port that say nothing do not keep kumoctl out.
#[test]
fn silent_connections() {
    let setup = Setup::new(Engine::BuiltIn).rpc();
    let server = setup.start();
    let port = server.rpc.expect("the setup asked for it");
    let silent: Vec<_> = (0..20)
        .map(|_| std::net::TcpStream::connect(("127.0.0.1", port)).expect("a connection"))
        .collect();
    server.kumoctl(&["backup", "one"]).ok();
    drop(silent);
    server.stop();
}
