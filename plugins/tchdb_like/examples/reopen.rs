//! How long it takes to open a database: after a kill -9 with and without a
//! checkpoint, and after an orderly close; and what it takes on the disk.
//!
//! ```sh
//! cargo run --release -p tchdb_like --example reopen -- [RECORDS [VALUE_BYTES [ROUNDS]]]
//! ```
//!
//! Keys have 28 bytes. The file is in the directory for temporary files
//! (`TMPDIR`), and in the page cache. Times are medians, with the extremes.
#![allow(clippy::unwrap_used)]

use kumo_plugin::{Location, Storage};
use std::{
    env,
    os::unix::fs::MetadataExt,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tchdb_like::TchdbLike;

fn open(path: &Path) -> TchdbLike {
    let name = format!("{}#sync=none", path.display());
    TchdbLike::open(&Location::parse(name.as_bytes(), TchdbLike::PARAMS).unwrap()).unwrap()
}

fn key(n: u64) -> [u8; 28] {
    let mut key = *b"a key of 28 bytes: 000000000";
    let mut rest = n.wrapping_mul(0x9e37_79b9) % (1 << 32);
    for byte in key.iter_mut().rev().take(9) {
        *byte = b'0' + (rest % 16) as u8;
        rest /= 16;
    }
    key[18] = b'0' + (n >> 32) as u8;
    key
}

/// In another process: writes, or opens, and says how many nanoseconds that took;
/// and ends, in order or by a kill.
fn child(path: &Path, records: u64, len: usize, end: &str) {
    let start = Instant::now();
    let db = open(path);
    let time = start.elapsed();
    db.checkpoint_every(u64::MAX);
    let value = vec![b'v'; len];
    match end {
        "load" => (0..records).for_each(|n| db.set(&key(n), &value).unwrap()),
        "checkpoint" => db.checkpoint().unwrap(),
        "close" => {
            db.set(&key(0), &value).unwrap();
            return db.close().unwrap();
        }
        _ => {
            assert_eq!(db.rnum(), records);
            println!("{}", time.as_nanos());
        }
    }
    Command::new("kill").args(["-9", &std::process::id().to_string()]).status().unwrap();
}

fn median(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let last = times.len() - 1;
    println!(
        "{what}: {:.2} ms ({:.2} to {:.2})",
        ms(times[last / 2]),
        ms(times[0]),
        ms(times[last])
    );
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let number = |at: usize, other: u64| args.get(at).map_or(other, |n| n.parse().unwrap());
    let (records, len, rounds) = (number(0, 1_000_000), number(1, 32), number(2, 5));
    if let (Some(end), Some(path)) = (args.get(3), args.get(4)) {
        return child(Path::new(path), records, len as usize, end);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let run = |end: &str| {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args([records, len, 0].map(|n| n.to_string())).arg(end).arg(&path);
        String::from_utf8(child.output().unwrap().stdout).unwrap()
    };
    let open_again = || Duration::from_nanos(run("open").trim().parse().unwrap());
    let timed = |what| median(what, (0..rounds).map(|_| open_again()).collect());
    println!("{records} records of 28 + {len} bytes");
    run("load");
    timed("after a kill, with no checkpoint");
    run("checkpoint");
    timed("after a kill, with a checkpoint");
    run("close");
    timed("after an orderly close");
    let bytes = std::fs::metadata(&path).unwrap().blocks() * 512;
    let beyond = bytes as f64 / records as f64 - 28.0 - len as f64;
    println!("on the disk, closed: {beyond:.2} bytes a record beyond key and value");
    let start = Instant::now();
    let db = open(&path);
    assert!(db.get(&key(1)).unwrap().is_some());
    println!("opened and the first get: {:.2} ms", start.elapsed().as_secs_f64() * 1000.0);
}
