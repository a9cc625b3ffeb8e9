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
    sync::atomic::{Ordering::SeqCst, fence},
};
use kumo_plugin::{Error, ErrorCode};

/// How many rooms are looked at before a record is appended.
const ROOM_TRIES: usize = 4;

/// Room for a record, nobody else's: it counts as pending in its chunk.
pub(crate) struct Place<'a> {
    pub chunk: &'a Chunk,
    pub at: usize,
    pub extent: usize,
}

/// A record that another is to take the place of.
#[derive(Clone, Copy)]
pub(crate) struct Old<'a> {
    pub entry: Entry,
    /// None: it cannot be read.
    pub at: Option<(&'a Chunk, Seen<'a>)>,
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

    pub fn is_put(&self) -> bool {
        self.at.is_none_or(|(_, seen)| seen.kind.is_put())
    }
}

/// A record to be written.
#[derive(Clone, Copy)]
pub(crate) struct New<'a> {
    pub hash: Hash,
    pub key: &'a [u8],
    /// None: a delete.
    pub val: Option<&'a [u8]>,
}

impl<'a> New<'a> {
    pub fn value(&self) -> &'a [u8] {
        self.val.unwrap_or_default()
    }

    /// The bytes of key and value.
    #[inline]
    pub fn len(&self) -> usize {
        self.key.len().saturating_add(self.value().len())
    }

    /// Whether it is to stand alone.
    #[inline]
    pub fn is_large(&self) -> bool {
        self.len() > MAX_SHARED || self.key.len() > usize::from(u16::MAX)
    }

    /// As it is written to an extent of a chunk; 0: to a run of its own.
    #[inline]
    pub fn record(&self, chunk: &Chunk, sequence: u64, extent: usize) -> Record<'a> {
        let kind = match (self.val, extent) {
            (Some(_), 1..) => Kind::Put,
            (None, 1..) => Kind::Delete,
            (Some(_), 0) => Kind::LargePut,
            (None, 0) => Kind::LargeDelete,
        };
        let delta = (sequence - chunk.base()) as u32;
        Record { kind, delta, key: self.key, value: self.value(), extent }
    }
}

/// Why nothing was stored.
#[cold]
pub(crate) fn no_room_in_index() -> Error {
    Error::new(ErrorCode::Memory, "the index has no room for more records")
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
        self.note_begun(inner);
        if old.is_none() && !self.index.make_room(hash.shard()) {
            return Err(no_room_in_index());
        }
        let new = New { hash, key, val };
        let sequence = self.space.floor.load(SeqCst).max(inner.sequence + 1);
        // What a batch has written may share a chunk though it is large; then it fits
        // where moves go on a full disk.
        let has_shared = || old.and_then(|old| old.at).is_some_and(|(_, seen)| seen.extent > 0);
        let place = if new.is_large() && !(need == Need::Move && has_shared()) {
            self.place_large(new.len() as u64, sequence)?
        } else {
            self.place_shared(inner, record::size(key.len(), new.value().len()), sequence, need)?
        };
        self.store_at(inner, &new, old, &place, sequence)
    }

    /// Writes a record to its place, and puts it in the place of the old one. There
    /// is room for it in the index.
    #[inline]
    pub fn store_at(
        &self,
        inner: &mut Inner,
        new: &New<'_>,
        old: Option<Old<'_>>,
        place: &Place<'_>,
        least: u64,
    ) -> Result<(), Error> {
        let &Place { chunk, at, extent } = place;
        let sequence = least.max(chunk.base());
        inner.sequence = sequence;
        let salt = chunk.salt(self.space.seed);
        record::write(&chunk.memory, salt, at, &new.record(chunk, sequence, extent));
        if let Err(fault) = self.space.check() {
            // It may stand nowhere but in memory: the old one stays the key's.
            chunk.free(&self.space, at, extent);
            chunk.count.give_up();
            return Err(fault);
        }
        self.put_in_place(inner, new, old, place, sequence);
        Ok(())
    }

    /// Puts a record that has been written in the place of the old one.
    #[inline]
    pub fn put_in_place(
        &self,
        inner: &mut Inner,
        new: &New<'_>,
        old: Option<Old<'_>>,
        place: &Place<'_>,
        sequence: u64,
    ) {
        let (hash, shard) = (new.hash, new.hash.shard());
        let &Place { chunk, at, extent } = place;
        inner.written += new.len() as u64;
        let entry = hash.entry(chunk.offset() + at as u64);
        let weight = match extent {
            0 => (FIRST + LARGE_HEAD + new.len()).next_multiple_of(4096) as u32,
            extent => extent as u32,
        };
        self.shards[shard].add_live(weight);
        if new.val.is_none() {
            chunk.deletes.fetch_add(1, SeqCst);
        }
        if let Some(old) = &old {
            let scan = self.before_leaving(old, sequence);
            self.index.replace(hash, old.entry, entry);
            self.leave(inner, shard, old, scan);
        } else {
            self.index.insert(shard, entry);
        }
        chunk.count.end(weight);
        match (new.val.is_some(), old.is_some_and(|old| old.is_put())) {
            (true, false) => self.shards[shard].count_more(),
            (false, true) => self.shards[shard].count_less(),
            _ => {}
        }
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
        if self.must_say(&old) {
            self.store(inner, hash, key, None, Some(old), Need::Delete)?;
            return Ok(());
        }
        let sequence = self.space.floor.load(SeqCst).max(inner.sequence + 1);
        inner.sequence = sequence;
        self.take_out(inner, hash, &old, sequence);
        Ok(())
    }

    /// Whether a delete of this record must be a record itself.
    pub fn must_say(&self, old: &Old<'_>) -> bool {
        self.hides || old.at.is_none()
    }

    /// Takes a put out of the index, with nothing in its place.
    pub fn take_out(&self, inner: &mut Inner, hash: Hash, old: &Old<'_>, sequence: u64) {
        let shard = hash.shard();
        let scan = self.before_leaving(old, sequence);
        self.index.remove(hash, old.entry);
        self.leave(inner, shard, old, scan);
        self.shards[shard].count_less();
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
        if need == Need::Move {
            // Room that others left is in chunks that are emptied next.
            let appended = self.append(size, sequence, need);
            if !appended.as_ref().is_err_and(|error| error.code() == ErrorCode::Full) {
                return appended;
            }
            return self.used_room(inner, size, sequence).map_or(appended, Ok);
        }
        match self.used_room(inner, size, sequence) {
            Some(place) => Ok(place),
            None => self.append(size, sequence, need),
        }
    }

    /// Room that an earlier record has left.
    #[inline]
    pub fn used_room(&self, inner: &mut Inner, size: usize, sequence: u64) -> Option<Place<'_>> {
        for _ in 0..ROOM_TRIES {
            let room = inner.rooms.pop(size)?;
            if let Some((chunk, at)) = self.claim(&room, sequence) {
                return Some(Place { chunk, at, extent: room.extent });
            }
        }
        None
    }

    /// Makes a room the caller's, if it is still one and nobody looks at what
    /// stood there.
    fn claim(&self, room: &Room, sequence: u64) -> Option<(&Chunk, usize)> {
        let (chunk, at) = self.place(room.offset)?;
        // First this, then the look at the use: so who ends the use sees it, or
        // is seen.
        chunk.count.begin();
        // In this order: the use that counts is not older than the base.
        let usage = chunk.usage();
        let base = chunk.base();
        let is_good = matches!(usage, Use::Full | Use::Tail)
            && Room::base_bits(base) == room.base
            && sequence.saturating_sub(base) < u64::from(u32::MAX)
            && self.may_write(chunk);
        if is_good && !chunk.is_free(at) {
            // Before the look for pins: who comes later does not see a record.
            chunk.free(&self.space, at, room.extent);
            chunk.note_marked();
        }
        fence(SeqCst);
        if !is_good || chunk.is_pinned() {
            chunk.count.give_up();
            self.note_empty(chunk);
            return None;
        }
        Some((chunk, at))
    }
}
