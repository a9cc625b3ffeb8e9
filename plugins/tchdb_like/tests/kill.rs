//! kill -9 at random instants, while threads write, and scan, and compact, and
//! make checkpoints: what was acknowledged is there, and nothing else is, also
//! when the checkpoint is damaged.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{batch, get, image, open_with, random::Random, scan, stat};
use kumo_plugin::Storage;
use std::{
    collections::BTreeMap,
    env,
    io::{Read, Write},
    ops::ControlFlow,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, SystemTime},
};
use tchdb_like::TchdbLike;

const WRITERS: u8 = 3;
const KEYS: u64 = 300;
/// Records that nobody changes: a checkpoint is to spare reading them.
const SETTLED: u32 = 4000;
/// How long the other process may take to open the file.
const PATIENCE: Duration = Duration::from_secs(60);

/// A key, and what it is to have.
type Change = (Vec<u8>, Option<Vec<u8>>);

/// What is written at once.
struct Writing {
    changes: Vec<Change>,
    /// All or none; otherwise the first of them may be there.
    is_batch: bool,
}

/// The writes of one writer, one after the other.
struct Writes {
    writer: u8,
    random: Random,
}

impl Writes {
    fn new(seed: u64, writer: u8) -> Self {
        Self { writer, random: Random::new(seed * 100 + u64::from(writer)) }
    }

    fn next(&mut self) -> Writing {
        let kind = self.random.below(20);
        let count = if kind < 3 { 2 + self.random.below(12) } else { 1 };
        let mut changes: Vec<_> = (0..count).map(|_| self.change(count > 1)).collect();
        let is_batch = kind < 2;
        if count > 1 && !is_batch {
            changes.retain(|(_, value)| value.is_some());
        }
        Writing { changes, is_batch }
    }

    fn change(&mut self, is_small: bool) -> Change {
        // Some are rarely written, so that there are chunks in which nothing changes.
        let keys = if self.random.below(16) == 0 { KEYS } else { KEYS / 10 };
        let key = [&[self.writer][..], &self.random.below(keys).to_le_bytes()].concat();
        let len = match self.random.below(400) {
            0 if is_small => 15_000,
            0 => 70_000 + self.random.below(400_000),
            1..40 => 0,
            _ => self.random.below(1500),
        };
        let byte = self.random.below(256) as u8;
        let value = (self.random.below(5) > 0).then(|| vec![byte; len as usize]);
        (key, value)
    }
}

fn apply(model: &mut BTreeMap<Vec<u8>, Vec<u8>>, changes: &[Change]) {
    for (key, value) in changes {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

fn write(db: &TchdbLike, write: &Writing) {
    match &write.changes[..] {
        changes if write.is_batch => batch(db, changes).unwrap(),
        [(key, Some(value))] => db.set(key, value).unwrap(),
        [(key, None)] => drop(db.del(key, &mut |_| true).unwrap()),
        changes => {
            let records = changes.iter().map(|(key, value)| (&key[..], value.as_deref().unwrap()));
            let records: Vec<_> = records.collect();
            TchdbLike::OPTIONAL.updatev.unwrap()(db, &records, &mut 0).unwrap();
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let rounds: u64 = env::var("KUMO_CRASH_ROUNDS").map_or(30, |n| n.parse().unwrap());
    let first = env::var("KUMO_CRASH_SEED").map_or_else(
        |_| SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs(),
        |seed| seed.parse().unwrap(),
    );
    println!("KUMO_CRASH_SEED={first}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut model: BTreeMap<Vec<u8>, Vec<u8>> =
        (0..SETTLED).map(|n| (n.to_be_bytes().to_vec(), vec![n as u8; 200])).collect();
    let db = open_with(&path, "none");
    model.iter().for_each(|(key, value)| db.set(key, value).unwrap());
    drop(db);
    let mut random = Random::new(first);
    let (mut acknowledged, mut spared, mut damaged) = (0, 0, 0);
    for round in 0..rounds {
        let seed = first + round;
        let sync = ["none", "interval:10", "always"][random.below(3) as usize];
        let counts = until_killed(&path, seed, sync, random.below(120_000));
        acknowledged += counts.iter().sum::<usize>();
        let (copy, is_kept) = (dir.path().join("copy"), random.below(4) == 0);
        if is_kept {
            std::fs::copy(&path, &copy).unwrap();
        }
        if random.below(3) == 0 {
            damaged += u32::from(damage_dump(&path, &mut random));
        }
        let db = open_with(&path, sync);
        let read = stat(&db, "recovered");
        spared += u32::from(read > 0 && read < db.rnum());
        let place = format!("round {round}, seed {seed}, sync={sync}");
        for (writer, &count) in counts.iter().enumerate() {
            let mut writes = Writes::new(seed, writer as u8);
            for _ in 0..count {
                apply(&mut model, &writes.next().changes);
            }
            // The one that was under way: done, or not done, or as far as it came.
            let Writing { changes, is_batch } = writes.next();
            let has = |model: &BTreeMap<Vec<u8>, Vec<u8>>| {
                changes.iter().all(|(key, _)| get(&db, key).unwrap().as_ref() == model.get(key))
            };
            let after = |done: usize| {
                let mut model = model.clone();
                apply(&mut model, &changes[..done]);
                model
            };
            let ends = (0..=changes.len()).filter(|&n| !is_batch || n == 0 || n == changes.len());
            let found = ends.map(after).find(has);
            model = found.unwrap_or_else(|| panic!("{place}: something else of {changes:?}"));
        }
        let (all, result) = scan(&db);
        result.unwrap();
        assert_eq!(db.damaged(), 0, "{place}");
        let lost: Vec<_> = model.keys().filter(|key| !all.contains_key(*key)).collect();
        let back: Vec<_> = all.keys().filter(|key| !model.contains_key(*key)).collect();
        assert!(lost.is_empty() && back.is_empty(), "{place}: lost {lost:?}, back {back:?}");
        assert!(all == model, "{place}: other values");
        for (key, value) in &model {
            assert!(get(&db, key).unwrap().as_ref() == Some(value), "{place}: {key:?}");
        }
        assert_eq!(db.rnum(), model.len() as u64, "{place}");
        drop(db);
        if is_kept {
            // As if it had not been closed after the kill.
            std::fs::rename(&copy, &path).unwrap();
        }
    }
    println!(
        "{rounds} rounds, {acknowledged} acknowledged writes; {spared} times not all records were \
         read, {damaged} times the checkpoint was damaged"
    );
    assert!(acknowledged as u64 > rounds * 20, "{acknowledged} writes prove nothing");
    // Of a few rounds these need not be some.
    let enough = rounds < 100 || u64::from(spared.min(damaged)) > rounds / 20;
    assert!(enough, "{spared} and {damaged} prove nothing");
}

/// Turns a bit of the last checkpoint, if there is one. A file that was closed is
/// left alone: the other process would rightly say on its stderr what it found.
fn damage_dump(path: &Path, random: &mut Random) -> bool {
    let bytes = std::fs::read(path).unwrap();
    if image::is_closed(&bytes) {
        return false;
    }
    let places: Vec<usize> = image::dump(&bytes).into_iter().flatten().collect();
    if places.is_empty() {
        return false;
    }
    let at = places[random.below(places.len() as u64) as usize];
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(&[bytes[at] ^ 1 << random.below(8)], at as u64).unwrap();
    true
}

/// Lets another process write until it is killed; how many writes of each writer
/// were acknowledged.
fn until_killed(path: &Path, seed: u64, sync: &str, life: u64) -> Vec<usize> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "writes", "--ignored", "--nocapture"])
        .env("KUMO_TEST_DB", path)
        .env("KUMO_TEST_SEED", seed.to_string())
        .env("KUMO_TEST_SYNC", sync)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stderr.take().unwrap();
    let (writing, first_write) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let n = output.read(&mut piece).unwrap();
            if n == 0 {
                return bytes;
            }
            bytes.extend_from_slice(&piece[..n]);
            // Nobody may want to know.
            let _ = writing.send(());
        }
    });
    // Now and then it ends while it opens the file.
    if !life.is_multiple_of(8) {
        let waited = first_write.recv_timeout(PATIENCE);
        assert_ne!(waited, Err(RecvTimeoutError::Timeout), "the other process writes nothing");
    }
    // The instant is random: that is the test, not a wait for something.
    thread::sleep(Duration::from_micros(life));
    child.kill().unwrap();
    child.wait().unwrap();
    let bytes = reader.join().unwrap();
    assert!(
        bytes.iter().all(|byte| *byte < WRITERS),
        "the other process says: {}",
        String::from_utf8_lossy(&bytes)
    );
    let count = |writer| bytes.iter().filter(|byte| **byte == writer).count();
    (0..WRITERS).map(count).collect()
}

#[test]
#[ignore = "another test runs it"]
fn writes() {
    let Some(path) = env::var_os("KUMO_TEST_DB").map(PathBuf::from) else { return };
    let seed: u64 = env::var("KUMO_TEST_SEED").unwrap().parse().unwrap();
    let db = open_with(&path, &env::var("KUMO_TEST_SYNC").unwrap());
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let db = &db;
            scope.spawn(move || {
                let mut writes = Writes::new(seed, writer);
                loop {
                    write(db, &writes.next());
                    // Unbuffered, so that the parent learns of it at once.
                    std::io::stderr().write_all(&[writer]).unwrap();
                }
            });
        }
        // It rewrites everything: not always, or no checkpoint would hold long.
        if seed.is_multiple_of(2) {
            scope.spawn(|| {
                loop {
                    db.compact().unwrap();
                }
            });
        }
        scope.spawn(|| {
            for pause in (0..40).cycle() {
                db.checkpoint().unwrap();
                thread::sleep(Duration::from_millis(pause));
            }
        });
        scope.spawn(|| {
            loop {
                db.for_each(&mut |_, _| ControlFlow::Continue(())).unwrap();
            }
        });
    });
}
