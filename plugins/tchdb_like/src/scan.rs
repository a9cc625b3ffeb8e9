//! Scans: every record of one point in time, in the file's order.
//!
//! A scan begins at a moment when no writer is at work, which divides all
//! sequence numbers: those up to the cut were there. Records that are newer are
//! passed over. A writer that takes away a record of before the cut says so to
//! the scan first (`hold`), and the record's room is kept until the scan has
//! ended; so the scan finds it where it was.

use crate::{
    ahead::Ahead,
    chunk::Chunk,
    database::Core,
    pins::Pin,
    record::{Seen, State, see_gone},
    sync::{
        Arc, Mutex,
        atomic::{
            AtomicU64, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
            fence,
        },
    },
    walk::{Item, Visitor, walk_to},
};
use kumo_plugin::{Error, Visit};
use std::collections::HashSet;

/// The scans that are under way.
#[derive(Default)]
pub(crate) struct Scans {
    count: AtomicUsize,
    last: AtomicU64,
    running: Mutex<Vec<Arc<Scan>>>,
}

/// One of them.
pub(crate) struct Scan {
    id: u64,
    /// The highest sequence number that was there when it began.
    cut: u64,
    /// The offsets of records that it is to see, though they have gone.
    held: Mutex<HashSet<u64>>,
    held_count: AtomicUsize,
}

impl Scans {
    /// Tells the scans that are to see the record at `offset` that it goes. The
    /// newest of them, or 0.
    #[inline]
    pub fn hold(&self, offset: u64, sequence: u64, successor: u64) -> u64 {
        if self.count.load(SeqCst) == 0 { 0 } else { self.hold_for(offset, sequence, successor) }
    }

    #[cold]
    fn hold_for(&self, offset: u64, sequence: u64, successor: u64) -> u64 {
        let mut newest = 0;
        for scan in self.running.lock().iter() {
            if sequence <= scan.cut && scan.cut < successor {
                scan.held.lock().insert(offset);
                scan.held_count.fetch_add(1, SeqCst);
                newest = newest.max(scan.id);
            }
        }
        newest
    }

    /// The oldest scan's number; above all numbers where there is none.
    pub fn oldest(&self) -> u64 {
        if self.count.load(SeqCst) == 0 {
            return u64::MAX;
        }
        self.running.lock().iter().map(|scan| scan.id).min().unwrap_or(u64::MAX)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count.load(Relaxed)
    }
}

/// Ends a scan, also when its visitor panics.
struct Running<'a> {
    core: &'a Core,
    scan: Arc<Scan>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let scans = &self.core.scans;
        scans.running.lock().retain(|scan| scan.id != self.scan.id);
        scans.count.fetch_sub(1, SeqCst);
        if self.scan.held_count.load(Relaxed) > 0 {
            self.core.keeper.wake();
        }
    }
}

impl Core {
    fn begin_scan(&self) -> Running<'_> {
        // What is written before is seen, and what is written after it is not.
        self.cut(|above| {
            let scan = Arc::new(Scan {
                id: self.scans.last.fetch_add(1, SeqCst) + 1,
                cut: above - 1,
                held: Mutex::default(),
                held_count: AtomicUsize::new(0),
            });
            self.scans.running.lock().push(Arc::clone(&scan));
            self.scans.count.fetch_add(1, SeqCst);
            Running { core: self, scan }
        })
    }

    /// Shows every intact record of one point in time. No lock is held
    /// meanwhile, and `visit` may use the storage as it likes.
    pub fn for_each(&self, visit: Visit<'_>) -> Result<(), Error> {
        let running = self.begin_scan();
        let chunks: Vec<u32> = self.space.with_records().map(|chunk| chunk.number).collect();
        let mut damaged = 0;
        for chunk in Ahead::through(&self.space, &chunks) {
            let Some(_pin) = self.pin_used(chunk, Some(&running.scan)) else { continue };
            // Then what has gone since was there at the cut.
            let has_stale = chunk.stale.load(SeqCst) > 0;
            let mut show = Show {
                core: self,
                scan: &running.scan,
                chunk,
                has_stale,
                visit,
                is_over: false,
                damaged: 0,
            };
            walk_to(chunk, self.space.seed, chunk.used(), &mut show);
            if show.is_over {
                return Ok(());
            }
            damaged += show.damaged;
        }
        match damaged {
            // Zeros look like the end of a chunk.
            0 => self.space.check(),
            _ => Err(Error::corrupt(format!(
                "{}: {damaged} records are damaged, and were left out; the log names them",
                self.space.path.display()
            ))),
        }
    }

    /// What of an item was there at the cut.
    fn shown<'a>(
        &self,
        scan: &Scan,
        chunk: &'a Chunk,
        has_stale: bool,
        item: Item<'a>,
    ) -> Shown<'a> {
        let (at, seen) = match item {
            Item::Record(at, seen) => {
                let is_later = chunk.base() + u64::from(seen.delta) > scan.cut;
                if seen.state == State::Intact && (is_later || !seen.kind.is_put()) {
                    return Shown::Nothing;
                }
                if has_stale && !self.was_there(scan, chunk, at, &seen) {
                    return Shown::Nothing;
                }
                (at, Some(seen))
            }
            Item::Free(at, _) if scan.has_held(chunk, at) => {
                (at, see_gone(&chunk.memory, chunk.salt(self.space.seed), at, chunk.end()))
            }
            // What could not be read when the file was opened has been told then.
            Item::Gap(at, _) if !self.is_skipped(chunk.offset() + at as u64) => (at, None),
            _ => return Shown::Nothing,
        };
        match seen {
            Some(seen) if seen.state == State::Intact => Shown::Record(seen),
            _ => Shown::Damaged(at),
        }
    }

    /// Whether a record that does not say that it is free was the key's at the
    /// cut. If none in its chunk was stale then, it was.
    fn was_there(&self, scan: &Scan, chunk: &Chunk, at: usize, seen: &Seen<'_>) -> bool {
        let hash = self.hash(seen.key);
        let entry = hash.entry(chunk.offset() + at as u64);
        let is_there = match self.lock(hash.shard()) {
            Ok(_locked) => self.index.has(hash, entry),
            // Its part of the index cannot be read: then nothing has changed in it.
            Err(_) => true,
        };
        is_there || scan.has_held(chunk, at)
    }

    /// Keeps a chunk as it is, if there are records in it that count, or that the
    /// scan is to see.
    pub fn pin_used<'a>(&self, chunk: &'a Chunk, scan: Option<&Scan>) -> Option<Pin<'a>> {
        let (id, cut) = scan.map_or((u64::MAX, u64::MAX), |scan| (scan.id, scan.cut));
        let pin = chunk.pin();
        fence(SeqCst);
        let has_some = !chunk.count.is_empty() || chunk.last_gone().1 >= id;
        (chunk.has_records() && has_some && chunk.base() <= cut).then_some(pin)
    }
}

/// Shows the records of a chunk that were there at a scan's cut.
struct Show<'a, 'v> {
    core: &'a Core,
    scan: &'a Scan,
    chunk: &'a Chunk,
    has_stale: bool,
    visit: Visit<'v>,
    is_over: bool,
    damaged: u64,
}

impl<'a> Visitor<'a> for Show<'a, '_> {
    #[inline]
    fn intact(&mut self, at: usize, seen: Seen<'a>) -> bool {
        let is_shown = seen.kind.is_put()
            && self.chunk.base() + u64::from(seen.delta) <= self.scan.cut
            && (!self.has_stale || self.core.was_there(self.scan, self.chunk, at, &seen));
        if is_shown {
            self.is_over = (self.visit)(seen.key, seen.value).is_break();
        }
        !self.is_over
    }

    fn other(&mut self, item: Item<'a>) -> bool {
        match self.core.shown(self.scan, self.chunk, self.has_stale, item) {
            Shown::Nothing => {}
            Shown::Record(seen) => {
                self.is_over = (self.visit)(seen.key, seen.value).is_break();
            }
            Shown::Damaged(at) => {
                self.damaged += 1;
                // It is told by its number.
                let _ = self.core.damage(self.chunk.offset() + at as u64);
            }
        }
        !self.is_over
    }
}

/// What a scan makes of an item.
enum Shown<'a> {
    Nothing,
    Record(Seen<'a>),
    Damaged(usize),
}

impl Scan {
    fn has_held(&self, chunk: &Chunk, at: usize) -> bool {
        self.held_count.load(SeqCst) > 0 && self.held.lock().contains(&(chunk.offset() + at as u64))
    }
}
