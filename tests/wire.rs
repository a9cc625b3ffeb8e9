//! memcached's text protocol, to the byte: the table under wire/ is played
//! against kumo-server with each engine, and against memcached, from which its
//! answers were taken.

mod common;
#[path = "wire/play.rs"]
mod play;
#[path = "wire/stats.rs"]
mod stats;
#[path = "wire/table.rs"]
mod table;

use common::{Engine, Memcached, Setup, engines::on_every_engine, skip::skip};
use play::{Against, play};
use std::{fs, path::Path};
use table::Section;

/// All of the table.
fn sections() -> Vec<Section> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire");
    let mut files: Vec<_> = fs::read_dir(dir)
        .expect("the table")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    let mut sections = Vec::new();
    for file in files {
        let name = format!("tests/wire/{}", file.file_name().expect("a name").to_string_lossy());
        sections.extend(table::parse(&name, &fs::read_to_string(file).expect("text")));
    }
    sections
}

fn wire(engine: Engine) {
    let mut server = Setup::new(engine).start();
    play(&sections(), Against { name: "kumo", port: server.port, byte_by_byte: false });
    server.assert_well();
    server.stop();
}

on_every_engine!(wire);

/// What the engine of the tutorial does otherwise, and why: sections of the
/// table.
const NOT_WITH_FS_ENGINE: [(&str, &str); 3] = [
    (
        "a flush of what was stored before a time that has passed",
        "the interface knows a flush now and one to come; one that is due takes everything",
    ),
    ("append beyond the limit", "the limit on items (-I) is the server's: no engine is told of it"),
    ("append beyond the limit, with flags", "as above"),
];

/// The engine of memcached's interface.
#[test]
fn fs_engine() {
    if Engine::Files.choice().is_none() {
        skip!("there is no C compiler");
    }
    let mut sections = sections();
    for (name, why) in NOT_WITH_FS_ENGINE {
        let before = sections.len();
        sections.retain(|section| section.name != name);
        assert_eq!(sections.len(), before - 1, "{name} ({why})");
    }
    let mut server = Setup::new(Engine::Files).start();
    play(&sections, Against { name: "kumo", port: server.port, byte_by_byte: false });
    server.assert_well();
    server.stop();
}

#[test]
fn wire_byte_by_byte() {
    let mut server = Setup::new(Engine::BuiltIn).start();
    play(&sections(), Against { name: "kumo", port: server.port, byte_by_byte: true });
    server.assert_well();
    server.stop();
}

#[test]
fn memcached_agrees() {
    let Some(memcached) = Memcached::start() else { skip!("there is no memcached") };
    // The table knows the answers of one old version and of one new one.
    let name = match memcached.version.as_str() {
        version @ ("1.6.18" | "1.6.45") => format!("memcached-{version}"),
        other => skip!("memcached {other}; the table has the answers of 1.6.18 and 1.6.45"),
    };
    for byte_by_byte in [false, true] {
        play(&sections(), Against { name: &name, port: memcached.port, byte_by_byte });
    }
}

#[test]
fn the_table_is_large_enough() {
    let exchanges: usize = sections().iter().map(|section| section.exchanges.len()).sum();
    assert!(exchanges >= 250, "{exchanges} exchanges; has a file been lost?");
}
