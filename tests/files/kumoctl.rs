//! `kumoctl files`, which needs no file server.

use crate::{
    backend::{Backend, bytes, on_every_backend},
    common::{FileServer, eventually, kumoctl::Kumoctl, temp_dir},
};
use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

on_every_backend!(files_go_there_and_back, an_interrupt_leaves_nothing);

fn kumoctl(dir: &Path, backend: &Backend, arguments: &[&str]) -> Kumoctl {
    let server = format!("127.0.0.1:{}", backend.port());
    let mut all = arguments.to_vec();
    all.extend(["--server", &server]);
    Kumoctl::run_in(dir, "files", &all)
}

fn files_go_there_and_back(backend: Backend) {
    let dir = temp_dir();
    let run = |arguments: &[&str]| kumoctl(dir.path(), &backend, arguments);
    let data = bytes(3_000_000);
    fs::write(dir.path().join("a.png"), &data).expect("a file");
    run(&["put", "a.png"]).ok();
    run(&["put", "a.png", "--name", "dir/b", "--new", "--chunk", "1024"]).ok();
    run(&["put", "a.png", "--new"]).refused(&["a.png", "already exists"]);
    run(&["put", "none"]).refused(&["none", "No such file"]);
    run(&["put", "."]).refused(&["has no name"]);

    run(&["get", "a.png"]).refused(&["is there already", "--force"]);
    run(&["get", "a.png", "dir/b", "--force"]).ok();
    run(&["get", "a.png", "-o", "c"]).ok();
    for name in ["a.png", "b", "c"] {
        assert!(fs::read(dir.path().join(name)).expect(name) == data, "{name}");
    }
    run(&["get", "other"]).refused(&["other", "not found"]);
    assert!(!dir.path().join("other").exists());
    assert_eq!(fs::read_dir(dir.path()).expect("it").count(), 3, "nothing else is left");

    // They are the file server's.
    let files = FileServer::start(backend.port(), &[]);
    let read = files.ask("GET", "/file/a.png", &[], b"");
    assert_eq!(read.header("content-type"), Some("image/png"));
    assert!(read.body == data);

    let listed = run(&["ls"]);
    if let Backend::Kumo(_) = backend {
        listed.refused(&["cannot list its keys"]);
    } else {
        let table = listed.ok();
        assert!(table.contains("a.png") && table.contains("dir/b"), "{table}");
        let json: serde_json::Value =
            serde_json::from_str(&run(&["ls", "dir/", "--json"]).ok()).expect("JSON");
        assert_eq!(json["files"][0]["name"], "dir/b");
        assert_eq!(json["files"][0]["size"], 3_000_000);
    }
    run(&["rm", "a.png", "other"]).refused(&["other: file not found", "1 of 2"]);
    run(&["rm", "dir/b"]).ok();
    backend.comes_to(0, 2);
}

fn an_interrupt_leaves_nothing(backend: Backend) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kumoctl"));
    command.args(["files", "put", "-", "--name", "half", "--chunk", "1024", "--server"]);
    command.arg(format!("127.0.0.1:{}", backend.port()));
    let mut child = command.stdin(Stdio::piped()).spawn().expect("kumoctl");
    // More would come: the pipe stays open.
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(&bytes(1_000_000)).expect("it reads");
    eventually("some chunks", || (backend.items() > 100).then_some(()));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(backend.items(), 0);
    drop(pipe);
}
