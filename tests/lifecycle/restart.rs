//! What is there when the server comes back.

use crate::common::{Engine, Setup, engines::on_every_engine};

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

on_every_engine!(everything_is_there_after_a_restart);

#[test]
fn the_item_size_is_the_limit() {
    let large = vec![b'x'; 1_500_000];
    let setup = Setup::new(Engine::BuiltIn).arguments(["-I", "2m"]);
    let server = setup.start();
    assert_eq!(server.client().set("k", &large), "STORED");
    assert!(server.client().get("k") == Some(large));
    server.stop();

    // What was stored under another limit can still be read.
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
    for engine in [Engine::TchdbLike, Engine::TchdbLikeByName, Engine::BuiltIn] {
        let server = Setup::new(engine).on(first.database()).start();
        assert_eq!(server.client().get("k"), Some(b"v".to_vec()), "{engine:?}");
        server.stop();
    }
}
