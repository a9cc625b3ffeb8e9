//! From a key to its record.
//!
//! A reader takes no lock. It finds an entry, pins the entry's chunk, and looks
//! whether the entry is still there. A writer first takes the entry out of the
//! index, and later, before the room is written to, looks for pins. Between its
//! two steps a writer has a fence, and both of a reader's are `SeqCst`, so at
//! least one of them sees the other: a record whose entry was still there after
//! the pin stays as it is until the pin goes.

use crate::{
    chunk::{CHUNK, Chunk},
    database::Core,
    index::{Entry, Hash},
    pins::Pin,
    raw::memory::Memory,
    record::{self, Salt, Seen, State},
    space::LINE,
    sync::hint,
};
use kumo_plugin::{Error, LogLevel};
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

/// How often a reader tries without the lock, when entries are moved or records
/// replaced under its eyes.
const TRIES: usize = 8;

/// What `Space::prefetch` brings near.
const NEAR: usize = 2 * LINE;
/// What is worth to be brought near before it is looked at: of more, the
/// processor sees itself where it goes on.
const MOST_PREFETCHED: usize = 2048;

/// A value, and the pin that keeps it where it is.
pub(crate) struct Pinned<'a> {
    pub pin: Pin<'a>,
    pub value: &'a [u8],
}

/// What one try found.
enum Try<'a> {
    Found(Pinned<'a>),
    Absent,
    Damaged(Entry),
    /// It changed meanwhile.
    Again,
}

/// What a key's entry is, for who holds the shard's lock.
pub(crate) enum Current<'a> {
    /// There is none.
    None,
    /// A record, whole or with a damaged value.
    Record(Entry, &'a Chunk, Seen<'a>),
    /// One that cannot be read; by its hash it is this key's.
    Unreadable(Entry),
}

impl Core {
    #[inline]
    pub fn hash(&self, key: &[u8]) -> Hash {
        Hash::of(key, self.space.seed, self.mask)
    }

    /// The chunk of an offset, and the place in it.
    #[inline]
    pub fn place(&self, offset: u64) -> Option<(&Chunk, usize)> {
        let chunk = self.space.chunk((offset / CHUNK as u64) as u32)?;
        Some((chunk, (offset % CHUNK as u64) as usize))
    }

    /// The record at an offset, which the caller keeps where it is.
    #[inline]
    pub fn see(&self, offset: u64) -> Option<(&Chunk, Seen<'_>)> {
        let (chunk, at) = self.place(offset)?;
        let seen = record::see(&chunk.memory, chunk.salt(self.space.seed), at, chunk.end())?;
        Some((chunk, seen))
    }

    /// Asks for what lies behind the first bytes of a record, which are near, to
    /// be brought near too.
    pub fn prefetch_rest(&self, offset: u64) {
        if let Some((chunk, at)) = self.place(offset) {
            let len = record::extent(chunk.memory.load_half(at)).min(MOST_PREFETCHED);
            (NEAR..len).step_by(LINE).for_each(|behind| chunk.memory.prefetch(at + behind));
        }
    }

    /// Finds a key's value. A damaged record is an error, never a miss.
    #[inline]
    pub fn get(&self, hash: Hash, key: &[u8]) -> Result<Option<Pinned<'_>>, Error> {
        for _ in 0..TRIES {
            match self.try_get(hash, key) {
                Try::Found(pinned) => return Ok(Some(pinned)),
                Try::Absent => return Ok(None),
                Try::Damaged(entry) => return Err(self.damage(entry.offset())),
                Try::Again => hint::spin_loop(),
            }
        }
        self.get_locked(hash, key)
    }

    #[cold]
    fn get_locked(&self, hash: Hash, key: &[u8]) -> Result<Option<Pinned<'_>>, Error> {
        let _locked = self.lock(hash.shard())?;
        match self.current(hash, key) {
            Current::None => Ok(None),
            Current::Record(_, _, seen) if !seen.kind.is_put() => Ok(None),
            Current::Record(_, chunk, seen) if seen.state == State::Intact => {
                Ok(Some(Pinned { pin: chunk.pin(), value: seen.value }))
            }
            Current::Record(entry, ..) | Current::Unreadable(entry) => {
                Err(self.damage(entry.offset()))
            }
        }
    }

    #[inline]
    fn try_get<'a>(&'a self, hash: Hash, key: &[u8]) -> Try<'a> {
        let shard = hash.shard();
        let Some(version) = self.index.version(shard) else { return Try::Again };
        let (mut result, mut unreadable) = (None, None);
        self.index.find(hash, |entry, slot| {
            // Meanwhile it is pinned.
            self.space.prefetch(entry.offset());
            let Some((chunk, at)) = self.place(entry.offset()) else {
                result = Some(Try::Again);
                return true;
            };
            let pin = chunk.pin();
            if slot.load(SeqCst) != entry.0 {
                result = Some(Try::Again);
                return true;
            }
            let salt = chunk.salt(self.space.seed);
            match record::see(&chunk.memory, salt, at, chunk.end()) {
                Some(seen) if seen.state == State::Intact => {
                    if seen.key != key {
                        return false;
                    }
                    let is_put = seen.kind.is_put();
                    let found = || Try::Found(Pinned { pin, value: seen.value });
                    result = Some(if is_put { found() } else { Try::Absent });
                    true
                }
                Some(seen) if seen.state == State::BadValue && seen.key != key => false,
                // Its first word says that it is gone by now, or it is damaged.
                _ if slot.load(Acquire) != entry.0 => {
                    result = Some(Try::Again);
                    true
                }
                Some(seen) if seen.state == State::BadValue => {
                    result = Some(Try::Damaged(entry));
                    true
                }
                _ => {
                    unreadable = Some(entry);
                    false
                }
            }
        });
        match (result, unreadable) {
            (Some(result), _) => result,
            _ if !self.index.is_still(shard, version) => Try::Again,
            // The hash says that it was this key's: not a miss.
            (None, Some(entry)) => Try::Damaged(entry),
            (None, None) => Try::Absent,
        }
    }

    /// What the key's entry is. The caller holds the shard's lock, so no record
    /// of the shard goes.
    #[inline]
    pub fn current(&self, hash: Hash, key: &[u8]) -> Current<'_> {
        self.current_by(hash, key, record::see)
    }

    /// As `current`; whether the value is whole is not looked at.
    #[inline]
    pub fn current_head(&self, hash: Hash, key: &[u8]) -> Current<'_> {
        self.current_by(hash, key, record::see_head)
    }

    #[inline]
    fn current_by<'a>(
        &'a self,
        hash: Hash,
        key: &[u8],
        see: impl Fn(&'a Memory, Salt, usize, usize) -> Option<Seen<'a>>,
    ) -> Current<'a> {
        let mut current = Current::None;
        let see = |offset| {
            let (chunk, at) = self.place(offset)?;
            let seen = see(&chunk.memory, chunk.salt(self.space.seed), at, chunk.end())?;
            Some((chunk, seen))
        };
        self.index.find(hash, |entry, _| match see(entry.offset()) {
            Some((chunk, seen)) if seen.state != State::BadHead => {
                let is_it = seen.key == key;
                if is_it {
                    current = Current::Record(entry, chunk, seen);
                }
                is_it
            }
            _ => {
                current = Current::Unreadable(entry);
                false
            }
        });
        current
    }

    /// Counts and logs that the record there is damaged; the error says so.
    #[cold]
    pub fn damage(&self, offset: u64) -> Error {
        let text = format!(
            "{}: the record at offset {offset} is damaged; set its key again, or restore it from \
             a backup",
            self.space.path.display(),
        );
        self.report_damage(&text);
        Error::corrupt(text)
    }

    /// Counts and logs something damaged.
    pub fn report_damage(&self, text: &str) {
        self.damaged.fetch_add(1, Relaxed);
        kumo_plugin::log(LogLevel::Error, text);
    }
}
