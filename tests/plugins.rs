//! kumo-server over every plugin that is good: classic and described ones,
//! those of each thread model, the examples, and the old binaries that must
//! load for ever.

mod common;

use common::{Setup, plugins, skip::skip};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The libraries in a directory.
fn libraries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("the directory").map(|entry| entry.expect("an entry"));
    let mut all: Vec<PathBuf> =
        entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "so")).collect();
    all.sort();
    all
}

/// Serves a plugin to several clients at once.
fn serves(library: &Path) {
    println!("{}", library.display());
    let setup = Setup::with_storage(library);
    let mut server = setup.start();
    let mut client = server.client();
    assert_eq!(client.set("counter", "0"), "STORED");
    thread::scope(|scope| {
        for n in 0..8 {
            let mut client = server.client();
            scope.spawn(move || {
                for i in 0..50 {
                    client.ask("incr counter 1\r\n");
                    let (key, value) = (format!("key{n}"), format!("{n} {i}").repeat(i));
                    assert_eq!(client.set(&key, &value), "STORED");
                    assert_eq!(client.get(&key), Some(value.into_bytes()));
                }
            });
        }
    });
    assert_eq!(client.get("counter"), Some(b"400".to_vec()), "{}", library.display());
    client.send(format!("get {}\r\n", (0..40).map(|n| format!("key{n} ")).collect::<String>()));
    assert_eq!(client.lines_to_end().iter().filter(|l| l.starts_with("VALUE")).count(), 8);
    assert_eq!(client.ask("delete key0\r\n"), "DELETED");
    assert_eq!(client.ask("delete key0\r\n"), "NOT_FOUND");
    client.send("stats\r\n");
    assert!(client.lines_to_end().contains(&"STAT curr_items 8".to_owned()));
    client.send("stats storage\r\n");
    client.lines_to_end();
    server.assert_well();
    server.stop();
}

#[test]
fn good_plugins_are_served() {
    let all = libraries(plugins::good());
    assert!(all.len() >= 8, "{all:?}");
    all.iter().for_each(|library| serves(library));
}

#[test]
fn old_plugins_are_served_for_ever() {
    let all = libraries(&Path::new(ROOT).join("tests/old-plugins"));
    assert!(all.len() >= 4, "{all:?}");
    all.iter().for_each(|library| serves(library));
}

#[test]
fn parameters_are_checked_and_listed() {
    let library = plugins::good().join("2-errors.so");
    let setup = Setup::with_storage(&library).arguments(["--storage-opt", "nosuch=1"]);
    let (status, said) = setup.fails();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("nosuch") && said.contains("there are:"), "{said}");

    let setup = Setup::with_storage(plugins::good().join("1-smallest.so"))
        .arguments(["--storage-opt", "a=1"]);
    let (_, said) = setup.fails();
    assert!(said.contains("takes none"), "{said}");
}

#[test]
fn an_engine_in_memory_without_a_backup_says_so() {
    let server = Setup::with_storage(plugins::good().join("1-smallest.so")).rpc().start();
    server.kumoctl(&["backup", "one"]).refused(&["memory"]);
    server.stop();
}

#[test]
fn a_complete_engine_in_c_is_backed_up_and_survives() {
    backed_up_and_survives(&plugins::good().join("4-complete.so"));
}

/// A backup, then a kill: both the database and the copy have everything.
fn backed_up_and_survives(library: &Path) {
    let setup = Setup::with_storage(library).rpc();
    let server = setup.start();
    let mut client = server.client();
    for n in 0..500 {
        assert_eq!(client.set(&format!("key{n}"), format!("value{n}")), "STORED");
    }
    server.kumoctl(&["backup", "one"]).ok();
    server.process.kill();
    let server = setup.start();
    assert_eq!(server.client().get("key499"), Some(b"value499".to_vec()));
    server.stop();
    let mut backup = setup.database().as_os_str().to_owned();
    backup.push("-one");
    let copy = Setup::with_storage(library).on(backup).start();
    assert_eq!(copy.client().get("key0"), Some(b"value0".to_vec()));
    copy.stop();
}

/// plugins/tokyocabinet, where the system has the library.
#[test]
fn tokyo_cabinet_is_served_backed_up_and_survives() {
    let Some(library) = plugins::tokyo_cabinet() else { skip!("{}", plugins::NO_TOKYO_CABINET) };
    serves(&library);
    backed_up_and_survives(&library);
}
