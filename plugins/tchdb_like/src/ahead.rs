//! Reading ahead, for those who walk through many chunks.
//!
//! The mapping is read page by page, since a get wants one. Who walks wants all
//! of a chunk and then the next; but to ask the system for what it has in memory
//! costs a tenth of a walk. So it is asked only when a chunk has taken as long as
//! none does that is in memory, and then for a while.

use crate::{
    chunk::{CHUNK, Chunk},
    space::Space,
};
use rustix::fs::{Advice, fadvise};
use std::{
    num::NonZeroU64,
    ops::Range,
    time::{Duration, Instant},
};

/// No chunk that is in memory takes so long. If it does, since its reader is slow
/// or had to wait, some calls are for nothing.
const SLOW: Duration = Duration::from_micros(300);

/// For how many chunks the system is asked after a slow one; each time for longer,
/// since to find out anew takes a slow one.
const FIRST: u32 = 16;
const GROWTH: u32 = 4;
const MOST: u32 = 4096;

/// How many chunks are asked for before they are walked: two mebibytes.
const AHEAD: usize = 8;

/// One walk.
pub(crate) struct Ahead<'a> {
    space: &'a Space,
    since: Option<Instant>,
    /// For how many chunks more the system is to be asked; for how many the next
    /// time.
    left: u32,
    next: u32,
    /// The chunk of the list up to which it has been asked.
    asked: usize,
}

impl<'a> Ahead<'a> {
    pub fn new(space: &'a Space) -> Self {
        Self { space, since: None, left: 0, next: FIRST, asked: 0 }
    }

    /// The chunks with these numbers, each when it is its turn to be walked.
    pub fn through(space: &'a Space, numbers: &'a [u32]) -> impl Iterator<Item = &'a Chunk> {
        let mut ahead = Self::new(space);
        numbers.iter().enumerate().filter_map(move |(at, &number)| {
            ahead.step(numbers, at);
            space.chunk(number)
        })
    }

    /// Before a walk through the chunk at this place of the list.
    pub fn step(&mut self, chunks: &[u32], at: usize) {
        let now = Instant::now();
        let took = self.since.replace(now).map_or(Duration::ZERO, |since| now - since);
        for number in &chunks[self.wanted(at, chunks.len(), took)] {
            if let Some(chunk) = self.space.chunk(*number) {
                ask(self.space, chunk);
            }
        }
    }

    /// What is to be asked for, of so many; the one before took so long.
    fn wanted(&mut self, at: usize, count: usize, took: Duration) -> Range<usize> {
        if at == 0 {
            // Of the first one nothing is known.
            self.left = 1;
        } else if self.left == 0 && took > SLOW {
            self.left = self.next;
            self.next = (self.next * GROWTH).min(MOST);
        }
        if self.left == 0 {
            return 0..0;
        }
        self.left -= 1;
        let to = (at + AHEAD).min(count);
        let from = self.asked.clamp(at, to);
        self.asked = to;
        from..to
    }
}

/// Asks the system to read a chunk, or the run that begins there. Nothing waits.
pub(crate) fn ask(space: &Space, chunk: &Chunk) {
    for part in 0..chunk.chunks() {
        let at = chunk.offset() + u64::from(part) * CHUNK as u64;
        // Where the system cannot, it reads when it must.
        let _ = fadvise(&space.file, at, NonZeroU64::new(CHUNK as u64), Advice::WillNeed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_for_each_chunk_once_and_only_after_a_slow_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let file = std::fs::File::create(&path).unwrap();
        let space = Space::new(file, path, 1, 1, true);
        let mut ahead = Ahead::new(&space);
        let slow = SLOW * 2;
        assert_eq!(ahead.wanted(0, 1000, Duration::ZERO), 0..AHEAD);
        for at in 1..20 {
            assert!(ahead.wanted(at, 1000, SLOW / 2).is_empty());
        }
        assert_eq!(ahead.wanted(20, 1000, slow), 20..20 + AHEAD);
        for at in 21..20 + FIRST as usize {
            assert_eq!(ahead.wanted(at, 1000, SLOW / 2), at + AHEAD - 1..at + AHEAD);
        }
        // It is over, and the next time it lasts longer.
        assert!(ahead.wanted(36, 1000, SLOW / 2).is_empty());
        assert_eq!(ahead.wanted(37, 1000, slow), 43..45);
        for at in 38..37 + (FIRST * GROWTH) as usize {
            assert_eq!(ahead.wanted(at, 1000, slow).len(), 1);
        }
        // To the end, by threads that share a walk.
        let mut ahead = Ahead::new(&space);
        assert_eq!(ahead.wanted(5, 12, slow), 5..12);
        assert!(ahead.wanted(11, 12, slow).is_empty());
        assert!(ahead.wanted(0, 0, slow).is_empty());
    }
}
