//! Storing, replacing and removing a record.
//!
//! All of it under the lock of the key's shard. The new record is written to
//! room that is nobody else's, then its first word, then its entry in the index;
//! then the old record is on its way out. Whenever the process ends, the file has
//! the old record, or both, and the newer of them counts.

use crate::{
    chunk::{Chunk, FIRST, MAX_SHARED, Use},
    database::Core,
    index::{Entry, Hash},
    lookup::Current,
    record::{self, Kind, LARGE_HEAD, Record, Seen},
    shard::{Inner, Room},
    space::Need,
};
use kumo_plugin::{Error, ErrorCode};
use std::sync::{
    Arc,
    atomic::{
        Ordering::{Relaxed, SeqCst},
        fence,
    },
};

/// How many rooms are looked at before a record is appended.
const ROOM_TRIES: usize = 4;

/// Room for a record, nobody else's: it counts as pending in its chunk.
pub(crate) struct Place<'a> {
    pub chunk: &'a Arc<Chunk>,
    pub at: usize,
    pub extent: usize,
}

/// A record that another is to take the place of.
#[derive(Clone, Copy)]
pub(crate) struct Old<'a> {
    pub entry: Entry,
    /// None: it cannot be read.
    pub at: Option<(&'a Arc<Chunk>, Seen<'a>)>,
}

impl<'a> Old<'a> {
    /// Of what the index says of a key.
    pub fn of(current: &Current<'a>) -> Option<Self> {
        match *current {
            Current::None => None,
            Current::Record(entry, chunk, seen) => Some(Self { entry, at: Some((chunk, seen)) }),
            Current::Unreadable(entry) => Some(Self { entry, at: None }),
        }
    }

    fn is_put(&self) -> bool {
        self.at.is_none_or(|(_, seen)| seen.kind.is_put())
    }
}

/// The bytes that a record counts for.
pub(crate) fn weight(seen: &Seen<'_>) -> u32 {
    match seen.extent {
        0 => (FIRST + LARGE_HEAD + seen.key.len() + seen.value.len()).next_multiple_of(4096) as u32,
        extent => extent as u32,
    }
}

impl Core {
    /// Writes a record and puts it in the place of the old one. `need`
    /// says what may be done on a full disk too.
    pub fn store(
        &self,
        inner: &mut Inner,
        hash: Hash,
        key: &[u8],
        val: Option<&[u8]>,
        old: Option<Old<'_>>,
        need: Need,
    ) -> Result<(), Error> {
        let shard = hash.shard();
        self.note_begun(inner);
        inner.written += (key.len() + val.map_or(0, <[u8]>::len)) as u64;
        if old.is_none() && !self.index.make_room(shard) {
            return Err(Error::new(ErrorCode::Memory, "the index has no room for more records"));
        }
        let value = val.unwrap_or_default();
        let size = key.len().saturating_add(value.len());
        let is_large = size > MAX_SHARED || key.len() > usize::from(u16::MAX);
        let kind = match (val, is_large) {
            (Some(_), false) => Kind::Put,
            (None, false) => Kind::Delete,
            (Some(_), true) => Kind::LargePut,
            (None, true) => Kind::LargeDelete,
        };
        let mut sequence = self.space.floor.load(SeqCst).max(inner.sequence + 1);
        let place = if is_large {
            self.place_large(size as u64, sequence)?
        } else {
            self.place_shared(inner, record::size(key.len(), value.len()), sequence, need)?
        };
        let Place { chunk, at, extent } = place;
        sequence = sequence.max(chunk.base());
        inner.sequence = sequence;
        let delta = (sequence - chunk.base()) as u32;
        let salt = chunk.salt(self.space.seed);
        record::write(&chunk.memory, salt, at, &Record { kind, delta, key, value, extent });
        if let Err(fault) = self.space.check() {
            // It may stand nowhere but in memory: the old one stays the key's.
            chunk.free(&self.space, at, extent);
            chunk.pending.fetch_sub(1, SeqCst);
            return Err(fault);
        }
        let new = hash.entry(chunk.offset() + at as u64);
        let weight = match extent {
            0 => (FIRST + LARGE_HEAD + size).next_multiple_of(4096) as u32,
            extent => extent as u32,
        };
        chunk.live.fetch_add(weight, SeqCst);
        self.shards[shard].live.fetch_add(u64::from(weight), Relaxed);
        if val.is_none() {
            chunk.deletes.fetch_add(1, SeqCst);
        }
        if let Some(old) = &old {
            let scan = self.before_leaving(old, sequence);
            self.index.replace(hash, old.entry, new);
            self.leave(inner, shard, old, scan);
        } else {
            self.index.insert(shard, new);
        }
        chunk.pending.fetch_sub(1, SeqCst);
        let records = &self.shards[shard].records;
        match (val.is_some(), old.is_some_and(|old| old.is_put())) {
            (true, false) => drop(records.fetch_add(1, Relaxed)),
            (false, true) => drop(records.fetch_sub(1, Relaxed)),
            _ => {}
        }
        Ok(())
    }

    /// Removes a record. Where older ones of the key may be in the file, a record
    /// says so, until none is left: see `purge`.
    pub fn erase(
        &self,
        inner: &mut Inner,
        hash: Hash,
        key: &[u8],
        old: Old<'_>,
    ) -> Result<(), Error> {
        let shard = hash.shard();
        if self.hides || old.at.is_none() {
            self.store(inner, hash, key, None, Some(old), Need::Delete)?;
            return Ok(());
        }
        let sequence = self.space.floor.load(SeqCst).max(inner.sequence + 1);
        inner.sequence = sequence;
        let scan = self.before_leaving(&old, sequence);
        self.index.remove(hash, old.entry);
        self.leave(inner, shard, &old, scan);
        self.shards[shard].records.fetch_sub(1, Relaxed);
        Ok(())
    }

    fn place_large(&self, size: u64, sequence: u64) -> Result<Place<'_>, Error> {
        let bytes = (FIRST + LARGE_HEAD) as u64 + size;
        let chunk = self.space.open_run(bytes, sequence)?;
        self.look_at_room();
        Ok(Place { chunk, at: FIRST, extent: 0 })
    }

    fn place_shared(
        &self,
        inner: &mut Inner,
        size: usize,
        sequence: u64,
        need: Need,
    ) -> Result<Place<'_>, Error> {
        for _ in 0..ROOM_TRIES {
            let Some(room) = inner.rooms.pop(size) else { break };
            if let Some((chunk, at)) = self.claim(&room, sequence) {
                return Ok(Place { chunk, at, extent: room.extent });
            }
        }
        self.append(size, sequence, need)
    }

    /// Makes a room the caller's, if it is still one and nobody looks at what
    /// stood there.
    fn claim(&self, room: &Room, sequence: u64) -> Option<(&Arc<Chunk>, usize)> {
        let (chunk, at) = self.place(room.offset)?;
        // First this, then the look at the use: so who ends the use sees it, or
        // is seen.
        chunk.pending.fetch_add(1, SeqCst);
        fence(SeqCst);
        let base = chunk.base();
        let is_good = matches!(chunk.usage(), Use::Full | Use::Tail)
            && Room::base_bits(base) == room.base
            && sequence.saturating_sub(base) < u64::from(u32::MAX)
            && self.may_write(chunk);
        if is_good && !chunk.is_free(at) {
            // Before the look for pins: who comes later does not see a record.
            chunk.free(&self.space, at, room.extent);
            chunk.note_marked();
            fence(SeqCst);
        }
        if !is_good || chunk.is_pinned() {
            chunk.pending.fetch_sub(1, SeqCst);
            self.note_empty(chunk);
            return None;
        }
        // Whoever had it pinned has read before.
        fence(SeqCst);
        Some((chunk, at))
    }
}
