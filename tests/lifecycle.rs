//! How kumo-server starts, ends, and says why it does not start.

#[path = "lifecycle/bad_plugins.rs"]
mod bad_plugins;
mod common;
#[path = "lifecycle/restart.rs"]
mod restart;
#[path = "lifecycle/stopping.rs"]
mod stopping;

use common::{Client, Engine, Process, Setup, engines::on_every_engine, temp_dir};
use std::{
    fs,
    net::TcpListener,
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

on_every_engine!(ends_in_order, drains, a_second_server_is_refused);

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
