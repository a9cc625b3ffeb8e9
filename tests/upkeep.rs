//! kumoctl sync, compact and verify, of a server and of a database without one.

mod common;

use common::{Engine, Setup, eventually, kumoctl::Kumoctl, plugins, skip::skip};
use std::{fs, os::unix::fs::FileExt, path::Path};

const RECORDS: usize = 500;

fn fill(setup: &Setup) {
    let server = setup.start();
    let mut client = server.client();
    for key in 0..RECORDS {
        assert_eq!(client.set(&format!("key{key}"), format!("value {key} ").repeat(20)), "STORED");
    }
    server.stop();
}

/// Changes a byte within the value of some keys; where.
fn damage(database: &Path, keys: &[usize]) -> Vec<u64> {
    let bytes = fs::read(database).expect("the database");
    let file = fs::OpenOptions::new().write(true).open(database).expect("the database");
    let place = |key: &usize| {
        let text = format!("value {key} ").repeat(20);
        let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
        let at = found.expect("the value") as u64 + 50;
        file.write_all_at(b"~", at).expect("a byte");
        at
    };
    keys.iter().map(place).collect()
}

fn verify(database: &Path) -> Kumoctl {
    Kumoctl::run("verify", &[database.to_str().expect("a path of text")])
}

/// The offset that a fault names.
fn offset(line: &str) -> Option<u64> {
    line.split_once(" at offset ")?.1.split([' ', ';']).next()?.parse().ok()
}

/// Whether each place has a fault that names a record before it.
fn names_all(output: &str, places: &[u64]) -> bool {
    let offsets: Vec<u64> = output.lines().filter_map(offset).collect();
    offsets.len() == places.len()
        && places
            .iter()
            .all(|place| offsets.iter().any(|offset| offset < place && place - offset < 300))
}

#[test]
fn a_healthy_database_is_found_so() {
    let setup = Setup::new(Engine::BuiltIn);
    fill(&setup);
    let output = verify(setup.database()).ok();
    // And kumo's own record.
    assert!(output.starts_with(&format!("records={}\nfaults=0\n", RECORDS + 1)), "{output}");
    Kumoctl::run("compact", &[setup.database().to_str().expect("a path")]).ok();
    verify(setup.database()).ok();
}

#[test]
fn damaged_records_are_named_with_their_places() {
    let setup = Setup::new(Engine::BuiltIn);
    fill(&setup);
    let places = damage(setup.database(), &[7, 300, 499]);
    let done = verify(setup.database());
    assert_eq!(done.code, Some(1), "{done:#?}");
    assert!(done.stdout.contains("\nfaults=3\n"), "{done:#?}");
    assert!(names_all(&done.stdout, &places), "{places:?} {done:#?}");
    // It has changed nothing.
    assert_eq!(verify(setup.database()).stdout.lines().count(), done.stdout.lines().count());
    let database = setup.database().to_str().expect("a path");
    Kumoctl::run("dump", &[database]).refused(&["damaged", "kumoctl repair"]);
    assert_eq!(setup.files(), ["kumo.db"]);
}

#[test]
fn a_server_does_them_while_it_serves() {
    let setup = Setup::new(Engine::BuiltIn).rpc();
    fill(&setup);
    let places = damage(setup.database(), &[3, 77]);
    let mut server = setup.start();
    let mut client = server.client();
    let count = |client: &mut common::Client, name: &str| -> u64 {
        client.send("stats storage\r\n");
        let lines = client.lines_to_end();
        let line = lines.iter().find_map(|line| line.strip_prefix(&format!("STAT {name} ")));
        line.and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("no {name}: {lines:?}"))
    };
    let before = count(&mut client, "syncs");
    assert_eq!(client.set("new", "x"), "STORED");
    let output = server.kumoctl(&["sync"]).ok();
    assert!(output.starts_with("seconds="), "{output}");
    assert!(count(&mut client, "syncs") > before);
    server.kumoctl(&["compact"]).ok();
    let done = server.kumoctl(&["verify"]);
    assert_eq!(done.code, Some(1), "{done:#?}");
    assert!(done.stdout.contains("faults=2\n"), "{done:#?}");
    assert!(names_all(&done.stdout, &places), "{places:?} {done:#?}");
    server.assert_well();
    // What is set anew is whole again, once what it replaces has gone.
    assert_eq!(client.set("key3", "x"), "STORED");
    assert_eq!(client.set("key77", "x"), "STORED");
    eventually("no faults are left", || {
        (server.kumoctl(&["verify"]).code == Some(0)).then_some(())
    });
    server.stop();
}

#[test]
fn what_is_whole_of_a_damaged_database_is_salvaged() {
    let setup = Setup::new(Engine::BuiltIn);
    fill(&setup);
    damage(setup.database(), &[11, 12]);
    // And what the file says of itself.
    let file = fs::OpenOptions::new().write(true).open(setup.database()).expect("the database");
    file.write_all_at(&[0xff; 12288], 0).expect("some bytes");
    let damaged = fs::read(setup.database()).expect("the database");
    let new = setup.dir().join("new.db");
    let repair = |library: &Path| {
        let paths = [setup.database(), &new].map(|path| path.to_str().expect("a path of text"));
        let library = library.to_str().expect("a path of text");
        Kumoctl::run("repair", &[paths[0], paths[1], "-E", library])
    };
    let output = repair(Path::new("built-in")).ok();
    assert!(output.contains(&format!("records={}\nlost=2\n", RECORDS - 1)), "{output}");
    assert_eq!(output.lines().filter_map(offset).count(), 2, "{output}");
    assert!(fs::read(setup.database()).expect("the database") == damaged);

    let server = Setup::new(Engine::BuiltIn).on(&new).start();
    let mut client = server.client();
    for key in 0..RECORDS {
        let value = format!("value {key} ").repeat(20).into_bytes();
        let wanted = (key != 11 && key != 12).then_some(value);
        assert_eq!(client.get(&format!("key{key}")), wanted);
    }
    server.stop();
    repair(Path::new("built-in")).refused(&["new.db is there already"]);
    fs::remove_file(&new).expect("the new one");
    if let Some(memhash) = plugins::memhash() {
        repair(&memhash).refused(&["memhash has no operation repair"]);
    }
    assert_eq!(setup.files(), ["kumo.db"]);
}

#[test]
fn what_an_engine_lacks_is_said() {
    let Some(memhash) = plugins::memhash() else { skip!("there is no C compiler") };
    let server = Setup::with_storage(memhash).rpc().start();
    for command in ["sync", "compact", "verify"] {
        server.kumoctl(&[command]).refused(&["memhash has no operation", command]);
    }
    server.stop();
    let Some(files) = plugins::fs_engine() else { skip!("there is no C compiler") };
    let server = Setup::with_storage(files).rpc().without_store().start();
    server.kumoctl(&["verify"]).refused(&["memcached's interface"]);
    server.stop();
    Kumoctl::run("verify", &["/nonexistent/database"]).refused(&["no database at"]);
}
