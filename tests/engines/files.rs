//! The engine of the tutorial: one file a key.

use super::{on, stat};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// `-s` is where the engine works, and what it has stored is there for the next.
#[test]
fn the_working_directory() {
    let setup = on!("fs_engine");
    let server = setup.start();
    assert_eq!(server.client().set("test", "data"), "STORED");
    server.stop();
    let file = fs::read(setup.database().join("test")).expect("the key's file");
    assert!(file.starts_with(b"data"));
    let server = setup.start();
    assert_eq!(server.client().get("test"), Some(b"data".to_vec()));
    assert_eq!(stat(&mut server.client(), "curr_items"), 1);
    server.process.kill();
    assert_eq!(setup.start().client().get("test"), Some(b"data".to_vec()));
}

/// Without `-s` it works where the server was started, or where its
/// configuration says.
#[test]
fn the_configured_directory() {
    let setup = on!("fs_engine").without_store().arguments(["-e", "dir=here"]);
    fs::create_dir(setup.dir().join("here")).expect("a directory");
    let server = setup.start();
    assert_eq!(server.client().set("test", "data"), "STORED");
    assert!(setup.dir().join("here/test").exists());
    server.stop();
}

/// No key leaves the directory, whatever it spells.
#[test]
fn no_key_leaves_the_directory() {
    let setup = on!("fs_engine");
    let server = setup.start();
    let mut client = server.client();
    let long = "x".repeat(250);
    let slashes = "/".repeat(250);
    let keys = [
        "../out",
        "/etc/kumo-test",
        "..",
        ".",
        "a/b/c",
        "a/../../out",
        "\u{1}\u{2}",
        "%2e%2e",
        ".fs_engine",
        ".fs_engine/lock",
        "\u{fc}",
        &long,
        &slashes,
    ];
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(client.set(key, number.to_string()), "STORED", "{key:?}");
    }
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(client.get(key), Some(number.to_string().into_bytes()), "{key:?}");
    }
    assert_eq!(setup.files(), ["kumo.db"]);
    assert!(!Path::new("/etc/kumo-test").exists());
    assert!(files(setup.database()).len() >= keys.len());
    for key in keys {
        assert_eq!(client.ask(format!("delete {key}\r\n")), "DELETED", "{key:?}");
    }
    assert_eq!(stat(&mut client, "curr_items"), 0);
    server.stop();
}

/// Two servers on one directory would spoil each other's counts.
#[test]
fn a_second_server_is_refused() {
    let setup = on!("fs_engine");
    let server = setup.start();
    let (status, said) = setup.fails();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("lock"), "{said}");
    server.stop();
}
