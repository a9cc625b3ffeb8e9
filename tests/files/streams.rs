//! Large files go through, and not into memory; writers of one name.

use crate::{
    backend::{Backend, bytes, on_every_backend},
    common::{FileServer, eventually},
};
use std::thread;

on_every_backend!(writers_of_one_name_do_not_mix, a_reader_never_sees_two_versions);

/// Larger than what the process may grow by.
#[test]
fn a_large_file_is_not_held_in_memory() {
    const SIZE: usize = 256 << 20;
    const PART: usize = 1 << 20;
    let backend = Backend::kumo();
    // A disk that is busy with it may take its time.
    let files = FileServer::start(backend.port(), &["--max-size", "1g", "--timeout", "15"]);
    let part = bytes(PART);
    let mut http = files.http();
    http.head("PUT", "/file/large", &[], SIZE as u64);
    for _ in 0..SIZE / PART {
        http.send(&part).expect("the file server reads on");
    }
    http.answer("PUT").is_empty(201);

    http.head("GET", "/file/large", &[], 0);
    let head = http.answer_head();
    assert_eq!(head.header("content-length"), Some(&*SIZE.to_string()), "{head:?}");
    let mut buffer = vec![0; PART];
    let mut read = 0;
    while read < SIZE {
        let n = http.read(&mut buffer).expect("the body");
        assert!(n > 0, "cut off after {read} bytes");
        let at = read % PART;
        let same = (PART - at).min(n);
        assert!(buffer[..same] == part[at..at + same] && buffer[same..n] == part[..n - same]);
        read += n;
    }
    let (_, most) = files.process.memory();
    println!("{SIZE} bytes through {most} bytes of memory");
    assert!(most < 64 << 20, "{most} bytes");
    files.stop();
}

fn writers_of_one_name_do_not_mix(backend: Backend) {
    let files = FileServer::start(backend.port(), &["--chunk", "1k"]);
    // A second one over the same server: nothing is kept in the process.
    let other = FileServer::start(backend.port(), &["--chunk", "3k"]);
    thread::scope(|scope| {
        for n in 0..8_u8 {
            let files = if n < 4 { &files } else { &other };
            scope.spawn(move || {
                for _ in 0..5 {
                    let answer = files.ask("PUT", "/file/a", &[], &vec![n; 20_000]);
                    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
                }
            });
        }
    });
    let read = files.ask("GET", "/file/a", &[], b"");
    assert_eq!(read.body, vec![read.body[0]; 20_000]);
    let chunks = if read.body[0] < 4 { 20 } else { 7 };
    backend.comes_to(1 + chunks, 0);
    files.stop();
    other.stop();
}

fn a_reader_never_sees_two_versions(backend: Backend) {
    let files = FileServer::start(backend.port(), &["--chunk", "1k"]);
    let other = FileServer::start(backend.port(), &["--chunk", "1k"]);
    files.ask("PUT", "/file/a", &[], &[0; 300_000]).is_empty(201);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 1..20_u8 {
                files.ask("PUT", "/file/a", &[], &vec![n; 300_000]).is_empty(200);
            }
        });
        let (mut whole, mut cut_off) = (0, 0);
        while !writer.is_finished() {
            for (server, may_be_cut_off) in [(&files, false), (&other, true)] {
                let read = server.ask("GET", "/file/a", &[], b"");
                assert!(read.status == 200, "{}", read.text());
                let first = read.body.first().copied();
                let one = read.body.iter().all(|&byte| Some(byte) == first);
                assert!(one, "bytes of two versions");
                if read.cut_off {
                    assert!(may_be_cut_off, "the server that replaces it waits for its readers");
                    cut_off += 1;
                } else {
                    assert_eq!(read.body.len(), 300_000);
                    whole += 1;
                }
            }
        }
        println!("{whole} whole reads, {cut_off} cut off");
    });
    assert_eq!(files.ask("GET", "/file/a", &[], b"").body, vec![19; 300_000]);
    backend.comes_to(1 + 293, 0);
    files.stop();
    other.stop();
}

/// A reader who takes his time holds nothing up and costs little.
#[test]
fn a_slow_reader_costs_two_windows() {
    let backend = Backend::kumo();
    let files = FileServer::start(backend.port(), &["--max-size", "1g"]);
    files.ask("PUT", "/file/a", &[], &bytes(100 << 20)).is_empty(201);
    let (before, _) = files.process.memory();
    let mut slow: Vec<_> = (0..4).map(|_| files.http()).collect();
    for http in &mut slow {
        http.head("GET", "/file/a", &[], 0);
        assert_eq!(http.answer_head().status, 200);
    }
    // Somebody else is served meanwhile.
    let read = eventually("an answer", || Some(files.ask("GET", "/file/a", &[], b"")));
    assert_eq!(read.body.len(), 100 << 20);
    let (_, most) = files.process.memory();
    assert!(most < before + (120 << 20), "{before} and then {most} bytes");
    drop(slow);
    files.stop();
}
