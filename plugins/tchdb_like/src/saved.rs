//! The index of a dump. After an orderly close each shard is read when it is
//! first needed, or by the keeper, whichever comes first: so opening takes no
//! longer for more records. If one turns out to be damaged, the whole index is
//! made anew, from the records.

use crate::{
    ahead::Ahead,
    chunk::{Chunk, Use},
    database::Core,
    dump::{Section, codec, damaged},
    index::{Entry, SHARDS},
    shard::Inner,
    superblock::{Dump, Superblock},
    sync::{
        MutexGuard,
        atomic::{
            AtomicBool,
            Ordering::{Relaxed, SeqCst},
        },
    },
};
use kumo_plugin::{Error, LogLevel};

/// More stale records than there can be in a chunk.
const UNKNOWN: u32 = 1 << 30;

/// A dump whose shards have not all been read yet.
pub(crate) struct Saved {
    dump: Dump,
    sections: Vec<Section>,
    /// Whether it does not say what is true any more.
    is_over: AtomicBool,
}

impl Core {
    /// Opens a file that was closed, without a look at its records.
    pub fn open_saved(&mut self, block: &Superblock) -> Result<(), Error> {
        let dump = block.dump.clone().ok_or_else(damaged)?;
        let root = dump.root(&self.space, block.end)?;
        self.space.floor.store(block.floor, SeqCst);
        self.space.epoch.store(block.epoch, SeqCst);
        for (number, section) in root.sections.iter().enumerate() {
            let shard = &mut self.shards[number];
            shard.inner.get_mut().sequence = section.sequence;
            shard.records.store(u64::from(section.puts), Relaxed);
            self.index.set_absent(number);
        }
        self.hides |= root.chunks.iter().any(|item| item.stale > 0);
        let empty = root.chunks.iter().filter(|item| item.live == 0 && item.usage != Use::Stuck);
        self.empty.get_mut().extend(empty.map(|item| item.number));
        let live: u64 = root.chunks.iter().map(|item| u64::from(item.live)).sum();
        self.shards[0].live.store(live, Relaxed);
        let mut pieces = dump.pieces.clone();
        pieces.sort_unstable();
        let mut pieces = pieces.into_iter().peekable();
        let mut items = root.chunks.iter().map(|item| (item.number, item.chunks)).peekable();
        self.space.find_free(std::iter::from_fn(|| match (pieces.peek(), items.peek()) {
            (Some(piece), Some(item)) if piece.0 < item.0 => pieces.next(),
            (_, Some(_)) => items.next(),
            _ => pieces.next(),
        }));
        drop(items);
        dump.adopt(&self.space);
        let ends = root.chunks.iter().filter(|item| item.usage == Use::Full);
        let ends = Self::worth_keeping(ends.map(|item| (item.number, item.used as usize)));
        self.space.set_known(root.chunks)?;
        self.adopt_ends(ends);
        let (sections, is_over) = (root.sections, AtomicBool::new(false));
        self.saved = Some(Saved { dump, sections, is_over });
        Ok(())
    }

    /// A shard, whose part of the index is there.
    #[inline]
    pub fn lock(&self, shard: usize) -> Result<MutexGuard<'_, Inner>, Error> {
        let inner = self.shards[shard].inner.lock();
        if self.index.is_absent(shard) {
            return self.load(shard, inner);
        }
        Ok(inner)
    }

    /// Loads what has not been loaded.
    pub fn load_all(&self) -> Result<(), Error> {
        (0..SHARDS).try_for_each(|shard| self.lock(shard).map(drop))
    }

    #[cold]
    fn load<'a>(
        &'a self,
        shard: usize,
        inner: MutexGuard<'a, Inner>,
    ) -> Result<MutexGuard<'a, Inner>, Error> {
        let Some(saved) = &self.saved else { return Ok(inner) };
        // What an earlier try may have left.
        self.index.clear(shard);
        let loaded = match saved.is_over.load(Relaxed) {
            true => Err(damaged()),
            false => self.fill(shard, &saved.dump, &saved.sections[shard], |chunk| {
                // Every entry leads somewhere.
                chunk.filter(|chunk| chunk.has_records()).map(|_| true)
            }),
        };
        match loaded {
            Ok(_) => {
                self.index.set_present(shard);
                Ok(inner)
            }
            Err(error) => {
                drop(inner);
                self.make_anew(saved, shard, &error)?;
                Ok(self.shards[shard].inner.lock())
            }
        }
    }

    /// Fills a shard's part of the index from a dump; how many puts it took.
    /// `wants` says of an entry's chunk whether it is wanted; None: that cannot be.
    pub fn fill(
        &self,
        shard: usize,
        dump: &Dump,
        section: &Section,
        wants: impl Fn(Option<&Chunk>) -> Option<bool>,
    ) -> Result<u64, Error> {
        let bytes = dump.read(&self.space, section.at, section.len as usize)?;
        let deletes = (section.deletes as usize).checked_mul(8);
        let coded = deletes.and_then(|deletes| bytes.len().checked_sub(deletes));
        let (coded, deletes) = bytes.split_at(coded.ok_or_else(damaged)?);
        if crc32fast::hash(&bytes) != section.check || section.puts as usize > coded.len() * 8 {
            return Err(damaged());
        }
        let (deletes, _) = deletes.as_chunks::<8>();
        self.index.prepare(shard, section.puts as usize + deletes.len());
        let (mut count, mut is_full) = (0, false);
        let mut enter = |entry: Entry| {
            let is_wanted = wants(self.place(entry.offset()).map(|(chunk, _)| chunk))?;
            if is_wanted {
                // A table that is too full at one end grows.
                is_full = !self.index.insert_growing(shard, entry);
            }
            (!is_full).then_some(is_wanted)
        };
        let entered = codec::decode(coded, section.puts, section.shape, |entry| {
            count += u64::from(enter(entry)?);
            Some(())
        })
        .and_then(|()| {
            let mut entries = deletes.iter().map(|bytes| Entry(u64::from_le_bytes(*bytes)));
            entries.try_for_each(|entry| enter(entry).map(drop))
        });
        match entered {
            _ if is_full => Err(Error::no_memory(8)),
            Some(()) => Ok(count),
            None => Err(damaged()),
        }
    }

    /// Makes all of the index anew from the records, at a moment when no one
    /// writes: the file then has what a kill would leave. What is counted of the
    /// chunks goes with it, since a dump that is damaged in part does not say
    /// what of it belongs to which shard.
    fn make_anew(&self, saved: &Saved, damaged: usize, error: &Error) -> Result<(), Error> {
        // So no chunk is taken for empty meanwhile.
        let _held = self.reclaiming.lock();
        let mut shards = self.lock_all();
        if !self.index.is_absent(damaged) {
            // Another thread was here.
            return Ok(());
        }
        let path = self.space.path.display();
        let text = format!(
            "{path}: part {damaged} of the saved index is damaged, it is made anew: {error}"
        );
        kumo_plugin::log(LogLevel::Warn, &text);
        saved.is_over.store(true, Relaxed);
        self.is_to_be_saved.store(true, SeqCst);
        for (number, shard) in self.shards.iter().enumerate() {
            self.index.set_absent(number);
            self.index.clear(number);
            shard.records.store(0, Relaxed);
            shard.live.store(0, Relaxed);
        }
        for chunk in self.space.with_records() {
            // For scans: it may have something, and of that anything may be stale.
            chunk.count.begin();
            chunk.stale.store(UNKNOWN, SeqCst);
            chunk.count.set_live(0);
            chunk.deletes.store(0, SeqCst);
        }
        let numbers: Vec<u32> = self.space.with_records().map(|chunk| chunk.number).collect();
        let mut chunks = Ahead::through(&self.space, &numbers);
        let taken = chunks.try_for_each(|chunk| self.take_again(chunk, &mut shards));
        for chunk in self.space.with_records() {
            chunk.stale.fetch_sub(UNKNOWN, SeqCst);
            chunk.count.give_up();
            self.note_empty(chunk);
        }
        taken?;
        (0..SHARDS).for_each(|number| self.index.set_present(number));
        Ok(())
    }
}
