//! What docs/files.md shows is true.

use crate::{
    backend::{Backend, bytes},
    common::{FileServer, skip::skip, temp_dir},
};
use std::{env, fs, path::Path, process::Command};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/files.md");
    fs::read_to_string(path).expect("docs/files.md")
}

/// The blocks of a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    let block = |rest: &str| Some(rest.split_once("```")?.0.to_owned());
    page.split(&begin).skip(1).filter_map(block).collect()
}

#[test]
fn the_sessions_go_as_they_are_written() {
    if Command::new("curl").arg("--version").output().is_err() {
        skip!("no curl: apt-get install curl");
    }
    let page = page();
    // What the tests' own ways of starting stand for.
    let started = "kumo-server -s kumo.db &\nkumo-fileserver 127.0.0.1:11211 --max-size 10g &\n";
    assert_eq!(blocks(&page, "sh"), [started]);
    let backend = Backend::kumo();
    let files = FileServer::start(backend.port(), &["--max-size", "10g"]);
    let (memcached, http) = (backend.port().to_string(), files.port.to_string());

    let kumoctl = Path::new(env!("CARGO_BIN_EXE_kumoctl")).parent().expect("a directory");
    let path = format!("{}:{}", kumoctl.display(), env::var("PATH").unwrap_or_default());
    let dir = temp_dir();
    let mut steps = 0;
    for block in blocks(&page, "console") {
        for step in block.split("$ ").skip(1) {
            let (line, expected) = step.split_once('\n').expect("a line");
            let command = line.replace(":8080/", &format!(":{http}/"));
            // The default is not to be relied on here.
            let server = format!("kumoctl files --server 127.0.0.1:{memcached}");
            let command = command.replace("kumoctl files", &server);
            let mut bash = Command::new("bash");
            bash.args(["-o", "pipefail", "-c", &command])
                .current_dir(dir.path())
                .env("PATH", &path);
            let output = bash.output().expect("bash");
            // curl -s says nothing of a body without a line's end.
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(said.trim_end(), expected.trim_end(), "{line}: {output:?}");
            assert!(output.status.success(), "{line}: {output:?}");
            steps += 1;
        }
    }
    assert_eq!(steps, page.matches("\n$ ").count());
    files.stop();
}

#[test]
fn the_format_is_as_it_is_described() {
    let backend = Backend::kumo();
    let files = FileServer::start(backend.port(), &["--chunk", "1k"]);
    let data = bytes(1500);
    let answer = files.ask("PUT", "/file/hello", &[("content-type", "image/png")], &data);
    let version = answer.header("etag").expect("a tag").trim_matches('"').to_owned();
    let mut client = backend.client();
    // echo -n hello | md5sum
    let key = "filestore:5d41402abc4b2a76b9719d911017c592";
    let metadata = client.get(key).expect("the metadata");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata).expect("JSON");
    let shown: serde_json::Value = serde_json::from_str(&blocks(&page(), "json")[0]).expect("JSON");
    let fields = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(fields(&metadata), fields(&shown));
    assert_eq!((&metadata["size"], &metadata["chunk"]), (&1500.into(), &1024.into()));
    assert_eq!(metadata["version"], version);

    let chunk = client.get(&format!("{key}:{version}:1")).expect("a chunk");
    assert_eq!(chunk[..8], [b'K', b'F', b'C', b'1', 0, 0, 1, 220]);
    assert_eq!(chunk[16..], data[1024..]);
    files.stop();
}

#[test]
fn every_option_and_route_is_in_the_page() {
    let page = page();
    let help = FileServer::command().arg("--help").output().expect("it runs").stdout;
    let help = String::from_utf8_lossy(&help).into_owned();
    for line in help.lines().map(str::trim).filter(|line| line.starts_with("--")) {
        let option = line.split(' ').next().unwrap_or_default();
        if matches!(option, "--listen" | "--help") {
            continue; // the help says all there is
        }
        assert!(page.contains(option), "{option} is not in docs/files.md");
    }
    for route in
        ["POST /file", "PUT /file", "GET /file", "HEAD /file", "DELETE /file", "GET /files"]
    {
        assert!(page.contains(&format!("`{route}")), "{route}");
    }
}
