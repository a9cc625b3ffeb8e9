//! A file that another process cuts short while it is mapped: what is gone is an
//! error, and everything else goes on.

mod common;

use common::{Engine, Setup, kumoctl::Kumoctl, plugins, skip::skip, temp_dir};
use kumo::host::{Pins, Plugin};
use std::{fs::OpenOptions, path::Path};

const KEYS: usize = 4000;

fn value(key: usize) -> Vec<u8> {
    key.to_string().bytes().cycle().take(2000).collect()
}

fn cut(file: &Path, len: u64) {
    let file = OpenOptions::new().write(true).open(file).expect("the file");
    file.set_len(len).expect("a shorter file");
}

/// How many keys have their values; the others fail, or, if they `may_miss`, are
/// not there.
fn count(client: &mut common::Client, may_miss: bool) -> usize {
    let mut there = 0;
    for key in 0..KEYS {
        client.send(format!("get key{key}\r\n"));
        let line = client.line();
        if line.starts_with("VALUE ") {
            assert_eq!(client.exactly(2002)[..2000], value(key));
            assert_eq!(client.line(), "END");
            there += 1;
        } else {
            let is_expected = line.starts_with("SERVER_ERROR ") && line.contains("damaged")
                || may_miss && line == "END";
            assert!(is_expected, "key{key}: {line}");
        }
    }
    there
}

fn a_served_database(sync: &str) {
    let setup = Setup::new(Engine::BuiltIn).arguments(["-e", sync]);
    let mut server = setup.start();
    let mut client = server.client();
    for key in 0..KEYS {
        assert_eq!(client.set(&format!("key{key}"), value(key)), "STORED");
    }
    assert_eq!(count(&mut client, false), KEYS);
    cut(setup.database(), 4 << 20);
    let there = count(&mut client, false);
    assert!((1000..KEYS).contains(&there), "{there} are there");
    // What is there stays, and nothing is promised any more.
    assert_eq!(count(&mut client, false), there);
    for _ in 0..2 {
        let answer = client.set("new", "x");
        assert!(answer.starts_with("SERVER_ERROR") && answer.contains("restart"), "{answer}");
    }
    assert_eq!(client.ask("delete key1\r\n").split(' ').next(), Some("SERVER_ERROR"));
    assert_eq!(server.client().ask("version\r\n").split(' ').next(), Some("VERSION"));
    assert!(server.process.is_running(), "{}", server.process.stderr());
    server.process.signal("TERM");
    server.process.wait();

    // Opened anew, it takes writes again.
    let mut server = setup.start();
    let mut client = server.client();
    let now = count(&mut client, true);
    assert!(now >= there, "{now} of {there}");
    assert_eq!(client.set("new", "x"), "STORED");
    server.assert_well();
    server.stop();
}

#[test]
fn with_sync_none() {
    a_served_database("sync=none");
}

#[test]
fn with_sync_interval() {
    a_served_database("sync=interval:20");
}

#[test]
fn a_dump_of_it_fails_and_is_not_short() {
    let setup = Setup::new(Engine::BuiltIn).rpc();
    let server = setup.start();
    let mut client = server.client();
    for key in 0..KEYS {
        assert_eq!(client.set(&format!("key{key}"), value(key)), "STORED");
    }
    cut(setup.database(), 4 << 20);
    server.kumoctl(&["backup", "b"]).refused(&["no backup"]);
    let done = server.kumoctl(&["verify"]);
    assert_eq!(done.code, Some(1), "{done:#?}");
    server.kumoctl(&["sync"]).refused(&["cut short", "repair"]);
    server.process.kill();
    // What is whole can be salvaged.
    let new = setup.dir().join("new.db");
    let [from, to] = [setup.database(), &new].map(|path| path.to_str().expect("a path of text"));
    Kumoctl::run("repair", &[from, to]).ok();
    let server = Setup::new(Engine::BuiltIn).on(&new).start();
    assert!(count(&mut server.client(), true) >= 1000);
    server.stop();
}

#[test]
fn a_plugin_in_c_registers_its_mapping() {
    let Some(library) = plugins::mapped() else { skip!("there is no C compiler") };
    let plugin = Plugin::load(library.to_str().expect("a path of text")).expect("the plugin");
    let dir = temp_dir();
    let open = |name: &str| {
        let path = dir.path().join(name);
        (plugin.open(path.as_os_str()).expect("a database"), path)
    };
    let ((one, path), (other, _)) = (open("one"), open("other"));
    let keys = ["0", "3", "7"];
    for key in keys {
        one.set(key.as_bytes(), b"1").expect("set");
        other.set(key.as_bytes(), b"2").expect("set");
    }
    // The first three pages, or whatever of them: pages may be larger.
    cut(&path, path.metadata().expect("the file").len() / 8 * 3);
    let pins = Pins::new();
    assert_eq!(one.get(b"0", &pins).expect("what is there"), Some(&b"1"[..]));
    one.set(b"1", b"x").expect("what is there");
    for key in ["3", "7"] {
        let failure = one.get(key.as_bytes(), &pins).expect_err("what is gone");
        assert_eq!(failure.text, "the page cannot be read");
    }
    let failure = one.set(b"7", b"x").expect_err("what is gone");
    assert_eq!(failure.text, "it may not reach the file");
    // The other one knows nothing of it.
    let pins = Pins::new();
    for key in keys {
        assert_eq!(other.get(key.as_bytes(), &pins).expect("whole"), Some(&b"2"[..]));
        other.set(key.as_bytes(), b"3").expect("whole");
    }
}

/// Every other SIGBUS ends the process, as ever.
#[test]
fn a_signal_that_is_not_the_mappings_ends_the_server() {
    use std::os::unix::process::ExitStatusExt;
    let setup = Setup::new(Engine::BuiltIn);
    let mut server = setup.start();
    assert_eq!(server.client().set("key", "x"), "STORED");
    server.process.signal("BUS");
    assert_eq!(server.process.wait().signal(), Some(7));
    let server = setup.start();
    assert_eq!(server.client().get("key"), Some(b"x".to_vec()));
    server.stop();
}
