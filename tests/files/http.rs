//! What HTTP has beyond the original's routes.

use crate::{
    backend::{Backend, bytes, on_every_backend},
    common::FileServer,
};

on_every_backend!(
    a_put_creates_and_replaces,
    ranges,
    conditions,
    types_are_kept,
    names_may_be_anything,
    a_list_where_there_can_be_one,
);

fn a_put_creates_and_replaces(backend: Backend) {
    let files = FileServer::start(backend.port(), &["--chunk", "1k"]);
    let first = files.ask("PUT", "/file/a", &[], &bytes(5000));
    first.is_empty(201);
    backend.comes_to(1 + 5, 0);
    let second = files.ask("PUT", "/file/a", &[], &bytes(2000));
    second.is_empty(200);
    assert_ne!(first.header("etag"), second.header("etag"));
    backend.comes_to(1 + 2, 0);
    assert_eq!(files.ask("GET", "/file/a", &[], b"").body, bytes(2000));
    files.stop();
}

fn ranges(backend: Backend) {
    let files = FileServer::start(backend.port(), &["--chunk", "1k"]);
    let data = bytes(10_000);
    let tag = files.ask("PUT", "/file/a", &[], &data).header("etag").expect("a tag").to_owned();
    let range = |range: &str| files.ask("GET", "/file/a", &[("range", range)], b"");
    for (asked, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=1000-3999", 1000, 4000),
        ("bytes=9000-", 9000, 10_000),
        ("bytes=-1", 9999, 10_000),
        ("bytes=5-1000000", 5, 10_000),
    ] {
        let answer = range(asked);
        assert_eq!((answer.status, &answer.body[..]), (206, &data[from..to]), "{asked}");
        let named = format!("bytes {from}-{}/10000", to - 1);
        assert_eq!(answer.header("content-range"), Some(&*named));
    }
    let beyond = range("bytes=10000-");
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */10000")));
    assert!(beyond.text().contains("\"error\""));
    assert_eq!(range("bytes=0-1,5-6").status, 200);
    let if_range = |tag: &str| {
        files.ask("GET", "/file/a", &[("range", "bytes=0-1"), ("if-range", tag)], b"").status
    };
    assert_eq!((if_range(&tag), if_range("\"other\"")), (206, 200));
    let head = files.ask("HEAD", "/file/a", &[], b"");
    assert_eq!((head.status, head.header("content-length")), (200, Some("10000")));
    assert_eq!(head.header("accept-ranges"), Some("bytes"));
    assert!(head.header("last-modified").expect("a date").ends_with(" GMT"));
    assert_eq!(files.ask("HEAD", "/file/none", &[], b"").status, 404);
    files.stop();
}

fn conditions(backend: Backend) {
    let files = FileServer::start(backend.port(), &[]);
    let mismatch = "The file is not the version that was asked for";
    files.ask("PUT", "/file/a", &[("if-match", "*")], b"x").is_error(412, mismatch);
    let first = files.ask("PUT", "/file/a", &[("if-none-match", "*")], b"first");
    let old = first.header("etag").expect("a tag");
    files.ask("PUT", "/file/a", &[("if-none-match", "*")], b"x").is_error(412, mismatch);
    let second = files.ask("PUT", "/file/a", &[("if-match", old)], b"second");
    let new = second.header("etag").expect("a tag");
    files.ask("PUT", "/file/a", &[("if-match", old)], b"x").is_error(412, mismatch);
    files.ask("DELETE", "/file/a", &[("if-match", old)], b"").is_error(412, mismatch);
    files.ask("GET", "/file/a", &[("if-match", old)], b"").is_error(412, mismatch);

    for method in ["GET", "HEAD"] {
        let same = files.ask(method, "/file/a", &[("if-none-match", new)], b"");
        assert_eq!((same.status, same.header("etag")), (304, Some(new)));
        let weak = format!("W/{new}, \"x\"");
        assert_eq!(files.ask(method, "/file/a", &[("if-none-match", &weak)], b"").status, 304);
        assert_eq!(files.ask(method, "/file/a", &[("if-none-match", old)], b"").status, 200);
    }
    files.ask("DELETE", "/file/a", &[("if-match", new)], b"").is_empty(200);
    files.stop();
}

fn types_are_kept(backend: Backend) {
    let files = FileServer::start(backend.port(), &[]);
    let kind = |path: &str| {
        let answer = files.ask("GET", path, &[], b"");
        answer.header("content-type").expect("a type").to_owned()
    };
    files.ask("PUT", "/file/a", &[("content-type", "image/png")], b"x").is_empty(201);
    assert_eq!(kind("/file/a"), "image/png");
    files.ask("POST", "/file/b", &[("content-type", "text/html; charset=utf-8")], b"x");
    assert_eq!(kind("/file/b"), "text/html; charset=utf-8");
    // What curl --data-binary says of anything.
    let form = ("content-type", "application/x-www-form-urlencoded");
    files.ask("POST", "/file/c", &[form], b"x").is_empty(200);
    assert_eq!(kind("/file/c"), "application/octet-stream");
    // A page that somebody stored gets no rights.
    let page = files.ask("GET", "/file/b", &[], b"");
    assert_eq!(page.header("content-security-policy"), Some("sandbox"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    files.stop();
}

fn names_may_be_anything(backend: Backend) {
    let files = FileServer::start(backend.port(), &[]);
    for name in ["a%2Fb", "..%2F..", "%00%0D%0A", "%C3%A4", "a:b@c&d=e+f", &"x".repeat(4000)] {
        let path = format!("/file/{name}");
        files.ask("POST", &path, &[], name.as_bytes()).is_empty(200);
        assert_eq!(files.ask("GET", &path, &[], b"").text(), name);
    }
    assert_eq!(files.ask("POST", "/file/%FF", &[], b"x").status, 400);
    assert_eq!(files.ask("POST", &format!("/file/{}", "x".repeat(4097)), &[], b"x").status, 400);
    for path in ["/file/", "/file/a/b", "/else"] {
        assert_eq!(files.ask("GET", path, &[], b"").status, 404, "{path}");
    }
    let patch = files.ask("PATCH", "/file/a", &[], b"");
    assert_eq!((patch.status, patch.header("allow")), (405, Some("GET, HEAD, POST, PUT, DELETE")));
    let foreign = files.ask("POST", "/file/a", &[("sec-fetch-site", "cross-site")], b"x");
    assert_eq!(foreign.status, 403);
    files.stop();
}

fn a_list_where_there_can_be_one(backend: Backend) {
    let files = FileServer::start(backend.port(), &["--chunk", "1k"]);
    for name in ["b", "a%2F2", "a%2F1"] {
        files.ask("PUT", &format!("/file/{name}"), &[("content-type", "a/b")], &bytes(3000));
    }
    let all = files.ask("GET", "/files", &[], b"");
    if let Backend::Kumo(_) = backend {
        assert_eq!(all.status, 501);
        let text = all.text();
        assert!(text.contains("cannot list its keys") && text.contains("memcached 1.6"), "{text}");
        return;
    }
    let unnamed = "filestore:00000000000000000000000000000000";
    assert_eq!(backend.client().set(unnamed, "1"), "STORED");
    let names = |path: &str| -> Vec<String> {
        let answer = files.ask("GET", path, &[], b"");
        let listing: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(listing["unnamed"], 1, "{path}: {listing}");
        let files = listing["files"].as_array().expect("files");
        for file in files {
            assert_eq!((&file["size"], &file["type"]), (&3000.into(), &"a/b".into()));
            assert!(file["stored"].as_u64() > Some(1_700_000_000));
        }
        files.iter().filter_map(|file| Some(file["name"].as_str()?.to_owned())).collect()
    };
    // It was answered before there was one without a name.
    assert_eq!(all.status, 200);
    assert_eq!(names("/files"), ["a/1", "a/2", "b"]);
    assert_eq!(names("/files?prefix=a%2F"), ["a/1", "a/2"]);
    assert_eq!(names("/files?prefix=c"), [""; 0]);
    files.stop();
}
