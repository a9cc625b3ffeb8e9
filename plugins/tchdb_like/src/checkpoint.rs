//! Checkpoints: dumps of the index, made while writers go on, so that a recovery
//! need read only what was changed since; and what the file says of being open
//! and closed.
//!
//! A checkpoint begins at a moment when no writer is at work. From then on every
//! chunk that is changed says so in its header (`chunk::touch`). Of the chunks
//! that do not, the dump has all entries, and how many bytes of them count,
//! whenever it came to them: nothing of that has changed. A tail is left out: a
//! recovery walks what it does not find in the dump.
//!
//! The dump before is given back when the new one counts. Where one of the two
//! superblocks is damaged the other still leads to a state that was true: the
//! older dump, which is whole or fails its checks.

use crate::{
    chunk::{Chunk, Use},
    database::Core,
    dump::{self, Item, Items, Root, Section, Writer, codec},
    file,
    index::{Entry, SHARDS},
    superblock::{self, Superblock},
    sync::atomic::{
        AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
    syncer::Level,
};
use kumo_plugin::{Error, LogLevel};

/// How many bytes of records are written before there is a checkpoint, at least.
const EVERY: u64 = 64 << 20;
/// And at least so many times what the last dump had.
const DUMPS: u64 = 4;

/// When checkpoints are made.
pub(crate) struct Checkpoints {
    /// The least that is written between two.
    pub every: AtomicU64,
    /// What had been written at the last one.
    at: AtomicU64,
    count: AtomicU64,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self { every: AtomicU64::new(EVERY), at: AtomicU64::new(0), count: AtomicU64::new(0) }
    }
}

impl Checkpoints {
    /// How many there have been.
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }
}

impl Core {
    /// Says in the file that it is open, before the first change.
    #[cold]
    pub fn touch(&self) -> Result<(), Error> {
        if self.is_open.load(SeqCst) {
            return Ok(());
        }
        let mut current = self.superblock.lock();
        if self.is_open.load(SeqCst) {
            return Ok(());
        }
        // So that they can be written to from now on: see `may_write`.
        let kept = self.kept.lock().clone();
        let kept = || kept.iter().filter_map(|number| self.space.chunk(*number));
        kept().for_each(|chunk| chunk.touch(&self.space));
        let mut block = Superblock {
            serial: current.serial + 1,
            floor: self.cut(|floor| floor),
            boot: file::boot(),
            is_clean: false,
            is_unsynced: self.syncer.level == Level::None,
            end: self.space.end(),
            ..current.clone()
        };
        let (file, path, seed) = (&self.space.file, &self.space.path, self.space.seed);
        let written = superblock::write(file, path, seed, &block).and_then(|()| {
            // And over the one that may say that the file is closed: if this one
            // is damaged, that must not count.
            block.serial += 1;
            superblock::write_unsynced(file, path, seed, &block)
        });
        written
            .inspect_err(|error| self.note_failed_write(error))
            .map_err(|error| Error::new(error.code(), format!("{error}; nothing was changed")))?;
        kept().for_each(|chunk| chunk.touch_safely(&self.space));
        *current = block;
        self.is_open.store(true, SeqCst);
        Ok(())
    }

    /// Closes the file: everything is on the disk, and the index too. Where that
    /// fails for want of room, the next open reads records instead.
    pub fn finish(&self) -> Result<(), Error> {
        if !self.is_open.load(SeqCst) && !self.is_to_be_saved.load(SeqCst) {
            return Ok(());
        }
        self.settle()?;
        self.kept.lock().clear();
        self.end_tails();
        self.reclaim();
        if let Err(error) = self.save(true) {
            let text = format!("{error}; the next open will take longer");
            kumo_plugin::log(LogLevel::Warn, &text);
            return self.sync();
        }
        self.is_open.store(false, SeqCst);
        self.space.give_up_room();
        Ok(())
    }

    /// Makes a checkpoint, if enough has been written since the last.
    pub fn checkpoint_if_due(&self) -> Result<(), Error> {
        if !self.is_open.load(SeqCst) {
            return Ok(());
        }
        let written: u64 = self.shards.iter().map(|shard| shard.inner.lock().written).sum();
        let last = self.superblock.lock().dump.as_ref().map_or(0, |dump| dump.len);
        let least = self.checkpoints.every.load(Relaxed).max(DUMPS * last);
        if written - self.checkpoints.at.load(Relaxed) < least {
            return Ok(());
        }
        // Also if it fails: the next try comes after as much again.
        self.checkpoints.at.store(written, Relaxed);
        self.save(false)
    }

    /// Writes a dump, and a superblock that says where it is.
    pub fn save(&self, is_closing: bool) -> Result<(), Error> {
        self.load_all()?;
        let mut current = self.superblock.lock();
        let mut items: Vec<Item> = self.space.with_records().map(Item::of).collect();
        let floor = self.cut(|floor| {
            self.begin_epoch();
            floor
        });
        let epoch = self.space.epoch.load(SeqCst);
        let entries: u64 = (0..SHARDS).map(|shard| u64::from(self.index.len(shard))).sum();
        let mut out = Writer::new(&self.space, entries * 5 + (items.len() * 24 + 9280) as u64);
        let mut sections = Vec::with_capacity(SHARDS);
        for shard in 0..SHARDS {
            if !is_closing && self.keeper.is_ending() {
                return Ok(());
            }
            sections.push(self.save_shard(shard, &mut out)?);
        }
        let mut is_clean = is_closing;
        let mut chunks = Items::default();
        for item in &mut items {
            let is_in = self.is_as_it_was(item, epoch) && (is_closing || item.live > 0);
            is_clean &= is_in;
            if is_in {
                chunks.push(item);
            }
        }
        let dump = out.end(&Root { sections, chunks }.encode())?;
        let is_synced = is_closing || self.syncer.level != Level::None;
        let block = Superblock {
            // Without a sync, the one that has been synced stays.
            serial: current.serial + if is_synced { 1 } else { 2 },
            floor: if is_synced { floor } else { current.floor },
            is_clean,
            end: self.space.end(),
            epoch,
            dump: Some(dump),
            ..current.clone()
        };
        let (file, path, seed) = (&self.space.file, &self.space.path, self.space.seed);
        let written = match is_synced {
            true => self.sync().and_then(|()| superblock::write(file, path, seed, &block)),
            false => superblock::write_unsynced(file, path, seed, &block),
        };
        // After a failure either may count: the new one stays where it is, unused.
        written.inspect_err(|error| self.note_failed_write(error))?;
        let before = std::mem::replace(&mut *current, block);
        if let Some(dump) = before.dump {
            dump::give_back(&self.space, &dump.pieces);
        }
        self.checkpoints.count.fetch_add(1, Relaxed);
        Ok(())
    }

    /// What is changed from now on is new to the checkpoint. Under all locks.
    fn begin_epoch(&self) {
        let before = self.space.epoch.fetch_add(1, SeqCst);
        let tails: Vec<u32> = self.all_tails().filter_map(|tail| *tail.lock()).collect();
        // They are written to at once, and will be synced with the dump.
        for number in tails.iter().chain(&*self.kept.lock()) {
            // One that was kept may have another use by now: of a dump, even.
            let is_writable = |chunk: &&Chunk| {
                matches!(chunk.usage(), Use::Tail | Use::Full) && chunk.is_safe(before)
            };
            if let Some(chunk) = self.space.chunk(*number).filter(is_writable) {
                chunk.touch_safely(&self.space);
            }
        }
    }

    fn save_shard(&self, shard: usize, out: &mut Writer<'_>) -> Result<Section, Error> {
        let (entries, sequence) = {
            let inner = self.shards[shard].inner.lock();
            (self.index.entries(shard), inner.sequence)
        };
        let at = out.len();
        // Of a chunk that is changed meanwhile it may be either, and does not matter.
        let is_delete = |entry: &u64| {
            self.place(Entry(*entry).offset()).is_some_and(|(chunk, at)| chunk.has_delete(at))
        };
        let (deletes, mut puts): (Vec<u64>, Vec<u64>) = entries.into_iter().partition(is_delete);
        let (mut bytes, shape) = codec::encode(&mut puts);
        bytes.extend(deletes.iter().flat_map(|entry| entry.to_le_bytes()));
        out.put(&bytes)?;
        Ok(Section {
            at,
            len: bytes.len() as u32,
            check: crc32fast::hash(&bytes),
            puts: puts.len() as u32,
            deletes: deletes.len() as u32,
            shape,
            sequence,
        })
    }

    /// Whether a chunk is as it was when the checkpoint began, and all that is to
    /// be known of it is in the index.
    fn is_as_it_was(&self, item: &mut Item, epoch: u32) -> bool {
        let Some(chunk) = self.space.chunk(item.number) else { return false };
        // The count first: what changes it touches the chunk before.
        let now = Item::of(chunk);
        let is_new = chunk.base() != item.base || !chunk.has_records();
        *item = now;
        !is_new
            && chunk.usage() != Use::Tail
            && !chunk.is_touched(&self.space)
            && self.space.epoch.load(SeqCst) == epoch
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::TchdbLike;
    use kumo_plugin::{Location, Storage};
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn one_is_made_when_enough_was_written_and_not_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let db = TchdbLike::open(&Location::new(&path, TchdbLike::PARAMS)).unwrap();
        let checkpoints = &db.core.checkpoints;
        // The keeper would not come to it in weeks.
        checkpoints.every.store(u64::MAX, Relaxed);
        let write = |n: u32| db.set(&n.to_le_bytes(), &[7; 1000]).unwrap();
        (0..100).for_each(write);
        let due = |every| {
            checkpoints.every.store(every, Relaxed);
            db.core.checkpoint_if_due().unwrap();
            checkpoints.every.store(u64::MAX, Relaxed);
            checkpoints.count()
        };
        assert_eq!(due(200_000), 0);
        assert_eq!(due(100_000), 1);
        assert_eq!(due(100_000), 1);
        // Four times the dump is the least.
        (0..10).for_each(write);
        assert_eq!(due(0), 1);
        (0..90).for_each(write);
        assert_eq!(due(100_000), 2);
    }
}
