//! kumoctl dump and load: records go from any engine to any other, and what was
//! cut off is known.

mod common;

use common::{Engine, Setup, eventually, kumoctl::Kumoctl, plugins, skip::skip, temp_dir};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn kumoctl(arguments: &[&str]) -> Kumoctl {
    Kumoctl::run(arguments[0], &arguments[1..])
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// Stores items of several kinds; what a client is told of them.
fn fill(setup: &Setup, from: usize, to: usize) -> Vec<String> {
    let server = setup.start();
    let mut client = server.client();
    for key in from..to {
        let data = key.to_string().repeat(key % 50);
        let request = format!("set key{key} {key} 0 {}\r\n{data}\r\n", data.len());
        assert_eq!(client.ask(request), "STORED");
    }
    assert_eq!(client.ask("set later 4294967295 1000 1\r\nx\r\n"), "STORED");
    assert_eq!(client.ask("set gone 0 0 1\r\nx\r\n"), "STORED");
    assert_eq!(client.ask("delete gone\r\n"), "DELETED");
    let told = tell(&mut client, from, to);
    server.stop();
    told
}

fn tell(client: &mut common::Client, from: usize, to: usize) -> Vec<String> {
    let keys = (from..to).map(|key| format!("key{key}")).collect::<Vec<_>>();
    let mut told = Vec::new();
    for keys in keys.chunks(50) {
        client.send(format!("gets later gone {}\r\n", keys.join(" ")));
        told.extend(client.lines_to_end());
    }
    told
}

/// What a server says of the items of a database.
fn told(library: Option<&Path>, database: &Path, from: usize, to: usize) -> Vec<String> {
    let setup = match library {
        Some(library) => Setup::with_storage(library),
        None => Setup::new(Engine::BuiltIn),
    };
    let server = setup.on(database).start();
    let told = tell(&mut server.client(), from, to);
    server.stop();
    told
}

fn printed(output: &str, name: &str) -> u64 {
    let line = output.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {name} in {output}"))
}

#[test]
fn a_dump_is_loaded_by_the_same_engine() {
    let setup = Setup::new(Engine::BuiltIn);
    let items = fill(&setup, 0, 300);
    let output = kumoctl(&["dump", text(setup.database())]).ok();
    assert_eq!(printed(&output, "records"), 301);
    let dump = setup.dir().join("kumo.db.dump");
    assert!(output.contains(&format!("path={}\n", dump.display())), "{output}");

    let copy = setup.dir().join("copy.db");
    let load = || kumoctl(&["load", text(&dump), text(&copy)]).ok();
    let output = load();
    assert_eq!((printed(&output, "read"), printed(&output, "stored")), (301, 301));
    assert_eq!(told(None, &copy, 0, 300), items);
    // Once more: all of it is there.
    let output = load();
    assert_eq!((printed(&output, "stored"), printed(&output, "kept")), (0, 301));
    assert_eq!(setup.files(), ["copy.db", "kumo.db", "kumo.db.dump"]);
}

#[test]
fn a_dump_goes_from_engine_to_engine() {
    let (Some(memhash), Some(tokyo)) = (plugins::memhash(), plugins::tokyo_cabinet()) else {
        skip!("{}", plugins::NO_TOKYO_CABINET);
    };
    // In memory: what is dumped is a backup.
    let setup = Setup::with_storage(&memhash).rpc();
    let server = setup.start();
    let mut client = server.client();
    for key in 0..200 {
        assert_eq!(client.set(&format!("key{key}"), "v".repeat(key)), "STORED");
    }
    let items = tell(&mut client, 0, 200);
    server.kumoctl(&["backup", "b"]).ok();
    server.stop();
    let dir = setup.dir();
    let file = |name: &str| dir.join(name);
    let backup = file("kumo.db-b");
    let memhash = text(&memhash);
    let tchdb_like = plugins::tchdb_like();
    for (n, library) in [&tokyo, &tchdb_like].into_iter().enumerate() {
        let (dump, to) = (file(&format!("dump{n}")), file(&format!("copy{n}")));
        kumoctl(&["dump", text(&backup), "--storage", memhash, "-o", text(&dump)]).ok();
        kumoctl(&["load", text(&dump), text(&to), "--storage", text(library)]).ok();
        assert_eq!(told(Some(library), &to, 0, 200), items);
        // And on from there.
        let (dump, built_in) = (file(&format!("again{n}")), file(&format!("built-in{n}")));
        kumoctl(&["dump", text(&to), "-E", text(library), "-o", text(&dump)]).ok();
        kumoctl(&["load", text(&dump), text(&built_in), "-e", "sync=none"]).ok();
        assert_eq!(told(None, &built_in, 0, 200), items);
    }
    let dump = file("dump0");
    kumoctl(&["load", text(&dump), text(&file("no")), "--storage", memhash])
        .refused(&["keeps its data in memory"]);
}

#[test]
fn a_dump_that_was_cut_off_anywhere_is_loaded_up_to_there() {
    let setup = Setup::new(Engine::BuiltIn);
    fill(&setup, 0, 2);
    let dump = setup.dir().join("dump");
    kumoctl(&["dump", text(setup.database()), "-o", text(&dump)]).ok();
    let bytes = fs::read(&dump).expect("the dump");
    let (part, copy) = (setup.dir().join("part"), setup.dir().join("copy.db"));
    let mut stored = 0;
    for len in 0..bytes.len() {
        fs::write(&part, &bytes[..len]).expect("a part");
        let done = kumoctl(&["load", text(&part), text(&copy)]);
        if done.stdout.is_empty() {
            // Not even its beginning is there.
            assert!(!copy.exists(), "{len}");
        } else {
            stored += printed(&done.stdout, "stored");
        }
        done.refused(&["cut off", &format!("byte {len},")]);
    }
    // The same database each time: every record was stored once.
    assert_eq!(stored, 3);
    let output = kumoctl(&["load", text(&dump), text(&copy)]).ok();
    assert_eq!((printed(&output, "stored"), printed(&output, "kept")), (0, 3));
    assert_eq!(told(None, &copy, 0, 2), told(None, setup.database(), 0, 2));
}

#[test]
fn a_load_that_was_killed_goes_on_where_it_was() {
    let setup = Setup::new(Engine::BuiltIn);
    let server = setup.start();
    let mut client = server.client();
    for key in 0..2000 {
        assert_eq!(client.set(&format!("key{key}"), key.to_string().repeat(500)), "STORED");
    }
    let items = tell(&mut client, 0, 2000);
    server.stop();
    let (dump, copy) = (setup.dir().join("dump"), setup.dir().join("copy.db"));
    kumoctl(&["dump", text(setup.database()), "-o", text(&dump)]).ok();
    let bytes = fs::read(&dump).expect("the dump");

    let mut load = Command::new(env!("CARGO_BIN_EXE_kumoctl"))
        .args(["load", "-", text(&copy)])
        .stdin(Stdio::piped())
        .spawn()
        .expect("kumoctl");
    let mut pipe = load.stdin.take().expect("its stdin");
    pipe.write_all(&bytes[..bytes.len() / 3 * 2]).expect("it reads");
    eventually("a part is stored", || {
        (fs::metadata(&copy).is_ok_and(|file| file.len() > 1 << 20)).then_some(())
    });
    load.kill().expect("SIGKILL");
    load.wait().expect("its end");

    let output = kumoctl(&["load", text(&dump), text(&copy)]).ok();
    let (stored, kept) = (printed(&output, "stored"), printed(&output, "kept"));
    assert_eq!(stored + kept, 2000);
    assert!(stored > 0 && kept > 0, "{output}");
    assert_eq!(told(None, &copy, 0, 2000), items);
}

#[test]
fn newer_records_stay_unless_they_are_to_be_replaced() {
    let setup = Setup::new(Engine::BuiltIn);
    let items = fill(&setup, 0, 10);
    let dump = setup.dir().join("dump");
    kumoctl(&["dump", text(setup.database()), "-o", text(&dump)]).ok();
    let server = setup.start();
    assert_eq!(server.client().set("key3", "newer"), "STORED");
    server.stop();
    let load = |more: &[&str]| {
        let line = [&["load", text(&dump), text(setup.database())], more].concat();
        printed(&kumoctl(&line).ok(), "stored")
    };
    assert_eq!(load(&[]), 0);
    assert_ne!(told(None, setup.database(), 0, 10), items);
    assert_eq!(load(&["--replace"]), 11);
    assert_eq!(told(None, setup.database(), 0, 10), items);
}

#[test]
fn a_dump_through_pipes() {
    let setup = Setup::new(Engine::BuiltIn);
    let items = fill(&setup, 0, 100);
    let copy = setup.dir().join("copy.db");
    let script = format!(
        "set -o pipefail; {kumoctl} dump {from} -o - | {kumoctl} load - {to}",
        kumoctl = env!("CARGO_BIN_EXE_kumoctl"),
        from = setup.database().display(),
        to = copy.display()
    );
    let status = Command::new("bash").args(["-c", &script]).status();
    assert!(status.expect("bash").success());
    assert_eq!(told(None, &copy, 0, 100), items);
}

#[test]
fn what_cannot_be_is_refused_and_leaves_nothing() {
    let dir = temp_dir();
    let file = |name: &str| -> PathBuf { dir.path().join(name) };
    let (none, other) = (file("none"), file("other"));
    kumoctl(&["dump", text(&none)]).refused(&["no database at", text(&none)]);
    assert!(!none.exists());
    fs::write(&other, "something else").expect("a file");
    kumoctl(&["load", text(&other), text(&none)]).refused(&["not a dump"]);
    kumoctl(&["load", text(&file("absent")), text(&none)]).refused(&["cannot open"]);
    assert!(!none.exists());

    let setup = Setup::new(Engine::BuiltIn);
    fill(&setup, 0, 3);
    kumoctl(&["dump", text(setup.database()), "-o", text(&other)]).refused(&["is there already"]);
    assert_eq!(fs::read(&other).expect("the file"), b"something else");
    // One that a dump left behind that was killed is no hindrance.
    let dump = setup.dir().join("dump");
    fs::write(setup.dir().join("dump.tmp"), "half").expect("a file");
    kumoctl(&["dump", text(setup.database()), "-o", text(&dump)]).ok();
    assert_eq!(setup.files(), ["dump", "kumo.db"]);
    // A database that is served.
    let server = setup.start();
    kumoctl(&["dump", text(setup.database()), "-o", text(&none)])
        .refused(&["in use by another process"]);
    server.stop();
    assert!(!none.exists() && setup.files() == ["dump", "kumo.db"]);
}
