//! Tails: the chunks at whose ends records are appended.

use crate::{
    chunk::{CHUNK, Chunk, Use},
    database::Core,
    space::Need,
    sync::{self, Mutex, MutexGuard},
    write::Place,
};
use kumo_plugin::{Error, ErrorCode};

/// What is left of a tail for later, when the next record does not fit.
const WORTH_KEEPING: usize = 16 << 10;
/// The most tails that are kept for later.
const MOST_KEPT: usize = 16;

impl Core {
    /// Takes room at the end of a chunk. What makes room, a delete or a move, may
    /// take what is left for it where there is no other.
    pub fn append(&self, size: usize, sequence: u64, need: Need) -> Result<Place<'_>, Error> {
        let mut tail = self.any_tail();
        if let Some(place) = self.append_to(&mut tail, size, sequence, true)? {
            return Ok(place);
        }
        if let Some(chunk) = self.kept_with(size, sequence) {
            *tail = Some(chunk.number);
            return Ok(self.take_end(chunk, size));
        }
        let opened = self.space.open_shared(sequence, Need::Store);
        if need != Need::Store
            && opened.as_ref().is_err_and(|error| error.code() == ErrorCode::Full)
        {
            drop(tail);
            let mut tail = self.spare_tail.lock();
            if let Some(place) = self.append_to(&mut tail, size, sequence, false)? {
                return Ok(place);
            }
            return Ok(self.begin_tail(&mut tail, self.space.open_shared(sequence, need)?, size));
        }
        let place = self.begin_tail(&mut tail, opened?, size);
        self.look_at_room();
        Ok(place)
    }

    /// Takes room in the present tail, or ends it.
    fn append_to(
        &self,
        tail: &mut Option<u32>,
        size: usize,
        sequence: u64,
        is_kept: bool,
    ) -> Result<Option<Place<'_>>, Error> {
        let Some(number) = *tail else { return Ok(None) };
        let chunk = self.space.map(number)?;
        if chunk.used() + size <= CHUNK
            && sequence.saturating_sub(chunk.base()) < u64::from(u32::MAX)
        {
            return Ok(Some(self.take_end(chunk, size)));
        }
        *tail = None;
        chunk.set_usage(Use::Full);
        if is_kept && CHUNK - chunk.used() >= WORTH_KEEPING {
            self.keep(number);
        }
        self.note_empty(chunk);
        Ok(None)
    }

    fn begin_tail<'a>(&self, tail: &mut Option<u32>, chunk: &'a Chunk, size: usize) -> Place<'a> {
        *tail = Some(chunk.number);
        let place = self.take_end(chunk, size);
        // As a tail, and with a record to come, it is not empty.
        chunk.count.give_up();
        place
    }

    fn take_end<'a>(&self, chunk: &'a Chunk, size: usize) -> Place<'a> {
        let at = chunk.used();
        chunk.count.begin();
        // What stands behind ends the chunk, whatever was there before.
        if at + size < CHUNK {
            chunk.memory.store_half(at + size, 0);
        }
        // From here on whoever reads the chunk steps over it.
        chunk.free(&self.space, at, size);
        chunk.set_used(at + size);
        Place { chunk, at, extent: size }
    }

    /// A tail that no other thread is using just now, if there is one.
    fn any_tail(&self) -> MutexGuard<'_, Option<u32>> {
        let (mine, count) = (sync::thread_number(), self.tails.len());
        for step in 0..count {
            if let Some(tail) = self.tails[(mine + step) % count].try_lock() {
                return tail;
            }
        }
        self.tails[mine % count].lock()
    }

    /// Those of writers, and the spare one.
    pub fn all_tails(&self) -> impl Iterator<Item = &Mutex<Option<u32>>> {
        self.tails.iter().chain([&self.spare_tail])
    }

    /// Lets nothing more go behind the records of the present tails.
    pub fn end_tails(&self) {
        for tail in self.all_tails() {
            if let Some(chunk) = tail.lock().take().and_then(|number| self.space.chunk(number)) {
                chunk.set_usage(Use::Full);
                self.note_empty(chunk);
            }
        }
    }

    /// Keeps what is left of a chunk for a later tail.
    pub fn keep(&self, number: u32) {
        let mut kept = self.kept.lock();
        kept.push(number);
        if kept.len() > MOST_KEPT {
            kept.remove(0);
        }
    }

    fn kept_with(&self, size: usize, sequence: u64) -> Option<&Chunk> {
        let fits = |chunk: &Chunk| {
            chunk.used() + size <= CHUNK
                && sequence.saturating_sub(chunk.base()) < u64::from(u32::MAX)
        };
        let mut kept = self.kept.lock();
        let at = kept.iter().position(|number| self.space.chunk(*number).is_some_and(fits))?;
        let number = kept.swap_remove(at);
        let chunk = self.space.chunk(number)?;
        // It may be leaving, or have another use by now.
        if !chunk.turn(Use::Full, Use::Tail) {
            return None;
        }
        // Between the looks it may have come to another use; only now it stays.
        if !fits(chunk) {
            chunk.set_usage(Use::Full);
            return None;
        }
        if !self.may_write(chunk) {
            // After the next sync it may be.
            chunk.set_usage(Use::Full);
            kept.push(number);
            self.note_empty(chunk);
            return None;
        }
        Some(chunk)
    }
}
