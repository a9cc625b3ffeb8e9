//! Changes to the index: each under the lock of its shard.

use super::{Entry, Hash, Index, PAGE, SLOTS, SPILL};
use crate::sync::{
    atomic::{
        Ordering::{Relaxed, Release, SeqCst},
        fence,
    },
    mapped::Word,
};

impl Index {
    /// Puts `new` in the place of `old`. Under the shard's lock.
    pub fn replace(&self, hash: Hash, old: Entry, new: Entry) {
        self.find(hash, |found, slot| {
            let is_it = found == old;
            if is_it {
                slot.store(new.0, Release);
            }
            is_it
        });
    }

    /// Makes room for one more entry, so that `insert` cannot fail. Under the
    /// shard's lock. False: there is no more address space.
    pub fn make_room(&self, shard: usize) -> bool {
        let table = &self.tables[shard];
        let lines = table.lines.load(Relaxed);
        let entries = table.entries.load(Relaxed);
        // Five sixths full is where lines begin to overflow much.
        if u64::from(entries + 1) * 6 <= u64::from(lines) * SLOTS as u64 * 5
            && self.has_gap(shard, lines)
        {
            return true;
        }
        self.grow(shard)
    }

    /// As `make_room`, for entries of all these tags, which are in order.
    pub fn make_room_for_all(&self, shard: usize, tags: &[u64]) -> bool {
        while !self.fits_all(shard, tags) {
            if !self.grow(shard) {
                return false;
            }
        }
        true
    }

    /// Makes a table larger by about a sixth, in whole pages. False: there is no more
    /// address space.
    fn grow(&self, shard: usize) -> bool {
        let lines = self.tables[shard].lines.load(Relaxed);
        let step = (lines / 6).max(PAGE as u32) / PAGE as u32 * PAGE as u32;
        let mut more = lines + step;
        while !self.resize(shard, more) {
            if (more as usize + SPILL) * SLOTS > self.stride {
                return false;
            }
            more += step;
        }
        true
    }

    /// Whether entries of these tags find room, in whatever order they come. An
    /// entry finds none if all slots from its home on are taken. So there must be,
    /// from every line on, as many free slots as there are entries whose home is
    /// that line or a later one.
    fn fits_all(&self, shard: usize, tags: &[u64]) -> bool {
        let lines = self.tables[shard].lines.load(Relaxed);
        let mut rest = tags;
        let mut free = 0;
        for line in (0..lines as usize + SPILL).rev() {
            let slots = &self.slots(shard)[line * SLOTS..][..SLOTS];
            free += slots.iter().filter(|slot| slot.load(Relaxed) == 0).count();
            if free >= tags.len() {
                return true;
            }
            rest = &rest[..rest.partition_point(|tag| Self::home(*tag, lines) < line)];
            if tags.len() - rest.len() > free {
                return false;
            }
        }
        tags.is_empty()
    }

    /// Whether the last line is free, so that an entry finds room wherever its
    /// home is.
    fn has_gap(&self, shard: usize, lines: u32) -> bool {
        let last = (lines as usize + SPILL - 1) * SLOTS;
        self.slots(shard)[last].load(Relaxed) == 0
    }

    /// Spreads the entries over so many lines. False: they do not fit.
    fn resize(&self, shard: usize, lines: u32) -> bool {
        let total = (lines as usize + SPILL) * SLOTS;
        if total > self.stride {
            return false;
        }
        let table = &self.tables[shard];
        let old = table.lines.load(Relaxed);
        let slots = self.slots(shard);
        let entries: Vec<u64> = self.entries(shard);
        self.moving(shard, || {
            let spread = |lines: u32| {
                let used = (old.max(lines) as usize + SPILL) * SLOTS;
                slots[..used].iter().for_each(|slot| slot.store(0, Relaxed));
                table.lines.store(lines, Release);
                entries.iter().all(|&entry| self.insert_raw(shard, Entry(entry)))
                    && self.has_gap(shard, lines)
            };
            spread(lines) || {
                // As it was: in that order they did fit.
                let fits = spread(old);
                debug_assert!(fits || entries.len() > old as usize * SLOTS / 2);
                false
            }
        })
    }

    /// Moves entries: readers who miss meanwhile look again.
    fn moving<T>(&self, shard: usize, work: impl FnOnce() -> T) -> T {
        let version = &self.tables[shard].version;
        if self.is_absent(shard) {
            return work();
        }
        version.store(version.load(Relaxed).wrapping_add(1), Relaxed);
        fence(SeqCst);
        let done = work();
        version.store(version.load(Relaxed).wrapping_add(1), Release);
        done
    }

    /// Adds an entry for which room has been made. Under the shard's lock.
    pub fn insert(&self, shard: usize, entry: Entry) -> bool {
        let done = self.insert_raw(shard, entry);
        if done {
            // Under the lock: no need of an exchange.
            let entries = &self.tables[shard].entries;
            entries.store(entries.load(Relaxed) + 1, Relaxed);
        }
        done
    }

    /// As `insert`, where nothing has made room. False: there is none.
    pub fn insert_growing(&self, shard: usize, entry: Entry) -> bool {
        let lines = self.tables[shard].lines.load(Relaxed);
        (self.has_gap(shard, lines) || self.make_room(shard)) && self.insert(shard, entry)
    }

    fn insert_raw(&self, shard: usize, entry: Entry) -> bool {
        let lines = self.tables[shard].lines.load(Relaxed);
        let slots = &self.slots(shard)[..(lines as usize + SPILL) * SLOTS];
        let (all, _) = slots.as_chunks::<SLOTS>();
        for line in &all[Self::home(entry.tag(), lines)..] {
            // All eight at once: the processor cannot guess which it will be.
            let is_empty = |at: usize| u32::from(line[at].load(Relaxed) == 0) << at;
            let empty = (0..SLOTS).fold(0, |empty, at| empty | is_empty(at));
            if empty != 0 {
                line[empty.trailing_zeros() as usize].store(entry.0, Release);
                return true;
            }
        }
        false
    }

    /// Removes an entry. Under the shard's lock. False: it is not there.
    pub fn remove(&self, hash: Hash, entry: Entry) -> bool {
        let shard = hash.shard();
        let slots = self.slots(shard);
        let table = &self.tables[shard];
        let lines = table.lines.load(Relaxed);
        let from = Self::home(entry.tag(), lines) * SLOTS;
        let end = (lines as usize + SPILL) * SLOTS;
        let Some(at) = (from..end).find(|&at| slots[at].load(Relaxed) == entry.0) else {
            return false;
        };
        table.entries.store(table.entries.load(Relaxed) - 1, Relaxed);
        let is_full =
            |line: usize| slots[line * SLOTS..][..SLOTS].iter().all(|slot| slot.load(Relaxed) != 0);
        // Behind a line that was not full nothing belongs to it.
        if !is_full(at / SLOTS) || self.follower(slots, at / SLOTS, lines).is_none() {
            slots[at].store(0, Release);
            return true;
        }
        self.moving(shard, || {
            let mut hole = at;
            while let Some(next) = self.follower(slots, hole / SLOTS, lines) {
                slots[hole].store(slots[next].load(Relaxed), Release);
                hole = next;
            }
            slots[hole].store(0, Release);
        });
        true
    }

    /// The first slot behind a full line, before the next line that is not full,
    /// whose entry would rather stand in it.
    fn follower(&self, slots: &[Word], line: usize, lines: u32) -> Option<usize> {
        for next in line + 1..lines as usize + SPILL {
            let mut empty = false;
            for (at, slot) in slots.iter().enumerate().skip(next * SLOTS).take(SLOTS) {
                let word = slot.load(Relaxed);
                if word == 0 {
                    empty = true;
                } else if Self::home(Entry(word).tag(), lines) <= line {
                    return Some(at);
                }
            }
            if empty {
                return None;
            }
        }
        None
    }

    /// A table's entries, in its order. Under the shard's lock.
    pub fn entries(&self, shard: usize) -> Vec<u64> {
        let table = &self.tables[shard];
        if self.len(shard) == 0 {
            // Where nothing has been written, reading takes memory too.
            return Vec::new();
        }
        let used = (table.lines.load(Relaxed) as usize + SPILL) * SLOTS;
        let slots = &self.slots(shard)[..used];
        slots.iter().map(|slot| slot.load(Relaxed)).filter(|word| *word != 0).collect()
    }

    /// Makes room for so many entries at once, if there is not room for `now`.
    pub fn make_room_for(&self, shard: usize, now: usize, expected: usize) {
        let lines = self.tables[shard].lines.load(Relaxed) as usize;
        if now * 6 > lines * SLOTS * 5 {
            // If they do not fit, they find room one by one, or none.
            self.resize(shard, Self::lines_for(expected.max(now)) as u32);
        }
    }

    /// Gives back what was too much. Under the shard's lock.
    pub fn fit(&self, shard: usize) {
        let (lines, entries) = (self.tables[shard].lines.load(Relaxed), self.len(shard));
        let enough = Self::lines_for(entries as usize) as u32;
        if lines > enough + enough / 8 + 1 {
            self.resize(shard, enough);
        }
    }

    /// The lines for a table of so many entries: four fifths full, but for what
    /// remains of the last page.
    fn lines_for(entries: usize) -> usize {
        (entries * 5 / 32 + SPILL + 1).next_multiple_of(PAGE) - SPILL
    }

    /// Makes a table that is absent empty.
    pub fn clear(&self, shard: usize) {
        let table = &self.tables[shard];
        let used = (table.lines.load(Relaxed) as usize + SPILL) * SLOTS;
        self.slots(shard)[..used].iter().for_each(|slot| slot.store(0, Relaxed));
        table.entries.store(0, Relaxed);
    }

    /// Makes an empty table one of so many entries at once.
    pub fn prepare(&self, shard: usize, entries: usize) {
        let lines = Self::lines_for(entries).min(self.stride / SLOTS - SPILL);
        self.tables[shard].lines.store(lines as u32, Release);
    }
}
