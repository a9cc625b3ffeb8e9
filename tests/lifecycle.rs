//! How kumo-server starts, ends, and says why it does not start.

#[path = "lifecycle/bad_plugins.rs"]
mod bad_plugins;
mod common;

use common::{Client, Engine, Process, Setup, engines::on_every_engine, temp_dir};
use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

/// kumo-server with arguments that make it end by itself.
fn run(arguments: &[&str]) -> Output {
    let dir = temp_dir();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kumo-server"));
    command.current_dir(dir.path()).args(arguments).output().expect("kumo-server")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn without_a_database_the_usage_is_shown() {
    for arguments in [&[][..], &["-p", "0"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = text(&output.stderr);
        for words in ["cargo run --release -- -s kumo.db", "-s"] {
            assert!(said.contains(words), "no {words:?} in {said}");
        }
    }
}

#[test]
fn wrong_arguments_are_usage_errors() {
    for arguments in [
        &["-s", "db", "--no-such-thing"][..],
        &["-s", "db", "-p", "99999"],
        &["-s", "db", "-p", "memcache"],
        &["-s", "db", "-I", "huge"],
        &["-s", "db", "--rpc", "nowhere"],
        &["-s", "db", "-t", "0"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        // What is wrong is shown.
        let wrong = arguments.last().expect("an argument");
        assert!(text(&output.stderr).contains(wrong), "{arguments:?}: {output:?}");
    }
}

#[test]
fn version_and_help() {
    let version = run(&["-V"]);
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(text(&version.stdout).trim(), concat!("kumo-server ", env!("CARGO_PKG_VERSION")));
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for option in ["-s", "--storage", "-p", "-l", "-t", "-c", "-I", "--rpc", "-v", "-m"] {
        assert!(text(&help.stdout).contains(option), "no {option} in the help");
    }
}

#[test]
fn the_port_file_is_as_memcached_writes_it() {
    let setup = Setup::new(Engine::BuiltIn);
    let server = setup.start();
    let written = fs::read_to_string(setup.dir().join("ports.0")).expect("the port file");
    assert_eq!(written, format!("TCP INET: {}\n", server.port));
    server.stop();
    // Nothing but the database is left beside it.
    assert!(!setup.dir().join("ports.0.lck").exists());

    let setup = Setup::new(Engine::BuiltIn).rpc();
    let server = setup.start();
    let written = fs::read_to_string(setup.dir().join("ports.0")).expect("the port file");
    let rpc = server.rpc.expect("the RPC's port");
    assert_eq!(written, format!("TCP INET: {}\nRPC INET: {rpc}\n", server.port));
    server.stop();
}

/// Ends with 0, open connections or not, and what was acknowledged is there.
fn ends_in_order(engine: Engine) {
    let setup = Setup::new(engine).rpc();
    for signal in ["TERM", "INT"] {
        let mut server = setup.start();
        let mut idle = server.client();
        assert_eq!(idle.set(&format!("by {signal}").replace(' ', "_"), signal), "STORED");
        let mut waiting = server.client();
        waiting.send("set half 0 0 100\r\nhalf of it");
        let _silent: Vec<Client> = (0..20).map(|_| server.client()).collect();

        server.process.signal(signal);
        let status = server.process.wait();
        let said = server.process.stderr();
        assert_eq!(status.code(), Some(0), "after SIG{signal}: {status}\n{said}");
        idle.closed(common::PATIENCE).unwrap_or_else(|broken| panic!("{broken}"));

        if engine.persists() {
            let server = setup.start();
            let mut client = server.client();
            assert_eq!(client.get(&format!("by_{signal}")), Some(signal.as_bytes().to_vec()));
            assert_eq!(client.get("half"), None);
            server.stop();
        }
    }
}

/// What a server is told to do before it is told to end, it does.
fn drains(engine: Engine) {
    let setup = Setup::new(engine);
    let server = setup.start();
    let mut client = server.client();
    let requests: String = (0..5000).map(|n| format!("set k{n} 0 0 1\r\nx\r\n")).collect();
    client.send(requests);
    // The first answer: all of it, or nearly, has arrived.
    assert_eq!(client.line(), "STORED");
    server.stop();
    let mut answered = 1;
    while let Ok(line) = client.try_line() {
        assert_eq!(line, "STORED");
        answered += 1;
    }
    if engine.persists() {
        let server = setup.start();
        let mut client = server.client();
        for n in 0..answered {
            assert_eq!(client.get(&format!("k{n}")), Some(b"x".to_vec()), "k{n} of {answered}");
        }
        server.stop();
    }
}

/// Flags, expiry, cas unique and flush outlive the server.
fn everything_is_there_after_a_restart(engine: Engine) {
    if !engine.persists() {
        return;
    }
    let setup = Setup::new(engine);
    let server = setup.start();
    let mut client = server.client();
    assert_eq!(client.set("flushed", "x"), "STORED");
    assert_eq!(client.ask("flush_all\r\n"), "OK");
    assert_eq!(client.ask("set flags 4294967295 0 1\r\nx\r\n"), "STORED");
    assert_eq!(client.ask("set later 0 1000 1\r\nx\r\n"), "STORED");
    assert_eq!(client.ask("set never 0 -1 1\r\nx\r\n"), "STORED");
    assert_eq!(client.ask("set number 0 0 2\r\n41\r\n"), "STORED");
    assert_eq!(client.ask("incr number 1\r\n"), "42");
    assert_eq!(client.ask("touch flags 1000\r\n"), "TOUCHED");
    assert_eq!(client.set("deleted", "x"), "STORED");
    assert_eq!(client.ask("delete deleted\r\n"), "DELETED");
    let keys = "gets flushed flags later never number deleted\r\n";
    client.send(keys);
    let before = client.lines_to_end();
    server.stop();

    let server = setup.start();
    let mut client = server.client();
    client.send(keys);
    assert_eq!(client.lines_to_end(), before);
    let [flags, _, later, _, number, _] = &before[..] else { panic!("{before:?}") };
    for (line, start) in [(flags, "VALUE flags 4294967295 1 "), (later, "VALUE later 0 1 ")] {
        assert!(line.starts_with(start), "{line}");
    }
    // The unique is still the one to compare with, and new ones are larger.
    let unique = number.rsplit(' ').next().expect("the unique");
    assert_eq!(client.ask(format!("cas number 0 0 2 {unique}\r\n43\r\n")), "STORED");
    client.send("gets number\r\n");
    let line = client.lines_to_end().swap_remove(0);
    let newer = line.rsplit(' ').next().expect("the unique");
    assert!(newer.parse::<u64>().expect("a number") > unique.parse().expect("a number"));
    server.stop();
}

/// A second server on one database would ruin it.
fn a_second_server_is_refused(engine: Engine) {
    if !engine.persists() {
        return;
    }
    let setup = Setup::new(engine);
    let mut server = setup.start();
    assert_eq!(server.client().set("k", "first"), "STORED");
    for _ in 0..2 {
        let (status, said) = setup.fails();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.contains("kumo.db"), "{said}");
    }
    assert_eq!(server.client().get("k"), Some(b"first".to_vec()));
    server.assert_well();
    server.stop();
    // Who has gone is not in the way, even if it was killed.
    setup.start().process.kill();
    setup.start().stop();
}

on_every_engine!(
    ends_in_order,
    drains,
    everything_is_there_after_a_restart,
    a_second_server_is_refused
);

#[test]
fn a_database_that_cannot_be_opened() {
    for (path, words) in [
        ("no/such/directory/kumo.db", "No such file or directory"),
        ("/proc/kumo.db", "/proc/kumo.db"),
        (".", "directory"),
    ] {
        let (status, said) = Setup::new(Engine::BuiltIn).on(path).fails();
        assert_eq!(status.code(), Some(1), "{path}: {said}");
        assert!(said.contains(words) && said.contains(path), "{path}: {said}");
    }
}

/// What is no database of ours is neither opened nor changed.
#[test]
fn a_file_that_is_no_database() {
    let setup = Setup::new(Engine::BuiltIn);
    let text = "This is a letter to my mother.\n".repeat(100);
    fs::write(setup.database(), &text).expect("a file");
    let (status, said) = setup.fails();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("kumo.db"), "{said}");
    assert_eq!(fs::read_to_string(setup.database()).expect("the letter"), text);
}

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let dir = temp_dir();
    let rpc = format!("127.0.0.1:{port}");
    for arguments in [["-p", &port, "--rpc", "off"], ["-p", "0", "--rpc", &rpc]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kumo-server"));
        command.arg("-s").arg(dir.path().join("kumo.db")).args(arguments);
        let mut process = Process::start(&mut command, &dir.path().join("stderr"));
        let status = process.wait();
        let said = process.stderr();
        assert_eq!(status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(&port) && said.contains("in use"), "{arguments:?}: {said}");
    }
}

#[test]
fn memory_is_taken_with_a_warning() {
    let setup = Setup::new(Engine::BuiltIn).arguments(["-m", "64"]);
    let mut server = setup.start();
    server.assert_well();
    let said = server.process.stderr();
    assert!(said.contains("-m") && said.to_lowercase().contains("warn"), "{said}");
    server.stop();
}

#[test]
fn verbosely() {
    for arguments in [&["-v"][..], &["-vv"], &["-v", "-v"]] {
        let setup = Setup::new(Engine::BuiltIn).arguments(arguments);
        let mut server = setup.start();
        server.assert_well();
        server.stop();
    }
}

#[test]
fn one_thread_or_many() {
    for threads in ["1", "7"] {
        let setup = Setup::new(Engine::BuiltIn).arguments(["-t", threads]);
        let mut server = setup.start();
        let mut clients: Vec<Client> = (0..20).map(|_| server.client()).collect();
        for (n, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.set(&format!("k{n}"), n.to_string()), "STORED");
        }
        for client in &mut clients {
            assert_eq!(client.get("k7"), Some(b"7".to_vec()));
        }
        server.assert_well();
        server.stop();
    }
}

#[test]
fn the_item_size_is_the_limit() {
    let large = vec![b'x'; 1_500_000];
    let setup = Setup::new(Engine::BuiltIn).arguments(["-I", "2m"]);
    let server = setup.start();
    assert_eq!(server.client().set("k", &large), "STORED");
    assert!(server.client().get("k") == Some(large));
    server.stop();

    // What was stored under another limit can still be read.
    let setup = setup.arguments(["-I", "8k"]);
    let restarted = Setup::new(Engine::BuiltIn).on(setup.database()).arguments(["-I", "8k"]);
    let server = restarted.start();
    let mut client = server.client();
    assert_eq!(client.get("k").map(|value| value.len()), Some(1_500_000));
    assert_eq!(client.set("k", vec![b'x'; 10_000]), "SERVER_ERROR object too large for cache");
    assert_eq!(client.set("k", vec![b'x'; 8000]), "STORED");
    server.stop();
}

/// The database of one way to the engine opens by the others.
#[test]
fn the_built_in_engine_and_its_plugin_are_one() {
    let first = Setup::new(Engine::BuiltIn);
    let server = first.start();
    assert_eq!(server.client().set("k", "v"), "STORED");
    server.stop();
    let path: &Path = first.database();
    for engine in [Engine::TchdbLike, Engine::TchdbLikeByName, Engine::BuiltIn] {
        let server = Setup::new(engine).on(path).start();
        assert_eq!(server.client().get("k"), Some(b"v".to_vec()), "{engine:?}");
        server.stop();
    }
}
