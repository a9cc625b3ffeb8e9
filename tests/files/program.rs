//! The program: its help, its errors, its end.

use crate::{
    backend::Backend,
    common::{FileServer, Process, temp_dir},
};
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let mut command: Command = FileServer::command();
    command.args(arguments).output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn its_help_teaches() {
    let help = String::from_utf8_lossy(&run(&["--help"]).stdout).into_owned();
    for word in ["--chunk", "--max-size", "50m", "127.0.0.1:8080", "POST /file/NAME", "LOG_LEVEL"] {
        assert!(help.contains(word), "no {word} in\n{help}");
    }
}

#[test]
fn its_errors_name_the_remedy() {
    let none = run(&[]);
    assert_eq!(none.status.code(), Some(2));
    assert!(said(&none).contains("HOST:PORT"), "{}", said(&none));
    assert_eq!(run(&["127.0.0.1:1", "--chunk", "1"]).status.code(), Some(2));

    // Nobody listens on port 1.
    let nobody = run(&["127.0.0.1:1", "--listen", "127.0.0.1:0"]);
    assert_eq!(nobody.status.code(), Some(1));
    let text = said(&nobody);
    assert!(text.contains("127.0.0.1:1") && text.contains("kumo-server -s"), "{text}");

    let backend = Backend::kumo();
    let server = format!("127.0.0.1:{}", backend.port());
    let taken = run(&[&server, "--listen", &server]);
    assert_eq!(taken.status.code(), Some(1));
    assert!(said(&taken).contains("--listen"), "{}", said(&taken));
    let mut command = FileServer::command();
    let level = command.arg(&server).env("LOG_LEVEL", "loud").output().expect("it runs");
    assert!(said(&level).contains("LOG_LEVEL=loud"), "{}", said(&level));
}

#[test]
fn what_is_not_a_memcached_is_named() {
    let backend = Backend::kumo();
    let files = FileServer::start(backend.port(), &[]);
    let dir = temp_dir();
    let mut command = FileServer::command();
    command.arg(format!("127.0.0.1:{}", files.port)).args(["--listen", "127.0.0.1:0"]);
    let mut process = Process::start(&mut command, &dir.path().join("stderr"));
    assert_eq!(process.wait().code(), Some(1));
    let text = process.stderr();
    assert!(text.contains("does not speak memcached"), "{text}");
}
