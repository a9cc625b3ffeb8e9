//! A database many times larger than the memory that its process may have.
//!
//! It needs to make a memory cgroup, which takes root:
//! `cargo test --release -p tchdb_like --test larger_than_memory -- --ignored --nocapture`

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{open_with, random::Random};
use kumo_plugin::Storage;
use std::{
    env,
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    ops::ControlFlow,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    time::Instant,
};
use tchdb_like::TchdbLike;

const LIMIT: u64 = 64 << 20;
const RECORDS: u64 = 700_000;
const VALUE: usize = 1000;

/// A control group of its own, removed in the end.
struct Group {
    dir: PathBuf,
    limit: &'static str,
    peak: &'static str,
}

impl Group {
    fn new() -> io::Result<Self> {
        let name = format!("kumo-test-{}", process::id());
        let (dir, limit, peak) = match Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
            true => (Path::new("/sys/fs/cgroup").join(name), "memory.max", "memory.peak"),
            false => (
                Path::new("/sys/fs/cgroup/memory").join(name),
                "memory.limit_in_bytes",
                "memory.max_usage_in_bytes",
            ),
        };
        fs::create_dir(&dir)?;
        let group = Self { dir, limit, peak };
        group.set(group.limit, LIMIT)?;
        Ok(group)
    }

    /// The kernel's files are written to, never created.
    fn set(&self, file: &str, number: u64) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(self.dir.join(file))?;
        file.write_all(number.to_string().as_bytes())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.dir) {
            eprintln!("{} stays: {error}", self.dir.display());
        }
    }
}

fn key(number: u64) -> [u8; 28] {
    let mut key = [b'k'; 28];
    key[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    key
}

fn value(number: u64, version: u8) -> Vec<u8> {
    let mut value = vec![version ^ number as u8; VALUE];
    value[..8].copy_from_slice(&number.to_le_bytes());
    value
}

/// Runs in the group.
#[test]
#[ignore = "another test runs it"]
fn within_the_limit() {
    let path = PathBuf::from(env::var_os("KUMO_TEST_DB").unwrap());
    // Nothing is allocated before the process is in the group.
    io::stdin().read_exact(&mut [0]).unwrap();
    let mut random = Random::new(5);
    let timed = |what: &str, count: u64, work: &mut dyn FnMut()| {
        let begin = Instant::now();
        work();
        let each = begin.elapsed().as_micros() as f64 / count as f64;
        println!("{what}: {each:.1} us each");
    };
    let db = open_with(&path, "interval:1000");
    timed("set", RECORDS, &mut || {
        (0..RECORDS).for_each(|number| db.set(&key(number), &value(number, 0)).unwrap());
    });
    let (gets, sets) = (20_000, 50_000);
    timed("get", gets, &mut || {
        for _ in 0..gets {
            let number = random.below(RECORDS);
            assert!(*db.get(&key(number)).unwrap().unwrap() == value(number, 0));
        }
    });
    timed("overwrite", sets, &mut || {
        (0..sets).for_each(|number| db.set(&key(number), &value(number, 1)).unwrap());
    });
    timed("close", 1, &mut || db.close().unwrap());
    drop(db);
    timed("open", 1, &mut || drop(open_with(&path, "interval:1000")));
    let db = open_with(&path, "interval:1000");
    assert_eq!(db.rnum(), RECORDS);
    let mut shown = 0;
    timed("iterate", RECORDS, &mut || {
        db.for_each(&mut |_, val| {
            let number = u64::from_le_bytes(val[..8].try_into().unwrap());
            assert!(val == value(number, u8::from(number < sets)));
            shown += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    });
    assert_eq!(shown, RECORDS);
    timed("verify", RECORDS, &mut || {
        let verify = TchdbLike::OPTIONAL.verify.unwrap();
        verify(&db, &mut |fault| panic!("{fault}")).unwrap();
    });
    let copy = path.with_extension("copy");
    timed("backup", RECORDS, &mut || db.backup(&copy).unwrap());
    fs::remove_file(&copy).unwrap();
}

#[test]
#[ignore = "it makes a memory cgroup, which takes root"]
fn a_database_eleven_times_the_memory() {
    let group = Group::new().unwrap();
    let dir = tempfile::tempdir_in(".").unwrap();
    let path = dir.path().join("db");
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "within_the_limit", "--ignored", "--nocapture"])
        .env("KUMO_TEST_DB", &path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    group.set("cgroup.procs", child.id().into()).unwrap();
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(child.wait().unwrap().success());
    let disk = fs::metadata(&path).unwrap().blocks() * 512;
    println!("{disk} bytes of disk, {LIMIT} of memory");
    if let Ok(peak) = fs::read_to_string(group.dir.join(group.peak)) {
        println!("most memory that was used: {peak}");
        assert!(peak.trim().parse::<u64>().unwrap() <= LIMIT);
    }
    assert!(disk > 10 * LIMIT);
}
