//! The chunks of the file: which are free, and giving them out.
//!
//! Every chunk that is given out has its room reserved (`fallocate`) before
//! anything is written through the mapping, so a full disk is an error of that
//! call and never a signal.

use crate::{
    chunk::{CHUNK, Chunk, Header, PER_SEGMENT, SEGMENT, SEGMENTS, Use},
    dump::Items,
    file,
    pins::Pins,
    raw::memory::{Memory, Segment},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};
use kumo_plugin::{Error, ErrorCode, mapping::Faults};
use std::{fs::File, io, path::PathBuf};

mod chunks;
mod free;
mod room;

use chunks::Chunks;
use free::Free;
pub(crate) use free::Need;

/// The bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// Free chunks that keep their room at least: the next ones to be given out.
const KEPT: usize = 6;

type Segmented = (Segment, Arc<Pins>, Chunks);

pub(crate) struct Space {
    pub file: File,
    pub path: PathBuf,
    pub seed: u64,
    segments: Box<[OnceLock<Segmented>]>,
    inner: Mutex<Free>,
    /// The bytes of disk of all chunks in use.
    used: AtomicU64,
    /// What the last chunk's base was: all bases and sequence numbers that are
    /// given out later are above.
    pub floor: AtomicU64,
    /// The checkpoint that was begun last.
    pub epoch: AtomicU32,
    /// Whether new chunks are filled with zeros first, by writing.
    fill: bool,
    /// How many free chunks may keep their room.
    kept: AtomicUsize,
    /// Whether a page of the mapping could not be read.
    faults: Faults,
    /// The chunks that the dump of a closed file named, in their order. Each is
    /// made when it is first asked for: opening is not to look at all of them.
    known: Items,
}

impl Space {
    /// The space of a file that has so many chunks; `find_free` says which are free.
    pub fn new(file: File, path: PathBuf, seed: u64, end: u32, fill: bool) -> Self {
        Self {
            file,
            path,
            seed,
            segments: (0..SEGMENTS).map(|_| OnceLock::new()).collect(),
            inner: Mutex::new(Free { end: end.max(1), ..Free::default() }),
            used: AtomicU64::new(0),
            floor: AtomicU64::new(1),
            epoch: AtomicU32::new(1),
            fill,
            kept: AtomicUsize::new(KEPT),
            faults: Faults::new(),
            known: Items::default(),
        }
    }

    /// Fails if a page of the file could not be read through the mapping: what
    /// has been written to it since may not be in the file.
    #[inline]
    pub fn check(&self) -> Result<(), Error> {
        if self.faults.any() { Err(self.fault()) } else { Ok(()) }
    }

    #[cold]
    fn fault(&self) -> Error {
        Error::new(
            ErrorCode::Io,
            format!(
                "{}: a part of the file could not be read: the disk fails, or the file was cut \
                 short while it was open. Nothing is written to it any more: check the disk, \
                 restart the server, and verify or repair the database",
                self.path.display()
            ),
        )
    }

    /// A chunk that has been looked at before. None: there is no such chunk.
    #[inline]
    pub fn chunk(&self, number: u32) -> Option<&Chunk> {
        let (.., chunks) = self.segments.get((number / PER_SEGMENT) as usize)?.get()?;
        let chunk = chunks.get((number % PER_SEGMENT) as usize);
        if chunk.is_some() { chunk } else { self.first_look(number) }
    }

    #[cold]
    fn first_look(&self, number: u32) -> Option<&Chunk> {
        self.known.find(number)?;
        self.map(number).ok()
    }

    /// Takes over what the dump of a closed file says of its chunks.
    pub fn set_known(&mut self, items: Items) -> Result<(), Error> {
        self.used.fetch_add(items.iter().map(|item| item.disk_bytes()).sum(), Relaxed);
        // So that `map` cannot fail later.
        for at in 0..=(self.end() / PER_SEGMENT) {
            self.map_segment(at as usize)?;
        }
        self.known = items;
        Ok(())
    }

    /// Asks for the first bytes of the record at an offset to be brought near.
    #[inline]
    pub fn prefetch(&self, offset: u64) {
        if let Some(memory) = self.memory(offset) {
            memory.prefetch(0);
            memory.prefetch(LINE);
        }
    }

    /// As `prefetch`, of so many bytes that will be written to.
    #[inline]
    pub fn prefetch_to_write(&self, offset: u64, len: usize) {
        if let Some(memory) = self.memory(offset) {
            (0..len + LINE).step_by(LINE).for_each(|at| memory.prefetch_to_write(at));
        }
    }

    /// What is mapped from an offset on.
    #[inline]
    fn memory(&self, offset: u64) -> Option<Memory> {
        let (segment, ..) = self.segments.get((offset / SEGMENT) as usize)?.get()?;
        Some(segment.memory((offset % SEGMENT) as usize))
    }

    /// A chunk, mapped if it was not.
    pub fn map(&self, number: u32) -> Result<&Chunk, Error> {
        let (segment, pins, chunks) = self.map_segment((number / PER_SEGMENT) as usize)?;
        let within = (number % PER_SEGMENT) as usize;
        Ok(chunks.get_or_make(within, || {
            let memory: Memory = segment.memory(within * CHUNK);
            let chunk = Chunk::new(number, memory, Arc::clone(pins));
            if let Some(item) = self.known.find(number) {
                item.tell(&chunk);
            }
            chunk
        }))
    }

    fn map_segment(&self, at: usize) -> Result<&Segmented, Error> {
        let slot = self.segments.get(at).ok_or_else(|| self.too_large())?;
        if slot.get().is_none() {
            let segment = Segment::map(&self.file, at, &self.faults)
                .map_err(|error| file::failed("cannot map", &self.path, &error))?;
            // Another thread may have been faster: then this one goes.
            let pins = Pins::new().map_err(|error| {
                file::failed("no memory for what is known of the chunks of", &self.path, &error)
            })?;
            let _ = slot.set((segment, Arc::new(pins), Chunks::new()));
        }
        slot.get().ok_or_else(|| self.too_large())
    }

    fn too_large(&self) -> Error {
        Error::new(
            ErrorCode::Full,
            format!("{} has 256 GiB, which is the most; delete records", self.path.display()),
        )
    }

    /// How many chunks the file has.
    pub fn end(&self) -> u32 {
        self.inner.lock().end
    }

    /// The bytes of disk of all chunks in use.
    pub fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// The chunks in which records are.
    pub fn with_records(&self) -> impl Iterator<Item = &Chunk> {
        (1..self.end()).filter_map(|n| self.chunk(n)).filter(|chunk| chunk.has_records())
    }

    /// A number above all bases and sequence numbers so far.
    pub fn raise_floor(&self, least: u64) -> u64 {
        let mut base = least;
        let _ = self.floor.fetch_update(Relaxed, Relaxed, |floor| {
            base = least.max(floor + 1);
            Some(base)
        });
        base
    }

    /// Gives out a chunk for records of sequence numbers from `least` on. As a run,
    /// it counts as pending once.
    pub fn open_shared(&self, least: u64, need: Need) -> Result<&Chunk, Error> {
        if need == Need::Store {
            // And one for this: the lowest is taken, so that at last the file can end
            // behind it.
            self.keep_spare(1)?;
        }
        let number = self.take(1, CHUNK as u64, need)?;
        let chunk = self.map(number)?;
        self.prepare(chunk.offset())
            .map_err(|error| self.write_error(&error))
            .inspect_err(|_| self.give_back(number, 1, CHUNK as u64))?;
        let base = self.raise_floor(least);
        chunk.begin(self, Header { is_run: false, chunks: 1, base });
        Ok(chunk)
    }

    /// Before something is stored: sees to it that there is room for what makes
    /// room, of which a store must not take the last, and so many chunks more.
    fn keep_spare(&self, more: usize) -> Result<(), Error> {
        while self.inner.lock().ready.len() < Need::Store as usize + more {
            let number = self.take(1, CHUNK as u64, Need::Store)?;
            self.give_back(number, 1, CHUNK as u64);
        }
        Ok(())
    }

    /// Gives out chunks, one behind the other, for one record of so many bytes,
    /// the header's included.
    pub fn open_run(&self, bytes: u64, least: u64) -> Result<&Chunk, Error> {
        let chunks = u32::try_from(bytes.div_ceil(CHUNK as u64)).unwrap_or(u32::MAX);
        if chunks >= PER_SEGMENT {
            return Err(Error::invalid(format!(
                "a record of {bytes} bytes is too large for {}: the most is 1 GiB",
                self.path.display()
            )));
        }
        self.keep_spare(0)?;
        let reserved = bytes.next_multiple_of(4096);
        let number = self.take(chunks, reserved, Need::Store)?;
        for part in 1..chunks {
            self.map(number + part)?.set_usage(Use::Part);
        }
        let chunk = self.map(number)?;
        self.make_writable(number, reserved)
            .map_err(|error| self.write_error(&error))
            .inspect_err(|_| self.give_back(number, chunks, reserved))?;
        let base = self.raise_floor(least);
        chunk.begin(self, Header { is_run: true, chunks, base });
        chunk.set_used(bytes as usize);
        Ok(chunk)
    }

    /// Gives out chunks for a dump, one behind the other; the first one's number.
    /// What is kept back is not for it: without a dump opening takes longer, and
    /// without room for deletes a full disk stays full.
    pub fn open_dump(&self, chunks: u32) -> Result<u32, Error> {
        let number = self.take(chunks, u64::from(chunks) * CHUNK as u64, Need::Store)?;
        for part in 0..chunks {
            self.map(number + part)?.set_usage(Use::Part);
        }
        Ok(number)
    }

    /// Takes free chunks and reserves so many bytes there.
    fn take(&self, chunks: u32, bytes: u64, need: Need) -> Result<u32, Error> {
        let mut inner = self.inner.lock();
        let number = match inner.find(chunks, need) {
            Some(number) => number,
            None => inner.grow(chunks),
        };
        if number + chunks > SEGMENTS as u32 * PER_SEGMENT {
            return Err(self.too_large());
        }
        let has_room = chunks == 1 && inner.ready.contains(&number);
        let end = (number + chunks).max(inner.end);
        self.reserve(number, bytes, has_room, u64::from(end) * CHUNK as u64)
            .map_err(|error| self.write_error(&error))?;
        // What was jumped over to the next segment is free, without room.
        let skipped = inner.end..number;
        inner.free.extend(skipped);
        inner.end = end;
        for part in number..number + chunks {
            inner.free.remove(&part);
            inner.ready.remove(&part);
        }
        self.used.fetch_add(bytes, Relaxed);
        Ok(number)
    }

    /// What it means for the caller that a write failed.
    pub fn write_error(&self, error: &io::Error) -> Error {
        let error = file::failed("cannot write to", &self.path, error);
        match error.code() {
            ErrorCode::Full => Error::new(
                ErrorCode::Full,
                format!("{error}; reads go on, and writes will once there is room"),
            ),
            _ => error,
        }
    }

    /// Takes back a chunk or a run in which nothing is any more.
    pub fn close(&self, chunk: &Chunk) {
        let (chunks, bytes) = (chunk.chunks(), Self::disk_bytes(chunk));
        chunk.end_use();
        self.give_back(chunk.number, chunks, bytes);
    }

    /// The bytes of disk of a chunk in use, or of the run that begins there.
    pub fn disk_bytes(chunk: &Chunk) -> u64 {
        Self::disk_bytes_of(chunk.usage(), chunk.used())
    }

    /// As `disk_bytes`, of a chunk of which so many bytes are used.
    pub fn disk_bytes_of(usage: Use, used: usize) -> u64 {
        match usage {
            Use::Run => used.next_multiple_of(4096) as u64,
            _ => CHUNK as u64,
        }
    }

    /// Takes back chunks, and the room of those that are not needed soon.
    pub fn give_back(&self, number: u32, chunks: u32, bytes: u64) {
        let mut inner = self.inner.lock();
        for part in number..number + chunks {
            if let Some(chunk) = self.chunk(part) {
                chunk.set_usage(Use::Free);
            }
            inner.free.insert(part);
        }
        self.used.fetch_sub(bytes.min(self.used()), Relaxed);
        // A record of its own has reserved only what it needs of its last chunk.
        if chunks == 1 && bytes == CHUNK as u64 {
            inner.ready.insert(number);
        } else {
            self.punch(number, chunks);
        }
        self.trim(&mut inner);
    }

    fn trim(&self, inner: &mut Free) {
        while inner.ready.len() > self.kept.load(Relaxed).max(KEPT) {
            // The last one is the least likely to be taken.
            let Some(last) = inner.ready.pop_last() else { break };
            self.punch(last, 1);
        }
    }

    /// Lets so many free chunks keep their room, and a few in any case.
    pub fn keep(&self, chunks: usize) {
        self.kept.store(chunks, Relaxed);
        self.trim(&mut self.inner.lock());
    }

    /// Before the file is closed: gives back all that is free.
    pub fn shrink(&self) {
        let mut inner = self.inner.lock();
        while inner.end > 1 && inner.free.contains(&(inner.end - 1)) {
            let last = inner.end - 1;
            inner.free.remove(&last);
            inner.ready.remove(&last);
            inner.end = last;
        }
        // Where it cannot be done, the file is longer than it need be.
        let _ = self.file.set_len(u64::from(inner.end) * CHUNK as u64);
        while let Some(number) = inner.ready.pop_last() {
            self.punch(number, 1);
        }
    }

    /// Gives back the room of all free chunks: nobody will need it soon.
    pub fn give_up_room(&self) {
        let mut inner = self.inner.lock();
        inner.ready.clear();
        inner.free.iter().for_each(|number| self.punch(*number, 1));
    }

    /// Gives a file system that can take it the room of chunks.
    fn punch(&self, number: u32, chunks: u32) {
        self.punch_bytes(u64::from(number) * CHUNK as u64, u64::from(chunks) * CHUNK as u64);
    }

    /// Counts chunks that were found in use when the file was opened.
    pub fn adopt(&self, bytes: u64) {
        self.used.fetch_add(bytes, Relaxed);
    }

    /// When all chunks are known that are in use, in their order: the others are
    /// free.
    pub fn find_free(&self, in_use: impl Iterator<Item = (u32, u32)>) {
        let mut inner = self.inner.lock();
        let end = inner.end;
        let mut next = 1;
        for (number, chunks) in in_use.chain([(end, 0)]) {
            // Whether they have room is not known.
            inner.free.extend(next..number);
            next = next.max(number + chunks);
        }
    }
}
