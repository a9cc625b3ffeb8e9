//! Emptying chunks of which little is left, so that they can be used again.
//!
//! A record moves as if it were set again with the value that it has: under its
//! shard's lock, with a new sequence number, the old one on its way out. So a
//! process may end at any instant, and readers, writers and scans know no
//! difference.

use crate::{
    ahead,
    chunk::{CHUNK, Chunk, Use},
    database::Core,
    index::Hash,
    record::{Seen, State},
    space::Need,
    write::Old,
};
use kumo_plugin::{Error, ErrorCode, LogLevel};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Chunks that are fuller than this stay as they are.
const FULL_ENOUGH: u32 = (CHUNK / 16 * 15) as u32;
/// The bytes of empty chunks that make a sync worth while.
pub(crate) const BATCH: u64 = 4 << 20;
/// How many chunks are emptied for a write that found no room.
const VICTIMS: usize = 8;

impl Core {
    /// Empties the chunk with the least in it. False: there is none that is
    /// worth it.
    pub fn empty_one(&self) -> Result<bool, Error> {
        let _one_at_a_time = self.compacting.lock();
        let candidates = self.space.with_records().filter(|chunk| chunk.usage() == Use::Full);
        let least = candidates
            .map(|chunk| (chunk.count.live(), chunk))
            .filter(|(live, _)| (1..FULL_ENOUGH).contains(live))
            .min_by_key(|(live, _)| *live);
        match least {
            Some((_, chunk)) => self.empty(chunk).map(|()| true),
            None => Ok(false),
        }
    }

    /// Empties every chunk from which there is something to be had.
    pub fn compact(&self) -> Result<(), Error> {
        self.check_health()?;
        self.touch()?;
        self.settle()?;
        let worth = |chunk: &&Chunk| {
            chunk.usage() == Use::Full && (1..FULL_ENOUGH).contains(&chunk.count.live())
        };
        let chunks: Vec<u32> =
            self.space.with_records().filter(worth).map(|chunk| chunk.number).collect();
        for number in chunks {
            let empty = || {
                let _one_at_a_time = self.compacting.lock();
                self.space.chunk(number).filter(worth).map_or(Ok(()), |chunk| self.empty(chunk))
            };
            match empty() {
                // Where the disk is full, the next one goes to where others were.
                Err(error) if error.code() == ErrorCode::Full => {
                    self.settle()?;
                    empty()?;
                }
                done => done?,
            }
            if self.clearing() > BATCH {
                self.sync_if_promised()?;
                self.reclaim();
            }
        }
        self.purge()?;
        self.settle()?;
        self.space.keep(0);
        Ok(())
    }

    /// Gives back the chunks in which nothing is left.
    pub fn settle(&self) -> Result<(), Error> {
        self.sync_if_promised()?;
        self.reclaim();
        Ok(())
    }

    /// After a write that found no room: what can be cleared away goes now.
    pub fn make_room(&self) {
        let cleared = self.purge().and_then(|()| {
            for _ in 0..VICTIMS {
                let emptied = if self.is_worth_emptying() { self.empty_one() } else { Ok(false) };
                // Each time: the next one goes to where the last one was.
                if self.clearing() > 0 {
                    self.settle()?;
                }
                if !emptied? {
                    break;
                }
            }
            Ok(())
        });
        // The caller tells of the failure that led here.
        drop(cleared);
    }

    fn empty(&self, chunk: &Chunk) -> Result<(), Error> {
        // From here on the index that was saved does not hold.
        self.touch()?;
        if !chunk.turn(Use::Full, Use::Leaving) {
            return Ok(());
        }
        // Dropped before the chunk is taken back.
        let pin = chunk.pin();
        self.has_written.store(true, SeqCst);
        ahead::ask(&self.space, chunk);
        let (mut failure, mut is_stuck) = (None, false);
        let is_readable = self.walk_records(chunk, |at, seen, hash| {
            let offset = chunk.offset() + at as u64;
            if seen.state != State::Intact {
                // To give it a new check would be to vouch for it.
                is_stuck |= self.is_live(hash, offset);
                return true;
            }
            failure = self.move_away(hash, chunk, at, seen).err();
            failure.is_none()
        });
        drop(pin);
        {
            // Who takes chunks back has looked at this one's count, or will.
            let _held = self.reclaiming.lock();
            let is_left = !chunk.count.is_empty();
            // What is left where something cannot be read may be just that.
            is_stuck |= is_left && !is_readable && failure.is_none();
            if is_stuck {
                chunk.turn(Use::Leaving, Use::Stuck);
            } else if is_left {
                // It failed, or a record came to room that had been given out before.
                chunk.turn(Use::Leaving, Use::Full);
            }
        }
        self.moved.fetch_add(1, Relaxed);
        self.note_empty(chunk);
        failure.map_or(Ok(()), Err)
    }

    fn is_live(&self, hash: Hash, offset: u64) -> bool {
        // Of an index that cannot be read nothing is known.
        let Ok(_locked) = self.lock(hash.shard()) else { return true };
        self.index.has(hash, hash.entry(offset))
    }

    /// Writes an intact record of a chunk that is leaving to another place, if it is
    /// still its key's. Nothing else can have come to where it stands: no room of
    /// such a chunk is given out.
    fn move_away(
        &self,
        hash: Hash,
        chunk: &Chunk,
        at: usize,
        seen: &Seen<'_>,
    ) -> Result<(), Error> {
        let entry = hash.entry(chunk.offset() + at as u64);
        let mut inner = self.lock(hash.shard())?;
        if !self.index.has(hash, entry) {
            return Ok(());
        }
        self.secure_batches()?;
        let value = seen.kind.is_put().then_some(seen.value);
        let old = Old { entry, at: Some((chunk, *seen)) };
        self.store(&mut inner, hash, seen.key, value, Some(old), Need::Move).inspect_err(|error| {
            kumo_plugin::log(LogLevel::Warn, &format!("cannot move a record: {error}"));
        })
    }
}
