//! Opening a file that is there: from the dump of its index where it was closed,
//! and otherwise from its records, of which the last checkpoint says which need
//! not be read.
//!
//! The chunks that were changed since the checkpoint are walked, or all of them
//! where there is none, by several threads. Of the records of one key the one
//! with the highest sequence number counts, whatever its place; the others are
//! on their way out. A record whose value is damaged counts too: older ones of
//! its key must stay hidden.
//!
//! What was written since the last start of the system may have been lost in
//! part if that start is not the present one: then records that are not whole,
//! and newer than what the superblock says was synced, were never there. After
//! the mere end of a process everything is there, and what is not whole has been
//! damaged.

use crate::{
    ahead::Ahead,
    chunk::{CHUNK, PER_SEGMENT, SEGMENTS, Use, touch::MOST_EPOCHS},
    database::Core,
    dump::damaged,
    file::{self, failed},
    health,
    index::SHARDS,
    space::Space,
    superblock::{self, Dump, Superblock},
    sync::{
        Mutex,
        atomic::{
            AtomicU32, AtomicU64, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
        thread,
    },
    syncer::Level,
};
use kumo_plugin::{Error, ErrorCode, LogLevel};
use std::{fmt, fs::File, path::Path};

use take::Taker;

/// A stretch of the file in which there should be records, and nothing can be
/// read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Region {
    pub at: u64,
    pub len: u64,
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, len } = self;
        write!(f, "{len} bytes at offset {at} are damaged and have been skipped")
    }
}

mod chunks;
mod take;

/// What the walkers came upon.
#[derive(Default)]
struct Findings {
    records: AtomicU64,
    /// The highest sequence number or base.
    last: AtomicU64,
    /// The highest number of a checkpoint.
    epoch: AtomicU32,
    regions: Mutex<Vec<Region>>,
    /// Records with damaged values, which may not be the newest of their keys.
    bad_values: Mutex<Vec<(Vec<u8>, u64)>>,
    /// What a loss of power kept from being written whole.
    torn: AtomicU64,
}

/// Opens the database in a file that is locked.
pub(crate) fn open(
    file: File,
    seed: u64,
    path: &Path,
    level: Level,
    mask: u64,
) -> Result<Core, Error> {
    let block = superblock::read(&file, path, seed)?;
    health::heal(&file, path, block.as_ref())?;
    let len =
        file.metadata().map_err(|error| failed("cannot ask the size of", path, &error))?.len();
    let end = len.div_ceil(CHUNK as u64);
    if end > SEGMENTS as u64 * u64::from(PER_SEGMENT) {
        return Err(Error::unsupported(format!(
            "{} has {len} bytes, more than the 256 GiB that this tchdb_like knows",
            path.display()
        )));
    }
    let end = end as u32;
    let new = || -> Result<Core, Error> {
        let file = file.try_clone().map_err(|error| failed("cannot open", path, &error))?;
        Core::new(Space::new(file, path.into(), seed, end, level != Level::Always), level, mask)
    };
    let is_whole = len.is_multiple_of(CHUNK as u64);
    let told = |error: Error| {
        let path = path.display();
        let text = format!("{path}: the saved index is damaged and is made anew: {error}");
        kumo_plugin::log(LogLevel::Warn, &text);
    };
    let known = |block: &&Superblock| {
        is_whole && block.end <= end && block.epoch < MOST_EPOCHS && block.dump.is_some()
    };
    if let Some(block) = block.as_ref().filter(known) {
        let opened = if block.is_clean {
            reopen(new()?, block)
        } else if block.is_unsynced && was_lost(block) {
            Err(damaged())
        } else {
            rebuild(new()?, block, block.dump.as_ref())
        };
        match opened {
            Err(error) if error.code() == ErrorCode::Corrupt => told(error),
            opened => return opened,
        }
    }
    if end > 1 && !is_whole {
        // A chunk that was cut off ends in zeros.
        file.set_len(u64::from(end) * CHUNK as u64)
            .map_err(|error| failed("cannot write to", path, &error))?;
    }
    rebuild(new()?, &block.unwrap_or_default(), None)
}

/// Whether the power may have gone since the file was opened.
fn was_lost(block: &Superblock) -> bool {
    block.serial > 0 && !block.is_clean && block.boot != file::boot()
}

/// Opens a file that was closed.
fn reopen(mut core: Core, block: &Superblock) -> Result<Core, Error> {
    core.open_saved(block)?;
    *core.superblock.lock() = block.clone();
    Ok(core)
}

/// Runs the same on several threads.
fn on_threads(most: usize, work: impl Fn() -> Result<(), Error> + Sync) -> Result<(), Error> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(8).min(most);
    let failure = Mutex::new(None);
    let work = || {
        if let Err(error) = work() {
            failure.lock().get_or_insert(error);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    failure.into_inner().map_or(Ok(()), Err)
}

/// Makes the index of the records, and of the dump of a checkpoint if there is
/// one.
fn rebuild(mut core: Core, block: &Superblock, dump: Option<&Dump>) -> Result<Core, Error> {
    let is_new = block.serial == 0;
    let was_lost = was_lost(block);
    let torn_from = if was_lost { block.floor } else { u64::MAX };
    let findings = Findings::default();
    let root = dump.map(|dump| dump.root(&core.space, block.end)).transpose()?;
    if let Some(dump) = dump {
        dump.adopt(&core.space);
    }
    let known = chunks::Known {
        items: root.as_ref().map(|root| &root.chunks),
        pieces: dump.map_or(&[], |dump| &dump.pieces),
        epoch: block.epoch,
    };
    let found = core.find_chunks(was_lost, &known, &findings)?;
    let epoch = findings.epoch.load(Relaxed).max(block.epoch).max(1);
    core.space.epoch.store(epoch, SeqCst);
    if let (Some(dump), Some(root)) = (dump, &root) {
        let next = AtomicUsize::new(0);
        on_threads(SHARDS, || {
            loop {
                let shard = next.fetch_add(1, Relaxed);
                let Some(section) = root.sections.get(shard) else { return Ok(()) };
                core.load_known(shard, dump, section, &found.known)?;
            }
        })?;
    }
    let next = AtomicUsize::new(0);
    on_threads(found.changed.len(), || {
        let all = dump.is_none().then_some(found.changed.len() as u64);
        let mut ahead = Ahead::new(&core.space);
        let mut taker = Taker::new(&core, torn_from, &findings, all);
        loop {
            let at = next.fetch_add(1, Relaxed);
            let Some(&number) = found.changed.get(at) else { return taker.end() };
            ahead.step(&found.changed, at);
            if let Some(chunk) = core.space.chunk(number) {
                taker.take_in(chunk)?;
            }
        }
    })?;
    (0..SHARDS).for_each(|shard| core.index.fit(shard));
    core.note_hidden();
    let last = findings.last.into_inner().max(core.space.floor.load(SeqCst));
    core.space.floor.store(last.max(block.floor) + 1, SeqCst);
    // What had to be read is to be known at the next checkpoint.
    core.shards[0].inner.get_mut().written = (found.changed.len() * CHUNK) as u64;
    core.recovered = findings.records.into_inner();
    let mut regions = findings.regions.into_inner();
    regions.sort();
    let torn = findings.torn.into_inner();
    report(&core, &regions, torn);
    for (key, offset) in findings.bad_values.into_inner() {
        let hash = core.hash(&key);
        // What later records have replaced is no loss.
        if core.index.has(hash, hash.entry(offset)) {
            let _ = core.damage(offset);
        }
    }
    core.skipped = regions;
    // Unless the file says already what is to be said.
    let says_so = !is_new
        && !block.is_clean
        && !was_lost
        && block.is_unsynced == (core.syncer.level == Level::None)
        && block.dump.as_ref() == dump;
    let is_fresh = is_new && found.changed.is_empty();
    *core.superblock.lock() = Superblock { dump: dump.cloned(), ..block.clone() };
    core.is_open.store(says_so, SeqCst);
    if !says_so && !is_fresh {
        if !was_lost {
            // What that says is to be true of what another process wrote.
            core.sync()?;
        }
        core.touch()?;
    }
    core.has_written.store(true, SeqCst);
    if core.syncer.level == Level::None {
        core.purge()?;
        core.settle()?;
    }
    let ends = core.space.with_records().filter(|chunk| chunk.usage() == Use::Full);
    let ends = Core::worth_keeping(ends.map(|chunk| (chunk.number, chunk.used())));
    core.adopt_ends(ends);
    Ok(core)
}

fn report(core: &Core, regions: &[Region], torn: u64) {
    let path = core.space.path.display();
    for region in regions {
        core.report_damage(&format!("{path}: {region}"));
    }
    if torn > 0 {
        let text =
            format!("{path}: {torn} writes that had not been synced were lost with the power");
        kumo_plugin::log(LogLevel::Warn, &text);
    }
    if !regions.is_empty() {
        let text = format!(
            "{path}: opened with {} records; {} regions are damaged: restore what is missing from \
             a backup",
            core.rnum(),
            regions.len()
        );
        kumo_plugin::log(LogLevel::Warn, &text);
    }
}

impl Core {
    /// Notes of the chunks that were found what is to be known of them together.
    fn note_hidden(&mut self) {
        for chunk in self.space.with_records() {
            self.hides |= chunk.stale.load(Relaxed) > 0;
            self.note_empty(chunk);
        }
    }

    /// Of chunks, and how much of each is used, those with the most room at their
    /// ends, if it is worth something.
    pub fn worth_keeping(chunks: impl Iterator<Item = (u32, usize)>) -> Vec<(u32, usize)> {
        let mut chunks: Vec<_> =
            chunks.filter(|(_, used)| CHUNK - used.min(&CHUNK) >= 16 << 10).collect();
        chunks.sort_by_key(|(_, used)| *used);
        chunks.truncate(8);
        chunks
    }

    /// Lets new records go behind the last ones of chunks.
    pub fn adopt_ends(&self, chunks: Vec<(u32, usize)>) {
        for chunk in chunks.iter().filter_map(|(number, _)| self.space.chunk(*number)) {
            // Of a file that was cut short, or copied, there may be holes.
            if self.space.make_solid(chunk) {
                self.keep(chunk.number);
            }
        }
    }
}
