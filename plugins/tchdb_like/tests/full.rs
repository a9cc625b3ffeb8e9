//! A disk that is really full: file systems of a few mebibytes, mounted for the
//! test alone.
//!
//! Such a one is mounted in a mount namespace of another process, which runs the
//! test: a tmpfs, where users may do so, and an ext4 from an image, which takes
//! root.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{get, open_with, random::Random, scan, stat};
use kumo_plugin::{Error, ErrorCode, Storage};
use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};
use tchdb_like::TchdbLike;

const LEVELS: [&str; 3] = ["none", "interval:50", "always"];

/// How many bytes the file systems have.
const DISK: &str = "24m";

/// Returns why it cannot be had here; where `KUMO_TEST_NO_SKIP=1`, that is a
/// failure.
fn skip(reason: &str) {
    let must = env::var_os("KUMO_TEST_NO_SKIP").is_some_and(|value| value == "1");
    assert!(!must, "skipped, where KUMO_TEST_NO_SKIP=1: {reason}");
    // Not eprintln!, which the test harness swallows when a test passes.
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}

/// Runs a test of this file in a process that has a small file system to itself,
/// at `$KUMO_TEST_DIR`. The namespaces go with it.
fn run_on(names: &[&str], options: &[&str], mount: &str) {
    let dir = tempfile::tempdir().unwrap();
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(options).args(["sh", "-ec", script]);
        command.arg(env::current_exe().unwrap());
        command
            .env("KUMO_TEST_DIR", dir.path().join("disk"))
            .env("IMAGE", dir.path().join("image"));
        command.output()
    };
    let mount = format!("PATH=$PATH:/usr/sbin:/sbin; mkdir -p \"$KUMO_TEST_DIR\"; {mount}");
    match unshare(&mount) {
        Err(error) => return skip(&format!("no unshare: {error}")),
        Ok(tried) if !tried.status.success() => {
            return skip(&format!("{mount}: {}", String::from_utf8_lossy(&tried.stderr)));
        }
        Ok(_) => {}
    }
    for sync in LEVELS {
        // Of several, all but the last are killed.
        let tests: String = names
            .iter()
            .map(|name| format!("\"$0\" --exact {name} --ignored --nocapture || true; "))
            .collect();
        let script = format!("{mount}; export SYNC={sync}; {tests} umount \"$KUMO_TEST_DIR\"");
        let output = unshare(&script).unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{sync}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

fn on_tmpfs(names: &[&str]) {
    let mount = format!("mount -t tmpfs -o size={DISK} kumo \"$KUMO_TEST_DIR\"");
    run_on(names, &["--user", "--map-root-user", "--mount"], &mount);
}

fn on_ext4(names: &[&str]) {
    let mount = format!(
        "rm -f \"$IMAGE\"; truncate -s {DISK} \"$IMAGE\"; mkfs.ext4 -q -F \"$IMAGE\"; \
         mount -o loop \"$IMAGE\" \"$KUMO_TEST_DIR\""
    );
    run_on(names, &["--mount"], &mount);
}

#[test]
fn a_full_tmpfs() {
    on_tmpfs(&["fills_up"]);
}

#[test]
fn a_full_ext4() {
    on_ext4(&["fills_up"]);
}

#[test]
fn a_tmpfs_that_several_threads_fill() {
    on_tmpfs(&["threads_fill_up"]);
}

#[test]
fn an_ext4_that_several_threads_fill() {
    on_ext4(&["threads_fill_up"]);
}

#[test]
fn a_kill_on_a_full_tmpfs() {
    on_tmpfs(&["is_killed_when_it_is_full", "opens_when_it_is_full"]);
}

#[test]
fn a_kill_on_a_full_ext4() {
    on_ext4(&["is_killed_when_it_is_full", "opens_when_it_is_full"]);
}

/// The file system, in the other process; None in a run of all ignored tests.
fn given() -> Option<(PathBuf, String)> {
    Some((env::var_os("KUMO_TEST_DIR")?.into(), env::var("SYNC").ok()?))
}

fn is_full(error: &Error, path: &Path) {
    assert_eq!(error.code(), ErrorCode::Full, "{error}");
    assert!(error.text().contains(&*path.to_string_lossy()), "{error}");
    assert!(error.text().contains("reads go on, and writes will once there is room"), "{error}");
    let is_told = error.text().contains("No space left on device");
    assert!(is_told, "the cause is missing: {error}");
}

/// Of each key what was acknowledged: a byte, and how often.
type Model = BTreeMap<u64, (u8, usize)>;

fn key(n: u64) -> [u8; 28] {
    let mut key = [b'k'; 28];
    key[20..].copy_from_slice(&n.to_be_bytes());
    key
}

/// Every record that was acknowledged, and no other.
fn check(db: &TchdbLike, model: &Model) {
    assert_eq!(db.rnum(), model.len() as u64);
    for (&n, &(byte, len)) in model {
        assert!(get(db, &key(n)).unwrap().unwrap() == vec![byte; len], "{n}: {byte}, {len}");
    }
    let (all, result) = scan(db);
    result.unwrap();
    assert_eq!(all.len(), model.len());
    assert_eq!(stat(db, "damaged"), 0);
}

/// What the file holds if the process is killed now: a copy of it, elsewhere.
fn check_killed(path: &Path, sync: &str, model: &Model) {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy");
    fs::copy(path, &copy).unwrap();
    check(&open_with(&copy, sync), model);
}

/// Who writes until there is no room.
struct Writer {
    model: Model,
    random: Random,
    path: PathBuf,
    /// The next key that is new; those of a writer are its own.
    next: u64,
    step: u64,
}

impl Writer {
    fn new(path: &Path, first: u64, step: u64) -> Self {
        let (model, random) = (Model::new(), Random::new(first + 7));
        Self { model, random, path: path.into(), next: first, step }
    }

    /// Sets a record, mostly of a new key. Whether there was room.
    fn set(&mut self, db: &TchdbLike, len: usize) -> bool {
        let is_new = self.model.is_empty() || self.random.below(4) > 0;
        let n = if is_new { self.next } else { self.random.below(self.next) };
        let n = if is_new { n } else { n - n % self.step + self.next % self.step };
        let byte = self.random.below(256) as u8;
        match db.set(&key(n), &vec![byte; len]) {
            Ok(()) => {
                self.model.insert(n, (byte, len));
                self.next += if is_new { self.step } else { 0 };
                true
            }
            Err(error) => {
                is_full(&error, &self.path);
                let found = get(db, &key(n)).unwrap();
                let before = self.model.get(&n).map(|&(byte, len)| vec![byte; len]);
                assert!(found == before, "{n} is not what it was");
                false
            }
        }
    }

    /// Until a record of none of these sizes finds room.
    fn fill(&mut self, db: &TchdbLike, sizes: &[usize]) {
        for &len in sizes {
            while self.set(db, len) {}
        }
    }

    /// Deletes every so manyth record; how many bytes they had.
    fn thin(&mut self, db: &TchdbLike, every: usize) -> usize {
        let keys: Vec<u64> = self.model.keys().copied().step_by(every).collect();
        let one = |n: &u64| {
            assert!(db.del(&key(*n), &mut |_| true).unwrap());
            self.model.remove(n).map_or(0, |(_, len)| len)
        };
        keys.iter().map(one).sum()
    }
}

impl Writer {
    /// While others compact, what is kept back for deletes may be in use.
    fn thin_if_possible(&mut self, db: &TchdbLike) {
        let keys: Vec<u64> = self.model.keys().copied().step_by(10).collect();
        for n in keys {
            match db.del(&key(n), &mut |_| true) {
                Ok(was_there) => assert!(was_there && self.model.remove(&n).is_some()),
                Err(error) => is_full(&error, &self.path),
            }
        }
    }
}

/// On a full disk it may be refused, with the cause.
fn done_or_full(done: Result<(), Error>) {
    if let Err(error) = done {
        assert_eq!(error.code(), ErrorCode::Full, "{error}");
    }
}

/// The sizes that are set: where each write waits for the disk, few and large ones.
fn sizes(sync: &str) -> [usize; 4] {
    let small = if sync == "always" { 20_000 } else { 1000 };
    [1_000_000, 100_000, small * 2, small]
}

#[test]
#[ignore = "another test runs it, on a file system of its own"]
fn fills_up() {
    let Some((dir, sync)) = given() else { return };
    let path = dir.join("db");
    let mut db = open_with(&path, &sync);
    let mut writer = Writer::new(&path, 0, 1);
    for round in 0..3 {
        writer.fill(&db, &sizes(&sync)[round..]);
        check(&db, &writer.model);
        done_or_full(db.compact());
        done_or_full(db.checkpoint());
        check(&db, &writer.model);
        let copy = db.backup(&dir.join("copy")).unwrap_err();
        assert_eq!(copy.code(), ErrorCode::Full, "{copy}");
        check_killed(&path, &sync, &writer.model);
        // Deletes work, and make room for as much, without a restart.
        let gone = writer.thin(&db, 2);
        check(&db, &writer.model);
        let small = sizes(&sync)[3];
        for _ in 0..gone / small / 2 {
            assert!(writer.set(&db, small), "after {gone} bytes were deleted");
        }
        check(&db, &writer.model);
        // Closed when it is full, and opened again.
        writer.fill(&db, &[small]);
        done_or_full(db.close());
        drop(db);
        db = open_with(&path, &sync);
        check(&db, &writer.model);
    }
    // It is another file that fills the disk, and then goes: nobody tells.
    writer.thin(&db, 3);
    db.compact().unwrap();
    let other = dir.join("other");
    assert!(fs::write(&other, vec![1; 64 << 20]).is_err());
    writer.fill(&db, &[70_000]);
    fs::remove_file(&other).unwrap();
    for _ in 0..20 {
        assert!(writer.set(&db, 70_000));
    }
    check(&db, &writer.model);
}

#[test]
#[ignore = "another test runs it, on a file system of its own"]
fn threads_fill_up() {
    let Some((dir, sync)) = given() else { return };
    let path = dir.join("db");
    let db = open_with(&path, &sync);
    let mut writers: Vec<_> = (0..3).map(|first| Writer::new(&path, first, 3)).collect();
    for _ in 0..3 {
        let writing = AtomicUsize::new(writers.len());
        thread::scope(|scope| {
            for writer in &mut writers {
                let (db, writing, sizes) = (&db, &writing, sizes(&sync));
                scope.spawn(move || {
                    let _one_less = OneLess(writing);
                    for _ in 0..10 {
                        writer.fill(db, &sizes);
                        writer.thin_if_possible(db);
                    }
                    writer.fill(db, &sizes);
                });
            }
            // Meanwhile, until the last of them ends.
            while writing.load(SeqCst) > 0 {
                done_or_full(db.compact());
                done_or_full(db.checkpoint());
                scan(&db).1.unwrap();
            }
        });
        let all = writers.iter().flat_map(|writer| &writer.model).map(|(n, what)| (*n, *what));
        let all: Model = all.collect();
        check(&db, &all);
        check_killed(&path, &sync, &all);
        for writer in &mut writers {
            writer.thin(&db, 2);
        }
        assert!(writers[0].set(&db, 1000));
    }
    db.close().unwrap();
}

/// Counts a thread that ends, also when a check fails.
struct OneLess<'a>(&'a AtomicUsize);

impl Drop for OneLess<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// The first of two processes: it is killed when the disk is full.
#[test]
#[ignore = "another test runs it, on a file system of its own"]
fn is_killed_when_it_is_full() {
    let Some((dir, sync)) = given() else { return };
    let path = dir.join("db");
    let db = open_with(&path, &sync);
    let mut writer = Writer::new(&path, 0, 1);
    writer.fill(&db, &sizes(&sync));
    let there: String =
        writer.model.iter().map(|(n, (byte, len))| format!("{n} {byte} {len}\n")).collect();
    fs::write(dir.with_extension("there"), there).unwrap();
    Command::new("kill").args(["-9", &process::id().to_string()]).status().unwrap();
}

/// The second one finds what the first one had acknowledged, though there is no
/// more room than there was.
#[test]
#[ignore = "another test runs it, on a file system of its own"]
fn opens_when_it_is_full() {
    let Some((dir, sync)) = given() else { return };
    let path = dir.join("db");
    let there = fs::read_to_string(dir.with_extension("there")).unwrap();
    let mut writer = Writer::new(&path, 0, 1);
    for line in there.lines() {
        let parts: Vec<u64> = line.split(' ').map(|part| part.parse().unwrap()).collect();
        writer.model.insert(parts[0], (parts[1] as u8, parts[2] as usize));
        writer.next = writer.next.max(parts[0] + 1);
    }
    let db = open_with(&path, &sync);
    check(&db, &writer.model);
    let gone = writer.thin(&db, 2);
    for _ in 0..gone / 100_000 {
        assert!(writer.set(&db, 40_000));
    }
    check(&db, &writer.model);
}
