//! Loss of power, tried out: what a file may be afterwards, in redb's manner.
//!
//! The file is copied after every operation, and before every sync. When the
//! power goes, each sector has any of the contents that it had since the last
//! sync that ended began. Images are drawn at random from that, opened, and must
//! have for every key what it had at that sync, or any time later.

use crate::{chunk::CHUNK, engine::TchdbLike, file, superblock, syncer::Level};
use kumo_plugin::{Change, Location, Storage};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    env, fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

mod batches;

const SECTOR: usize = 512;

type Sectors = Vec<Arc<[u8]>>;
/// What each key has.
type Model = BTreeMap<Vec<u8>, Vec<u8>>;
/// A key, and the value that it got.
type Made = (Vec<u8>, Option<Vec<u8>>);

/// The file at a moment.
struct Moment {
    sectors: Sectors,
    /// What it must have, were it synced now.
    model: Model,
    /// The keys of the last batch.
    batch: Vec<Vec<u8>>,
    /// The moment that is the oldest of which something may be left on the disk.
    disk_since: usize,
    /// The moment of the last sync that was promised: what was there then must be.
    since: usize,
}

struct Recorder {
    path: PathBuf,
    moments: Vec<Moment>,
    model: Model,
    batch: Vec<Vec<u8>>,
    /// The moment at which the present sync began.
    began: usize,
    disk_since: usize,
    since: usize,
}

thread_local! {
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
    static FAIL: Cell<bool> = const { Cell::new(false) };
    static BOOT: Cell<Option<u64>> = const { Cell::new(None) };
}

pub(crate) fn boot() -> Option<u64> {
    BOOT.get()
}

/// Lets this thread's syncs fail.
pub(crate) fn fail_syncs(fail: bool) {
    FAIL.set(fail);
}

pub(crate) fn begin_sync() -> io::Result<()> {
    if FAIL.get() {
        return Err(io::Error::from_raw_os_error(5));
    }
    record(|recorder| {
        recorder.take();
        recorder.began = recorder.moments.len() - 1;
    });
    Ok(())
}

/// After a sync of which nobody is told: what it brought to the disk is there, and
/// no one counts on it.
pub(crate) fn end_sync_apart() {
    record(|recorder| recorder.disk_since = recorder.began);
}

pub(crate) fn end_sync() {
    record(|recorder| {
        recorder.disk_since = recorder.began;
        recorder.since = recorder.began;
    });
}

fn record(work: impl FnOnce(&mut Recorder)) {
    RECORDER.with_borrow_mut(|recorder| recorder.as_mut().map(work));
}

impl Recorder {
    fn take(&mut self) {
        let bytes = fs::read(&self.path).unwrap();
        let before = self.moments.last().map(|moment| &moment.sectors);
        let sectors = bytes.chunks(SECTOR).enumerate().map(|(at, sector)| {
            let same = before.and_then(|before| before.get(at)).filter(|same| ***same == *sector);
            same.cloned().unwrap_or_else(|| sector.into())
        });
        let sectors = sectors.collect();
        let (disk_since, since) = (self.disk_since, self.since);
        let (model, batch) = (self.model.clone(), self.batch.clone());
        self.moments.push(Moment { sectors, model, batch, disk_since, since });
    }

    fn change(&mut self, level: Level, changes: &[Made]) {
        for (key, value) in changes {
            match value {
                Some(value) => self.model.insert(key.clone(), value.clone()),
                None => self.model.remove(key),
            };
        }
        if level == Level::Always {
            // What was acknowledged was synced.
            self.moments[self.since].model = self.model.clone();
        }
    }
}

/// xorshift: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % n
    }
}

fn open(path: &Path, level: Level) -> TchdbLike {
    let (file, seed) = file::open(path).unwrap();
    TchdbLike::on_file(file, seed, path, level, u64::MAX).unwrap()
}

/// A history of operations, and what the file was meanwhile.
fn history(path: &Path, level: Level, random: &mut Random) -> Vec<Moment> {
    BOOT.set(Some(1));
    let mut db = open(path, level);
    let recorder = Recorder {
        path: path.into(),
        moments: Vec::new(),
        model: Model::new(),
        batch: Vec::new(),
        began: 0,
        disk_since: 0,
        since: 0,
    };
    RECORDER.set(Some(recorder));
    record(Recorder::take);
    for step in 0..120 {
        // The last ten fill chunks that are seldom changed.
        let number = match step {
            0..10 => 15 + step,
            _ if random.below(40) == 0 => 15 + random.below(10),
            _ => random.below(15),
        };
        let key = vec![b'k', number as u8];
        let len = [0, 10, 30, 300, 5000, 70_000][random.below(100).min(5 + random.below(95)) % 6];
        let len = match number {
            15.. => 65_000,
            _ if len > 5000 && random.below(8) > 0 => 40,
            _ => len,
        };
        let value = vec![random.below(256) as u8; len];
        let change = |value: Option<&[u8]>| {
            let made = (key.clone(), value.map(<[u8]>::to_vec));
            record(|recorder| recorder.change(level, &[made]));
        };
        match if step < 10 { 0 } else { random.below(26) } {
            0..10 => {
                db.set(&key, &value).unwrap();
                change(Some(&value));
            }
            10..14 => {
                db.del(&key, &mut |_| true).unwrap();
                change(None);
            }
            14 => {
                db.core.end_tails();
                db.core.empty_one().unwrap();
                db.core.reclaim();
            }
            15 => db.core.sync().unwrap(),
            16 => {
                db.core.purge().unwrap();
                db.core.end_tails();
            }
            17 => {
                db.core.sync().unwrap();
                db.core.reclaim();
            }
            18 => {
                db.close().unwrap();
                drop(db);
                db = open(path, level);
            }
            19 if random.below(4) == 0 => db.compact().unwrap(),
            22..25 => {
                let made = batches::draw(step, random);
                let changes: Vec<_> = made
                    .iter()
                    .map(|(key, value)| match value {
                        Some(value) => Change::Put(key, value),
                        None => Change::Delete(key),
                    })
                    .collect();
                db.core.batch(&changes).unwrap();
                record(|recorder| {
                    recorder.batch = made.iter().map(|(key, _)| key.clone()).collect();
                    recorder.change(level, &made);
                });
            }
            _ => db.core.save(false).unwrap(),
        }
        record(Recorder::take);
    }
    let moments = RECORDER.take().unwrap().moments;
    db.close().unwrap();
    moments
}

/// What may be left when the power goes at a moment.
fn image(moments: &[Moment], at: usize, random: &mut Random) -> Vec<u8> {
    let span = &moments[moments[at].disk_since..=at];
    // Mostly old, mostly new, or anything.
    let bias = random.below(3);
    let mut pick = |len: usize| match bias {
        0 if random.below(4) > 0 => 0,
        1 if random.below(4) > 0 => len - 1,
        _ => random.below(len),
    };
    let len = span[pick(span.len())].sectors.len();
    let mut bytes = Vec::new();
    for sector in 0..len {
        let have: Vec<_> = span.iter().filter_map(|moment| moment.sectors.get(sector)).collect();
        bytes.extend_from_slice(have[pick(have.len())]);
    }
    bytes
}

/// Whether a checkpoint spared it reading all records.
fn check(path: &Path, moments: &[Moment], at: usize, level: Level, place: &str) -> bool {
    BOOT.set(Some(2));
    let (image, seed) = file::open(path).unwrap();
    let block = superblock::read(&image, path, seed).unwrap();
    let chunks = image.metadata().unwrap().len() / CHUNK as u64;
    drop(image);
    let db = open(path, level);
    // What a superblock leads to was synced before it, and stays as it was.
    if block.is_some_and(|block| block.dump.is_some() && u64::from(block.end) <= chunks) {
        assert!(db.core.superblock.lock().dump.is_some(), "{place}: the dump is damaged");
    }
    let read = db.core.recovered;
    let was_spared = read > 0 && read < db.rnum();
    let mut all = Model::new();
    let scanned = db.for_each(&mut |key, value| {
        assert_eq!(all.insert(key.to_vec(), value.to_vec()), None, "{place}: shown twice");
        ControlFlow::Continue(())
    });
    scanned.unwrap_or_else(|error| panic!("{place}: {error}"));
    // The operation that was under way may have been done.
    let span = &moments[moments[at].since..moments.len().min(at + 2)];
    let keys = (0..25).map(|n| [b'k', n]).chain(batches::keys());
    for key in keys {
        let found = db.get(&key).unwrap_or_else(|error| panic!("{place}: {error}"));
        let found = found.map(|value| value.to_vec());
        assert_eq!(found.as_ref(), all.get(&key[..]), "{place}: scan and get differ");
        let is_one = span.iter().any(|moment| moment.model.get(&key[..]) == found.as_ref());
        assert!(is_one, "{place}: {key:?} is none of what it was");
    }
    batches::check(moments, at, &all, place);
    assert_eq!(db.rnum(), all.len() as u64, "{place}");
    // And so it stays.
    db.close().unwrap();
    drop(db);
    let db = open(path, level);
    let mut again = Model::new();
    db.for_each(&mut |key, value| {
        again.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(again == all, "{place}: opened again, it has something else");
    assert_eq!(db.damaged(), 0, "{place}");
    was_spared
}

fn lose_power(level: Level, first: u64) {
    let images: usize = env::var("KUMO_POWER_IMAGES").map_or(150, |n| n.parse().unwrap());
    let (mut made, mut spared) = (0, 0);
    for seed in first.. {
        let dir = tempfile::tempdir().unwrap();
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let moments = history(&dir.path().join("db"), level, &mut random);
        for _ in 0..25 {
            if made == images {
                BOOT.set(None);
                assert!(spared > images / 10, "checkpoints helped {spared} times");
                return;
            }
            let at = random.below(moments.len());
            let path = dir.path().join("image");
            fs::write(&path, image(&moments, at, &mut random)).unwrap();
            let place = format!("seed {seed}, image {made}, moment {at}");
            spared += usize::from(check(&path, &moments, at, level, &place));
            made += 1;
        }
    }
}

#[test]
fn a_loss_of_power_leaves_what_was_synced_or_what_came_later() {
    // No sync but those of the history: the keeper's comes after weeks.
    lose_power(Level::Interval(std::time::Duration::from_secs(5_000_000)), 1);
}

#[test]
fn with_always_an_acknowledged_write_is_there() {
    lose_power(Level::Always, 1001);
}

#[test]
fn what_the_location_says_is_what_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let location =
        Location::parse(format!("{}#sync=always", path.display()).as_bytes(), TchdbLike::PARAMS);
    assert_eq!(TchdbLike::open(&location.unwrap()).unwrap().core.syncer.level, Level::Always);
}
