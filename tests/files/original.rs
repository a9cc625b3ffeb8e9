//! The three routes of the original, and the files that it stored.

use crate::{
    backend::{Backend, bytes, on_every_backend},
    common::{Engine, FileServer, Setup},
};

on_every_backend!(
    the_three_routes,
    files_of_many_sizes,
    a_file_that_the_original_stored,
    a_file_that_is_too_large,
    a_file_that_lost_a_chunk,
);

fn the_three_routes(backend: Backend) {
    let files = FileServer::start(backend.port(), &[]);
    let stored = files.ask("POST", "/file/a%20name.txt", &[], b"hello");
    stored.is_empty(200);
    files.ask("POST", "/file/a%20name.txt", &[], b"other").is_error(409, "File already exists");

    let read = files.ask("GET", "/file/a%20name.txt", &[], b"");
    assert_eq!((read.status, read.text()), (200, "hello"));
    assert_eq!(read.header("content-type"), Some("application/octet-stream"));
    assert_eq!(read.header("etag"), stored.header("etag"));

    files.ask("DELETE", "/file/a%20name.txt", &[], b"").is_empty(200);
    files.ask("DELETE", "/file/a%20name.txt", &[], b"").is_error(404, "File not found");
    files.ask("GET", "/file/a%20name.txt", &[], b"").is_error(404, "File not found");
    backend.comes_to(0, 1);
    files.stop();
}

fn files_of_many_sizes(backend: Backend) {
    const CHUNK: usize = (1 << 20) - 256;
    let files = FileServer::start(backend.port(), &[]);
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 9 * CHUNK + 5, 50 << 20] {
        let (path, data) = (format!("/file/{size}"), bytes(size));
        files.ask("POST", &path, &[], &data).is_empty(200);
        let read = files.ask("GET", &path, &[], b"");
        assert_eq!((read.status, read.cut_off), (200, false));
        assert!(read.body == data, "{size} bytes are not the same");
        // memcached has 64 MiB, unless told otherwise.
        files.ask("DELETE", &path, &[], b"").is_empty(200);
    }
    backend.comes_to(0, 7);
    files.stop();
}

fn a_file_that_the_original_stored(backend: Backend) {
    let files = FileServer::start(backend.port(), &[]);
    let mut client = backend.client();
    let data = bytes(1_048_470 * 2 + 77);
    // echo -n hello | md5sum
    let key = "filestore:5d41402abc4b2a76b9719d911017c592";
    assert_eq!(client.set(key, "3"), "STORED");
    for (n, chunk) in data.chunks(1_048_470).enumerate() {
        assert_eq!(client.set(&format!("{key}::{n}"), chunk), "STORED");
    }
    let read = files.ask("GET", "/file/hello", &[], b"");
    assert_eq!(read.status, 200);
    assert!(read.body == data);
    assert_eq!(read.header("content-type"), Some("application/octet-stream"));
    files.ask("POST", "/file/hello", &[], b"x").is_error(409, "File already exists");
    let head = files.ask("HEAD", "/file/hello", &[], b"");
    assert_eq!(head.header("content-length"), Some("2097017"));
    let part = files.ask("GET", "/file/hello", &[("range", "bytes=1048460-1048479")], b"");
    assert_eq!((part.status, &part.body[..]), (206, &data[1_048_460..1_048_480]));

    // It loses a chunk, and its rest is deleted.
    assert_eq!(client.ask(format!("delete {key}::1\r\n")), "DELETED");
    let corrupted = "File is corrupted, try storing it again";
    files.ask("GET", "/file/hello", &[], b"").is_error(500, corrupted);
    files.ask("DELETE", "/file/hello", &[], b"").is_empty(200);
    backend.comes_to(0, 1);

    // It can be replaced too.
    assert_eq!(client.set(key, "1"), "STORED");
    assert_eq!(client.set(&format!("{key}::0"), "old"), "STORED");
    files.ask("PUT", "/file/hello", &[], b"new").is_empty(200);
    assert_eq!(files.ask("GET", "/file/hello", &[], b"").text(), "new");
    backend.comes_to(2, 0);
    files.stop();
}

fn a_file_that_is_too_large(backend: Backend) {
    let files = FileServer::start(backend.port(), &["--chunk", "1k", "--max-size", "10k"]);
    let text = "File is too large: max file size is 10240 bytes";
    files.ask("POST", "/file/large", &[], &bytes(10_241)).is_error(400, text);
    files.ask("PUT", "/file/large", &[], &bytes(5 << 20)).is_error(400, text);

    // One that does not say how long it is.
    let mut http = files.http();
    let head = "POST /file/large HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    http.send(head.as_bytes()).expect("the head");
    for _ in 0..30 {
        http.send(b"400\r\n").and(http.send(&bytes(1024))).and(http.send(b"\r\n")).expect("sent");
    }
    http.send(b"0\r\n\r\n").expect("the end");
    http.answer("POST").is_error(400, text);

    files.ask("POST", "/file/large", &[], &bytes(10_240)).is_empty(200);
    files.ask("GET", "/file/none", &[], b"").is_error(404, "File not found");
    backend.comes_to(11, 0);
    files.stop();
}

fn a_file_that_lost_a_chunk(backend: Backend) {
    let files = FileServer::start(backend.port(), &["--chunk", "1k"]);
    files.ask("POST", "/file/whole", &[], &bytes(100_000)).is_empty(200);
    let mut client = backend.client();
    let head = files.ask("HEAD", "/file/whole", &[], b"");
    let version = head.header("etag").expect("a tag").trim_matches('"').to_owned();
    // In the first window, and far behind it.
    for n in [0, 97] {
        // echo -n whole | md5sum
        let chunk = format!("filestore:356c9ee60e9da05301adc3bd96f6b383:{version}:{n}");
        let value = client.get(&chunk).expect("a chunk");
        for wrong in [None, Some(&b"foreign"[..])] {
            match wrong {
                None => assert_eq!(client.ask(format!("delete {chunk}\r\n")), "DELETED"),
                Some(wrong) => assert_eq!(client.set(&chunk, wrong), "STORED"),
            }
            let read = files.ask("GET", "/file/whole", &[], b"");
            if n == 0 || wrong.is_none() {
                read.is_error(500, "File is corrupted, try storing it again");
            } else {
                // It came to light when the answer was on its way.
                assert!(read.cut_off && read.body.len() < 100_000);
                assert!(bytes(100_000).starts_with(&read.body));
            }
        }
        assert_eq!(client.set(&chunk, value), "STORED");
    }
    assert_eq!(files.ask("GET", "/file/whole", &[], b"").body, bytes(100_000));
    files.stop();
}

#[test]
fn an_item_size_that_is_too_small_is_named_with_its_remedy() {
    let server = Setup::new(Engine::BuiltIn).arguments(["-I", "512k"]).start();
    let files = FileServer::start(server.port, &[]);
    let answer = files.ask("POST", "/file/a", &[], &bytes(600_000));
    assert_eq!(answer.status, 500);
    let text = answer.text();
    assert!(text.contains("--chunk") && text.contains("-I"), "{text}");
    files.ask("GET", "/file/a", &[], b"").is_error(404, "File not found");
    let files = FileServer::start(server.port, &["--chunk", "512000"]);
    files.ask("POST", "/file/a", &[], &bytes(600_000)).is_empty(200);
}
