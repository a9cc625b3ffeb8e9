//! docs/memcached-engines.md: its code is compiled and its sessions are played.

use super::{Setup, plugins};
use crate::common::{PATIENCE, skip::skip};
use std::{fs, path::Path, process::Command};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The page's blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/memcached-engines.md"));
    let page = page.expect("the page");
    let fence = format!("```{language}\n");
    let parts = page.split(&fence).skip(1);
    parts.map(|part| part.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// Writes the code of a walk where its server is to run, and does what the page
/// says up to the server's start. None without a C compiler.
fn walk(number: usize) -> Option<Setup> {
    plugins::memhash()?;
    let code = &blocks("c")[number];
    let name = code.trim_start_matches("/* ").split(':').next().expect("a file's name");
    let (compile, serve) = blocks("sh")[number]
        .split_once('\n')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("two commands");
    let library = format!("./{}", name.replace(".c", ".so"));
    assert!(serve.starts_with(&format!("kumo-server -E {library}")), "{serve}");
    let setup = Setup::with_storage(&library);
    fs::write(setup.dir().join(name), code).expect("written");
    // As if the header were installed.
    let compile = compile.replace("$(pkg-config --cflags kumo)", &format!("-I{ROOT}/include"));
    let done = Command::new("sh").args(["-c", &compile]).current_dir(setup.dir()).status();
    assert!(done.expect("sh runs").success(), "{compile}");
    let setup = match serve.trim_end().split_once(" -s ") {
        Some((_, dir)) => {
            let dir = setup.dir().join(dir);
            setup.on(dir)
        }
        None => setup.without_store(),
    };
    Some(setup)
}

#[test]
fn first() {
    let Some(setup) = walk(0) else { skip!("no C compiler") };
    let (status, said) = setup.fails();
    assert_eq!(status.code(), Some(1));
    assert_eq!(said, blocks("text")[0]);
}

#[test]
fn second() {
    let Some(setup) = walk(1) else { skip!("no C compiler") };
    let server = setup.start();
    let mut client = server.client();
    for line in blocks("text")[1].lines() {
        match line.strip_prefix("> ") {
            Some(typed) => client.send(format!("{typed}\r\n")),
            None => assert_eq!(client.line(), line),
        }
    }
    client.closed(PATIENCE).expect("quit closes");
    assert_eq!(fs::read(setup.database().join("test")).expect("a file"), b"test");
    // Neither out of the directory nor over its own files.
    let mut client = server.client();
    assert_eq!(client.set("../out", "x"), "NOT_STORED");
    assert_eq!(client.get("../fs.so"), None);
    server.stop();
}
