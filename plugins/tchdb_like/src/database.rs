//! An open database as its threads share it, and its operations on one key.

use crate::{
    batch::Batches,
    checkpoint::Checkpoints,
    file,
    index::{Index, SHARDS},
    keeper::Keeper,
    lookup::Current,
    record::{self, State},
    recover::Region,
    saved::Saved,
    scan::Scans,
    shard::{Inner, Shard},
    space::{Need, Space},
    superblock::Superblock,
    sync::{
        Mutex, MutexGuard,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    syncer::{Level, Syncer},
    write::Old,
};
use kumo_plugin::{CasProc, Error, ErrorCode};
use std::collections::BTreeSet;

/// The tails to which threads append side by side, where every write is not
/// synced: there one tail is one piece to write.
const TAILS: usize = 4;

/// After how many deletes in a shard it is looked whether there is too much that
/// is dead: other writes do so when they take a chunk.
const DELETES: u64 = 64;

/// An open database, as its threads share it.
pub(crate) struct Core {
    pub space: Space,
    pub index: Index,
    pub shards: Box<[Shard]>,
    /// The chunks at whose ends records are appended.
    pub tails: Box<[Mutex<Option<u32>>]>,
    /// The same for deletes and moves on a full disk.
    pub spare_tail: Mutex<Option<u32>>,
    /// Chunks with room at their ends.
    pub kept: Mutex<Vec<u32>>,
    /// Chunks in which nothing seemed to be left.
    pub empty: Mutex<BTreeSet<u32>>,
    pub reclaiming: Mutex<()>,
    pub compacting: Mutex<()>,
    pub syncer: Syncer,
    pub scans: Scans,
    pub keeper: Keeper,
    /// What the file says of itself.
    pub superblock: Mutex<Superblock>,
    pub checkpoints: Checkpoints,
    pub batches: Batches,
    /// What of the index may not have been read yet.
    pub saved: Option<Saved>,
    /// Whether a part of the dump was found damaged, and has been made anew.
    pub is_to_be_saved: AtomicBool,
    /// Whether the file says that it is open.
    pub is_open: AtomicBool,
    /// Whether writes are refused: see `health`.
    pub is_ill: AtomicBool,
    /// Whether anything was written since the last sync.
    pub has_written: AtomicBool,
    /// Whether older records of a key may be in the file, and do not say so: then
    /// a delete is a record.
    pub hides: bool,
    /// What was found damaged and skipped when the file was opened.
    pub skipped: Vec<Region>,
    pub damaged: AtomicU64,
    /// The records that were read from the chunks when the file was opened.
    pub recovered: u64,
    /// The chunks that were emptied.
    pub moved: AtomicU64,
    /// The bits of a hash that are used: all, but in tests.
    pub mask: u64,
}

impl Core {
    /// A database in this file, which is locked.
    pub fn new(space: Space, level: Level, mask: u64) -> Result<Self, Error> {
        let index = Index::new().map_err(|error| {
            file::failed("no address space for the index of", &space.path, &error)
        })?;
        let tails = if level == Level::Always { 1 } else { TAILS };
        Ok(Self {
            space,
            index,
            shards: (0..SHARDS).map(|_| Shard::new()).collect(),
            tails: (0..tails).map(|_| Mutex::new(None)).collect(),
            spare_tail: Mutex::default(),
            kept: Mutex::default(),
            empty: Mutex::default(),
            reclaiming: Mutex::new(()),
            compacting: Mutex::new(()),
            syncer: Syncer::new(level),
            scans: Scans::default(),
            keeper: Keeper::default(),
            superblock: Mutex::default(),
            checkpoints: Checkpoints::default(),
            batches: Batches::default(),
            saved: None,
            is_to_be_saved: AtomicBool::new(false),
            is_open: AtomicBool::new(false),
            is_ill: AtomicBool::new(false),
            has_written: AtomicBool::new(false),
            hides: level != Level::None,
            skipped: Vec::new(),
            damaged: AtomicU64::new(0),
            recovered: 0,
            moved: AtomicU64::new(0),
            mask,
        })
    }

    /// The number of records.
    pub fn rnum(&self) -> u64 {
        self.shards.iter().map(|shard| shard.records.load(Relaxed)).sum()
    }

    /// The bytes of the records that the index has.
    pub fn live(&self) -> u64 {
        let live = |shard: &Shard| shard.live.load(Relaxed);
        self.shards.iter().fold(0, |sum, shard| sum.wrapping_add(live(shard)))
    }

    /// Whether a damaged stretch that begins there is known.
    pub fn is_skipped(&self, at: u64) -> bool {
        self.skipped.iter().any(|region| region.at == at)
    }

    /// All shards at once: no one writes meanwhile.
    pub fn lock_all(&self) -> Vec<MutexGuard<'_, Inner>> {
        self.shards.iter().map(|shard| shard.inner.lock()).collect()
    }

    /// Runs `begin` at a moment when no one writes: every write is either before
    /// it or after it. It is given a number above all sequence numbers of before,
    /// and not above those of later.
    pub fn cut<T>(&self, begin: impl FnOnce(u64) -> T) -> T {
        let locked = self.lock_all();
        let last = locked.iter().map(|inner| inner.sequence).max().unwrap_or(0);
        let cut = last.max(self.space.floor.load(SeqCst)) + 1;
        self.space.floor.fetch_max(cut, SeqCst);
        begin(cut)
    }

    /// Returns when everything that was written before is on the disk.
    pub fn sync(&self) -> Result<(), Error> {
        self.space.check()?;
        let stamp = self.syncer.stamp();
        let synced = self.syncer.wait(stamp, &self.space.file, &self.space.path, |begin| {
            // So a write comes before a sync or after it: see `Inner::is_fresh`.
            let _locked: Vec<_> = match self.syncer.level {
                Level::Interval(_) => self.lock_all(),
                _ => Vec::new(),
            };
            begin();
        });
        synced.inspect_err(|_| self.note_failed_sync())?;
        self.look_for_file()
    }

    /// Before a write: does what must be done first.
    #[inline]
    pub fn before_write(&self) -> Result<(), Error> {
        self.check_health()?;
        if !self.is_open.load(Relaxed) {
            self.touch()?;
        }
        self.help();
        Ok(())
    }

    /// After a write: what the level of safety asks for.
    #[inline]
    pub fn acknowledge(&self) -> Result<(), Error> {
        self.space.check()?;
        if !self.has_written.load(Relaxed) {
            self.has_written.store(true, SeqCst);
        }
        match self.syncer.level {
            Level::Always => self.sync(),
            _ => Ok(()),
        }
    }

    fn set_unsynced(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
        let hash = self.hash(key);
        let mut inner = self.lock(hash.shard())?;
        // While the old record is waited for, the new one's place comes near.
        if let Some(room) = inner.rooms.peek(record::size(key.len(), val.len())) {
            self.space.prefetch_to_write(room.offset, room.extent);
        }
        let old = Old::of(&self.current_head(hash, key));
        self.store(&mut inner, hash, key, Some(val), old, Need::Store)
    }

    pub fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
        self.before_write()?;
        let set = self.set_unsynced(key, val);
        if set.as_ref().is_err_and(|error| error.code() == ErrorCode::Full) {
            self.make_room();
            return self.set_unsynced(key, val);
        }
        set
    }

    pub fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        self.change(key, None, proc)
    }

    pub fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        self.change(key, Some(val), proc)
    }

    /// Stores, or deletes, if the proc agrees.
    fn change(&self, key: &[u8], val: Option<&[u8]>, proc: CasProc<'_>) -> Result<bool, Error> {
        self.before_write()?;
        let mut seen = None;
        let changed = self.try_change(key, val, proc, &mut seen);
        let Some(seen) = seen else { return changed };
        self.make_room();
        // The proc is not asked twice: its answer holds where the same is there.
        let is_same = &mut |value: &[u8]| seen.as_deref() == Some(value);
        match self.try_change(key, val, is_same, &mut None) {
            Ok(true) => Ok(true),
            _ => changed,
        }
    }

    /// `change`. If there is no room for it, what was there is in `seen`.
    fn try_change(
        &self,
        key: &[u8],
        val: Option<&[u8]>,
        proc: CasProc<'_>,
        seen: &mut Option<Option<Vec<u8>>>,
    ) -> Result<bool, Error> {
        let hash = self.hash(key);
        let mut inner = self.lock(hash.shard())?;
        let current = self.current(hash, key);
        let Some(put) = self.compared(&current, proc)? else { return Ok(false) };
        let changed = match (val, put) {
            (None, None) => return Ok(false),
            (None, Some(old)) => {
                let left = self.shards[hash.shard()].records.load(Relaxed);
                if left.is_multiple_of(DELETES) {
                    self.look_at_deletes();
                }
                self.erase(&mut inner, hash, key, old)
            }
            (val, _) => self.store(&mut inner, hash, key, val, Old::of(&current), Need::Store),
        };
        if changed.as_ref().is_err_and(|error| error.code() == ErrorCode::Full) {
            let value = put.and_then(|old| old.at).map(|(_, record)| record.value.to_vec());
            *seen = Some(value);
        }
        changed.map(|()| true)
    }

    /// Asks about what is there. None: the proc refused. Some(None): nothing is
    /// there.
    fn compared<'a>(
        &self,
        current: &Current<'a>,
        proc: CasProc<'_>,
    ) -> Result<Option<Option<Old<'a>>>, Error> {
        match current {
            Current::None => Ok(Some(None)),
            Current::Record(_, _, seen) if !seen.kind.is_put() => Ok(Some(None)),
            Current::Record(_, _, seen) if seen.state == State::Intact => {
                Ok(proc(seen.value).then(|| Old::of(current)))
            }
            Current::Record(entry, ..) | Current::Unreadable(entry) => {
                Err(self.damage(entry.offset()))
            }
        }
    }
}
