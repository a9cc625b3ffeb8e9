//! Puts and deletes that are carried out all or none.
//!
//! The records of a batch stand one behind the other in an extent at a chunk's end.
//! The extent says that it is free, as a whole, so whoever goes through the chunk
//! steps over it, until one store turns its first word into that of the first
//! record: then all of them are there. A delete is a record like a put; nothing
//! old is touched before.
//!
//! For the end of the process that is enough. For a loss of power what a store
//! relies on must be on the disk before it. So
//!
//! 1. everything is written but the first words, and synced: from here on the
//!    extent says that it is free, whatever comes. Were it not synced, and records
//!    that are whole behind it, a recovery would find them past what it cannot read;
//! 2. then the first words but the first one, and synced;
//! 3. then that.
//!
//! These syncs are in the batch's own cause, under its locks: nobody else is told
//! of them. Until the last store has been synced, nothing may be kept of the
//! records that is not lost with it: they are not moved (`secure_batches`), and
//! their room is not given to others (`Inner::settle`).
//!
//! To readers, the index's tables are changing from before the first entry changes
//! until after the last one has.

use crate::{
    chunk::{CHUNK, FIRST},
    database::Core,
    file::{failed, sync_apart},
    group::{Locked, TOGETHER},
    index::Hash,
    lookup::Current,
    record::{self, State},
    space::Need,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    syncer::Level,
    write::{New, Old, Place, no_room_in_index},
};
use kumo_plugin::{Change, Error, ErrorCode};

/// The most bytes of the records of a batch: they share a chunk.
const MOST: usize = CHUNK - FIRST;

/// How many batches have been committed, and how many of them surely are on the
/// disk.
pub(crate) struct Batches {
    committed: AtomicU64,
    synced: AtomicU64,
}

impl Default for Batches {
    fn default() -> Self {
        // An earlier process may have left one that is not.
        Self { committed: AtomicU64::new(1), synced: AtomicU64::new(0) }
    }
}

/// A change to be made, and where.
struct Planned<'a> {
    new: New<'a>,
    old: Option<Old<'a>>,
    at: usize,
    size: usize,
    sequence: u64,
    /// Its first word.
    first: u32,
}

impl Core {
    /// Carries out puts and deletes, all or none.
    pub fn batch(&self, changes: &[Change<'_>]) -> Result<(), Error> {
        let news = self.last_of_each_key(changes);
        self.check_size(&news)?;
        self.before_write()?;
        if news.iter().any(|new| new.val.is_none()) {
            self.look_at_deletes();
        }
        let mut done = self.try_batch(&news);
        if done.as_ref().is_err_and(|error| error.code() == ErrorCode::Full) {
            self.make_room();
            done = self.try_batch(&news);
        }
        if done? { self.acknowledge() } else { Ok(()) }
    }

    /// What is to become of each key, in the order of their hashes.
    fn last_of_each_key<'a>(&self, changes: &[Change<'a>]) -> Vec<New<'a>> {
        let new = |change: &Change<'a>| match *change {
            Change::Put(key, val) => New { hash: self.hash(key), key, val: Some(val) },
            Change::Delete(key) => New { hash: self.hash(key), key, val: None },
        };
        let mut news: Vec<_> = changes.iter().rev().map(new).collect();
        // Stable, so that the last of them comes first.
        news.sort_by_key(|new| (new.hash.shard(), new.hash.tag(), new.key));
        news.dedup_by(|later, first| later.key == first.key);
        news
    }

    fn check_size(&self, news: &[New<'_>]) -> Result<(), Error> {
        let add = |sum: usize, new: &New<'_>| sum.saturating_add(new.len()).saturating_add(20);
        let longest = news.iter().map(|new| new.key.len()).max().unwrap_or(0);
        let bytes = news.iter().fold(0, add);
        let text = if longest > usize::from(u16::MAX) {
            format!("a key of {longest} bytes is too long for a batch: the most is 65535; set it")
        } else if bytes > MOST {
            format!(
                "a batch of {bytes} bytes, 20 for each change included, is too large: the most is \
                 {MOST}; make smaller ones of it"
            )
        } else {
            return Ok(());
        };
        Err(Error::invalid(format!("{}: {text}", self.space.path.display())))
    }

    /// False: there was nothing to do.
    fn try_batch(&self, news: &[New<'_>]) -> Result<bool, Error> {
        let mut locked = self.lock_some(news.iter().map(|new| new.hash.shard()))?;
        let mut planned = self.plan(news)?;
        if planned.is_empty() {
            return Ok(false);
        }
        self.make_room_in_index(&planned)?;
        let (floor, last) = self.begin_some(&mut locked, planned.len());
        let has_puts = planned.iter().any(|it| it.new.val.is_some());
        let need = if has_puts { Need::Store } else { Need::Delete };
        let whole = planned.iter().map(|it| it.size).sum();
        let place = self.append(whole, last, need)?;
        let mut at = place.at;
        for it in &mut planned {
            let inner = locked.of(it.new.hash.shard());
            it.sequence = floor.max(inner.sequence + 1).max(place.chunk.base());
            inner.sequence = it.sequence;
            it.at = at;
            at += it.size;
        }
        if let Err(error) = self.commit(&place, &mut planned) {
            // Nothing else has changed; the extent is a free one.
            place.chunk.count.give_up();
            self.note_empty(place.chunk);
            return Err(error);
        }
        self.show(&mut locked, &place, &planned);
        Ok(true)
    }

    /// What is to be done of it: a delete of what is not there is nothing.
    fn plan<'a>(&'a self, news: &[New<'a>]) -> Result<Vec<Planned<'a>>, Error> {
        let mut planned: Vec<Planned<'a>> = Vec::with_capacity(news.len());
        for some in news.chunks(TOGETHER) {
            let mut hashes = [Hash::default(); TOGETHER];
            hashes.iter_mut().zip(some).for_each(|(hash, new)| *hash = new.hash);
            self.bring_near(&hashes[..some.len()]);
            for &new in some {
                let mut old = match new.val {
                    Some(_) => Old::of(&self.current_head(new.hash, new.key)),
                    None => match self.current(new.hash, new.key) {
                        Current::None => continue,
                        Current::Record(_, _, seen) if !seen.kind.is_put() => continue,
                        Current::Record(entry, _, seen) if seen.state != State::Intact => {
                            return Err(self.damage(entry.offset()));
                        }
                        Current::Unreadable(entry) => return Err(self.damage(entry.offset())),
                        found => Old::of(&found),
                    },
                };
                // What cannot be read is one key's, whichever it is.
                let is_taken = |old: Old<'_>| {
                    let mut before = planned.iter().filter_map(|it| it.old);
                    old.at.is_none() && before.any(|it| it.entry == old.entry)
                };
                if old.is_some_and(is_taken) {
                    old = None;
                }
                let size = record::size(new.key.len(), new.value().len());
                planned.push(Planned { new, old, at: 0, size, sequence: 0, first: 0 });
            }
        }
        Ok(planned)
    }

    fn make_room_in_index(&self, planned: &[Planned<'_>]) -> Result<(), Error> {
        let added: Vec<Hash> =
            planned.iter().filter(|it| it.old.is_none()).map(|it| it.new.hash).collect();
        for some in added.chunk_by(|one, next| one.shard() == next.shard()) {
            // They are in the order of their tags.
            let tags: Vec<u64> = some.iter().map(|hash| hash.tag()).collect();
            if !self.index.make_room_for_all(some[0].shard(), &tags) {
                return Err(no_room_in_index());
            }
        }
        Ok(())
    }

    /// Writes the records. An error: none of them is there.
    fn commit(&self, place: &Place<'_>, planned: &mut [Planned<'_>]) -> Result<(), Error> {
        let &Place { chunk, at, extent } = place;
        let salt = chunk.salt(self.space.seed);
        for it in planned.iter_mut() {
            let record = it.new.record(chunk, it.sequence, it.size);
            it.first = record::write_behind(&chunk.memory, salt, it.at, &record);
        }
        // One alone is whole or not there, by its check.
        if let [_, others @ ..] = planned
            && !others.is_empty()
        {
            // Whatever was there before.
            others.iter().for_each(|it| chunk.memory.store_half(it.at, 0));
            self.sync_under_locks()?;
            others.iter().for_each(|it| chunk.memory.store_half(it.at, it.first));
            self.sync_under_locks()?;
        }
        self.space.check()?;
        planned.iter().take(1).for_each(|it| chunk.memory.store_half(at, it.first));
        self.batches.committed.fetch_add(1, SeqCst);
        // It may stand nowhere but in memory.
        self.space.check().inspect_err(|_| chunk.free(&self.space, at, extent))
    }

    /// Lets the index have all of it.
    fn show(&self, locked: &mut Locked<'_>, place: &Place<'_>, planned: &[Planned<'_>]) {
        let chunk = place.chunk;
        (1..planned.len()).for_each(|_| chunk.count.begin());
        locked.all().for_each(|(shard, _)| self.index.set_absent(shard));
        for it in planned {
            let inner = locked.of(it.new.hash.shard());
            match &it.old {
                Some(old) if it.new.val.is_none() && !self.must_say(old) => {
                    self.take_out(inner, it.new.hash, old, it.sequence);
                    // What it has hidden says by now that it is free.
                    chunk.free(&self.space, it.at, it.size);
                    self.give_room(inner, chunk, it.at, it.size);
                    chunk.count.give_up();
                }
                _ => {
                    let place = Place { chunk, at: it.at, extent: it.size };
                    self.put_in_place(inner, &it.new, it.old, &place, it.sequence);
                }
            }
        }
        for (shard, inner) in locked.all() {
            inner.settle();
            self.index.set_present(shard);
        }
        self.note_empty(chunk);
    }

    /// Before a record is copied: if a batch wrote it, it must not be on the disk
    /// without the others.
    pub fn secure_batches(&self) -> Result<(), Error> {
        let committed = self.batches.committed.load(SeqCst);
        if self.batches.synced.load(SeqCst) < committed {
            self.sync_under_locks()?;
            self.batches.synced.fetch_max(committed, SeqCst);
        }
        Ok(())
    }

    /// Brings what is in the file to the disk, where something is promised for a
    /// loss of power, though locks of shards are held.
    fn sync_under_locks(&self) -> Result<(), Error> {
        match self.syncer.level {
            Level::None => Ok(()),
            // There no lock of a shard is needed for a sync.
            Level::Always => self.sync(),
            // The sync that all share begins when no one writes.
            Level::Interval(_) => {
                let path = &self.space.path;
                self.space.check()?;
                self.syncer.check(path)?;
                sync_apart(&self.space.file).map_err(|error| {
                    self.syncer.fail();
                    self.note_failed_sync();
                    failed("cannot sync", path, &error)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
