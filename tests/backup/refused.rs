//! Backups that are not made: exit code 1, the reason, and nothing left behind.

use super::{fill, target};
use crate::common::{Engine, Server, Setup, engines::on_every_engine, kumoctl::Kumoctl};
use std::{fs, net::TcpListener, thread};

/// The server goes on, and no file is there that was not.
fn nothing_left(setup: &Setup, server: &mut Server, before: &[String]) {
    assert_eq!(setup.files(), before);
    server.assert_well();
}

fn bad_suffixes(engine: Engine) {
    let setup = Setup::new(engine).rpc();
    let mut server = setup.start();
    server.assert_well();
    let before = setup.files();
    let long = "x".repeat(300);
    for suffix in ["", "..", "a.tmp", "a/b", "/tmp/kumo", "../kumo", "a/../b", "a\nb", &long] {
        server.kumoctl(&["backup", suffix]).refused(&["suffix"]);
        nothing_left(&setup, &mut server, &before);
    }
    server.stop();
}

fn an_existing_target(engine: Engine) {
    let setup = Setup::new(engine).rpc();
    let mut server = setup.start();
    server.assert_well();
    server.kumoctl(&["backup", "one"]).ok();
    let backup = fs::read(target(&setup, "one")).expect("the backup");
    assert_eq!(server.client().set("more", "x"), "STORED");
    let before = setup.files();
    server.kumoctl(&["backup", "one"]).refused(&["kumo.db-one", "exist"]);
    nothing_left(&setup, &mut server, &before);
    assert!(fs::read(target(&setup, "one")).expect("the backup") == backup, "it was changed");

    // Anything else of that name is left alone as well.
    fs::create_dir(target(&setup, "dir")).expect("a directory");
    std::os::unix::fs::symlink("nowhere", target(&setup, "link")).expect("a link");
    let before = setup.files();
    for suffix in ["dir", "link"] {
        server.kumoctl(&["backup", suffix]).refused(&["exist"]);
        nothing_left(&setup, &mut server, &before);
    }
    server.stop();
}

/// Two at once: one of them is told so, or both are made, one after the other.
fn two_at_once(engine: Engine) {
    let setup = Setup::new(engine).rpc();
    let mut server = setup.start();
    fill(&server, 10_000, 200);
    let codes: Vec<_> = thread::scope(|scope| {
        let server = &server;
        let same = || scope.spawn(|| server.kumoctl(&["backup", "same"]).code);
        let threads = [same(), same(), same()];
        threads.map(|thread| thread.join().expect("kumoctl")).to_vec()
    });
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{codes:?}");
    let copies: Vec<_> = setup.files().into_iter().filter(|name| name.contains('-')).collect();
    assert_eq!(copies, ["kumo.db-same"]);
    server.assert_well();
    server.stop();
    let copy = Setup::new(engine).on(target(&setup, "same")).start();
    assert!(copy.client().get("fill9999").is_some());
    copy.stop();
}

/// No file may be larger than a part of the database: the disk is full, as
/// far as the server can see.
fn a_full_disk(engine: Engine) {
    let full = "ulimit -f 1024";
    let (setup, mut server) = if engine.persists() {
        let setup = Setup::new(engine).rpc();
        let server = setup.start();
        fill(&server, 3000, 1000);
        server.stop();
        let setup = setup.before(full);
        let server = setup.start();
        (setup, server)
    } else {
        let setup = Setup::new(engine).rpc().before(full);
        let server = setup.start();
        fill(&server, 3000, 1000);
        (setup, server)
    };
    let before = setup.files();
    server.kumoctl(&["backup", "full"]).refused(&["kumo.db-full"]);
    assert_eq!(setup.files(), before);
    // It still answers, and reads.
    assert!(server.process.is_running());
    let mut client = server.client();
    for key in [0, 1500, 2999] {
        assert!(client.get(&format!("fill{key}")).is_some(), "fill{key}");
    }
    // A write that there is no room for fails, and says so.
    if engine.persists() {
        // A few may still find room within the file.
        let mut set = |n: usize| (n, client.set(&format!("more{n}"), vec![b'x'; 100_000]));
        let refused = (0..40).map(&mut set).find(|(_, answer)| answer != "STORED");
        let (n, answer) = refused.expect("40 writes of 100 kB fit into a full disk");
        assert!(answer.starts_with("SERVER_ERROR "), "{answer}");
        assert_eq!(client.get(&format!("more{n}")), None);
        assert!(client.get("fill2").is_some());
    }
    assert!(!server.process.stderr().contains("panic"), "{}", server.process.stderr());
}

on_every_engine!(bad_suffixes, an_existing_target, two_at_once, a_full_disk);

#[test]
fn a_directory_that_cannot_be_written_to() {
    // Root may write anywhere but into a directory that is gone.
    let setup = Setup::new(Engine::BuiltIn).rpc();
    let moved = setup.dir().join("moved");
    fs::create_dir(setup.dir().join("data")).expect("a directory");
    let setup = {
        let database = setup.dir().join("data/kumo.db");
        setup.on(database)
    };
    let mut server = setup.start();
    server.assert_well();
    fs::rename(setup.dir().join("data"), &moved).expect("a rename");
    server.kumoctl(&["backup", "x"]).refused(&["kumo.db-x"]);
    server.assert_well();
    assert_eq!(fs::read_dir(moved).expect("the directory").count(), 1);
    server.stop();
}

#[test]
fn no_server() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    drop(listener);
    Kumoctl::run(&address, &["backup", "x"]).refused(&[&address, "refused"]);
}

#[test]
fn somebody_else_answers() {
    // A server that closes at once, and one that talks nonsense.
    for answer in [&b""[..], b"HTTP/1.0 400 Bad Request\r\n\r\n", b"\x94\x01\xff\xff\xff\xff"] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("kumoctl");
            let mut request = [0; 1000];
            let _ = std::io::Read::read(&mut stream, &mut request);
            let _ = std::io::Write::write_all(&mut stream, answer);
        });
        Kumoctl::run(&address, &["backup", "x"]).refused(&[&address]);
        server.join().expect("the server");
    }
}

#[test]
fn the_server_dies_in_the_midst_of_it() {
    let setup = Setup::new(Engine::BuiltIn).rpc();
    let server = setup.start();
    fill(&server, 30_000, 300);
    let rpc = format!("127.0.0.1:{}", server.rpc.expect("the RPC"));
    let ran = thread::scope(|scope| {
        let kumoctl = scope.spawn(|| Kumoctl::run(&rpc, &["backup", "x"]));
        let copying = || setup.files().iter().any(|name| name.starts_with("kumo.db-"));
        crate::common::eventually("a file of the backup", || copying().then_some(()));
        server.process.kill();
        kumoctl.join().expect("kumoctl")
    });
    if ran.code != Some(0) {
        ran.refused(&[&rpc]);
    }
    // What is left of it does not stand in the way of the next one.
    let mut server = setup.start();
    server.assert_well();
    server.kumoctl(&["backup", "y"]).ok();
    server.kumoctl(&["backup", "x"]);
    assert!(target(&setup, "x").exists());
    server.stop();
    let copy = Setup::new(Engine::BuiltIn).on(target(&setup, "x")).start();
    assert!(copy.client().get("fill29999").is_some());
    copy.stop();
}

#[test]
fn wrong_arguments() {
    for arguments in [&[][..], &["bakup"], &["backup", "a", "b"]] {
        let ran = Kumoctl::run("127.0.0.1:1", arguments);
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
}
