//! Plugins with something wrong about them: the server says what.

use crate::common::{Client, Setup, plugins, skip::skip, temp_dir};
use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
};

/// It does not start, and says these words.
fn refused(library: &Path, words: &[&str]) {
    let (status, said) = Setup::with_storage(library).fails();
    assert_eq!(status.code(), Some(1), "{}: {said}", library.display());
    for word in words {
        assert!(said.contains(word), "{}: no {word:?} in {said}", library.display());
    }
    assert!(!said.contains("panic"), "{said}");
}

#[test]
fn what_cannot_be_loaded() {
    let dir = temp_dir();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    // The linker's own words tell what the matter is.
    refused(&file("libtext.so", &"not a library\n".repeat(100)), &["libtext.so", "ELF"]);
    refused(&file("libempty.so", ""), &["libempty.so", "too short"]);
    refused(&dir.path().join("libnothing.so"), &["libnothing.so", "No such file"]);
    refused(dir.path(), &["not a file"]);
    refused(Path::new("libnothing.so"), &["libnothing.so", "KUMO_PLUGIN_PATH"]);
    refused(Path::new("nothing"), &["libnothing.so", "KUMO_PLUGIN_PATH"]);
}

#[test]
fn what_is_wrong_with_a_plugin() {
    let cases: &[(&str, &[&str])] = &[
        ("no_symbol.c", &["libevil_no_symbol.so", "kumo_storage_init", "kumo_plugin_init"]),
        ("null_slot.c", &["libevil_null_slot.so", "del"]),
        ("create_fails.c", &["libevil_create_fails.so", "create"]),
        ("open_fails.c", &["libevil_open_fails.so", "kumo.db", "the moon is in the wrong phase"]),
        ("described_open_fails.c", &["kumo.db", "the disk is made of cheese"]),
        ("init_fails.c", &["libevil_init_fails.so", "this machine has no flux capacitor"]),
        ("short_struct.c", &["libevil_short_struct.so", "struct_size"]),
        ("newer_abi.c", &["libevil_newer_abi.so", "999"]),
        ("bad_thread_model.c", &["libevil_bad_thread_model.so", "77", "thread_model"]),
    ];
    for (source, words) in cases {
        let Some(library) = plugins::evil(source) else { skip!("there is no C compiler") };
        refused(&library, words);
    }
}

#[test]
fn a_library_that_anybody_may_write_to() {
    let Some(memhash) = plugins::memhash() else { skip!("there is no C compiler") };
    let dir = temp_dir();
    let library = dir.path().join("libopen.so");
    fs::copy(memhash, &library).expect("a copy");
    let mode = |mode| {
        fs::set_permissions(&library, fs::Permissions::from_mode(mode)).expect("permissions");
    };
    mode(0o757);
    refused(&library, &["libopen.so", "chmod"]);

    // One that its group may write to is loaded, with a warning.
    mode(0o775);
    let mut server = Setup::with_storage(&library).start();
    server.assert_well();
    let said = server.process.stderr();
    assert!(said.contains("group") && said.contains("libopen.so"), "{said}");
    server.stop();
}

#[test]
fn a_read_that_fails_is_not_a_miss() {
    let Some(library) = plugins::evil("get_fails.c") else { skip!("there is no C compiler") };
    let mut server = Setup::with_storage(library).start();
    let mut client = server.client();
    assert_eq!(client.set("good", "x"), "STORED");
    for command in [
        "get a_bad_key\r\n",
        "gets a_bad_key\r\n",
        "gat 0 a_bad_key\r\n",
        "get good a_bad_key good\r\n",
        "touch a_bad_key 0\r\n",
        "incr a_bad_key 1\r\n",
        "add a_bad_key 0 0 1\r\nx\r\n",
        "replace a_bad_key 0 0 1\r\nx\r\n",
        "append a_bad_key 0 0 1\r\nx\r\n",
        "cas a_bad_key 0 0 1 1\r\nx\r\n",
        "delete a_bad_key\r\n",
    ] {
        let mut client = server.client();
        client.send(command);
        // A get may have begun to answer with the good key.
        let answer = loop {
            match client.line() {
                line if line.starts_with("VALUE") || line == "x" => {}
                line => break line,
            }
        };
        assert!(
            answer.starts_with("SERVER_ERROR ") && answer.contains("the sector is unreadable"),
            "{command:?} is answered with {answer:?}"
        );
        // The connection goes on.
        assert_eq!(client.get("good"), Some(b"x".to_vec()), "after {command:?}");
    }
    assert_eq!(client.get("good"), Some(b"x".to_vec()));
    assert_eq!(client.get("missing"), None);
    server.assert_well();
    server.stop();
}

#[test]
fn a_write_that_fails_says_so() {
    let Some(library) = plugins::evil("set_fails.c") else { skip!("there is no C compiler") };
    // It may not even come up, for the host has a record of its own to write;
    // if it does, every write fails.
    let setup = Setup::with_storage(library);
    let (mut process, ports) = setup.spawn();
    if let Some(status) = process.ends_or_writes(&ports) {
        let said = process.stderr();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.contains("no space left"), "{said}");
        return;
    }
    let port = process.port(&ports, "TCP");
    let mut client = Client::connect(port);
    for command in ["set a 0 0 1\r\nx\r\n", "add a 0 0 1\r\nx\r\n"] {
        let answer = client.ask(command);
        assert!(
            answer.starts_with("SERVER_ERROR ") && answer.contains("no space left"),
            "{answer}"
        );
    }
    assert_eq!(client.get("a"), None);
}

#[test]
fn an_exception_ends_the_process_with_the_name_of_the_plugin() {
    let Some(library) = plugins::evil("throws.cc") else { skip!("there is no C++ compiler") };
    let setup = Setup::with_storage(library);
    let (mut process, ports) = setup.spawn();
    // The host may have something to read before any client does.
    if process.ends_or_writes(&ports).is_none() {
        let mut client = Client::connect(process.port(&ports, "TCP"));
        let _ = client.try_send("get a\r\n");
    }
    let status = process.wait();
    let said = process.stderr();
    assert!(!status.success() && status.signal() != Some(11), "{status}: {said}");
    assert!(said.contains("libevil_throws.so"), "{status}: {said}");
}

/// A module of old times, whose ways are odd, is served.
#[test]
fn odd_but_not_bad() {
    let Some(library) = plugins::evil("classic_fixed_error.c") else {
        skip!("there is no C compiler")
    };
    let mut server = Setup::with_storage(library).start();
    let mut client = server.client();
    assert_eq!(client.get("a"), None);
    assert_eq!(client.ask("delete a\r\n"), "NOT_FOUND");
    assert_eq!(client.ask("replace a 0 0 1\r\nx\r\n"), "NOT_STORED");
    assert_eq!(client.ask("add a 0 0 1\r\nx\r\n"), "STORED");
    assert_eq!(client.ask("add a 0 0 1\r\nx\r\n"), "NOT_STORED");
    assert_eq!(client.ask("delete a\r\n"), "DELETED");
    server.assert_well();
    server.stop();
}
