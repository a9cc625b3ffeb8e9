//! What goes wrong: uploads that end early, kills, servers that are gone.

use crate::{
    backend::{Backend, bytes, on_every_backend},
    common::{Engine, FileServer, Process, Setup, eventually, skip::skip},
};
use std::process::Command;

on_every_backend!(an_upload_that_is_cut_off_leaves_nothing, a_stop_cuts_off_and_tidies_up,);

const UPLOAD: u64 = 100 << 20;

/// An upload of which a part has arrived in the store.
fn half_uploaded(backend: &Backend, files: &FileServer, items: usize) -> crate::common::Http {
    let mut http = files.http();
    http.head("PUT", "/file/half", &[], UPLOAD);
    http.send(&bytes(200_000)).expect("sent");
    eventually("some chunks", || (backend.items() > items + 100).then_some(()));
    http
}

fn an_upload_that_is_cut_off_leaves_nothing(backend: Backend) {
    let files = FileServer::start(backend.port(), &["--chunk", "1k", "--max-size", "1g"]);
    files.ask("PUT", "/file/half", &[], b"before").is_empty(201);
    drop(half_uploaded(&backend, &files, 2));
    backend.comes_to(2, 0);
    assert_eq!(files.ask("GET", "/file/half", &[], b"").text(), "before");
    files.stop();
}

fn a_stop_cuts_off_and_tidies_up(backend: Backend) {
    let arguments = ["--chunk", "1k", "--max-size", "1g", "--timeout", "1"];
    let files = FileServer::start(backend.port(), &arguments);
    let http = half_uploaded(&backend, &files, 0);
    files.stop();
    assert_eq!(backend.items(), 0);
    drop(http);
}

/// kumo-server's sweep takes a minute, so memcached alone shows it here.
#[test]
fn what_a_kill_leaves_expires() {
    let Some(backend) = Backend::memcached() else {
        skip!("no memcached: apt-get install memcached");
    };
    let arguments = ["--chunk", "1k", "--max-size", "1g", "--upload-limit", "3"];
    let files = FileServer::start(backend.port(), &arguments);
    files.ask("PUT", "/file/whole", &[], &bytes(5000)).is_empty(201);
    let http = half_uploaded(&backend, &files, 6);
    files.process.kill();
    drop(http);
    backend.comes_to(6, 0);
    // The file that was there has no expiry any more.
    let files = FileServer::start(backend.port(), &arguments);
    assert_eq!(files.ask("GET", "/file/whole", &[], b"").body, bytes(5000));
}

#[test]
fn a_server_that_restarts_is_found_again() {
    let setup = Setup::new(Engine::BuiltIn);
    let server = setup.start();
    let port = server.port;
    let files = FileServer::start(port, &["--timeout", "2"]);
    files.ask("PUT", "/file/a", &[], b"stays").is_empty(201);
    server.process.kill();
    let answer = files.ask("GET", "/file/a", &[], b"");
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains(&format!("127.0.0.1:{port}")), "{}", answer.text());
    let mut command = Command::new(env!("CARGO_BIN_EXE_kumo-server"));
    command.arg("-s").arg(setup.database()).args(["-p", &port.to_string(), "--rpc", "off"]);
    let _again = Process::start(&mut command, &setup.dir().join("stderr.again"));
    let read = eventually("it is found again", || {
        let read = files.ask("GET", "/file/a", &[], b"");
        (read.status == 200).then_some(read)
    });
    assert_eq!(read.text(), "stays");
    files.stop();
}
