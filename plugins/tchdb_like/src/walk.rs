//! From the bytes of a chunk to its records, past what is damaged.
//!
//! Extents follow each other, so the walk goes from first word to first word.
//! Where none fits, the search goes on by steps of the alignment until a record
//! does whose every check fits.

use crate::{
    chunk::{CHUNK, Chunk, FIRST, Use},
    database::Core,
    index::Hash,
    raw::memory::Memory,
    record::{ALIGN, Kind, Salt, Seen, State, free_extent, see, see_intact},
};

/// How many records' lines of the index are brought near before the first is
/// shown.
const BATCH: usize = 32;

/// What stands in a chunk.
pub(crate) enum Item<'a> {
    /// A record, whole, or with a damaged value.
    Record(usize, Seen<'a>),
    /// Nothing.
    Free(usize, usize),
    /// From where to where it cannot be read.
    Gap(usize, usize),
}

/// Who is shown what stands in a chunk; false: no more.
pub(crate) trait Visitor<'a> {
    /// An intact record: nearly always it is this.
    fn intact(&mut self, at: usize, seen: Seen<'a>) -> bool;

    /// Anything else, and a large record.
    fn other(&mut self, item: Item<'a>) -> bool;
}

/// For those who do not tell them apart.
struct All<F>(F);

impl<'a, F: FnMut(Item<'a>) -> bool> Visitor<'a> for All<F> {
    fn intact(&mut self, at: usize, seen: Seen<'a>) -> bool {
        self.0(Item::Record(at, seen))
    }

    fn other(&mut self, item: Item<'a>) -> bool {
        self.0(item)
    }
}

/// Shows what stands in a chunk, up to `end`, until `visit` says false. Returns
/// where it ends. The caller keeps the chunk from being given out.
pub(crate) fn walk<'a>(
    chunk: &'a Chunk,
    seed: u64,
    end: usize,
    visit: impl FnMut(Item<'a>) -> bool,
) -> usize {
    walk_to(chunk, seed, end, &mut All(visit))
}

/// As `walk`.
#[inline]
pub(crate) fn walk_to<'a>(
    chunk: &'a Chunk,
    seed: u64,
    end: usize,
    visitor: &mut impl Visitor<'a>,
) -> usize {
    let salt = chunk.salt(seed);
    let memory = &chunk.memory;
    if chunk.usage() == Use::Run {
        match see(memory, salt, FIRST, chunk.end()) {
            Some(seen) if seen.kind.is_large() && seen.state != State::BadHead => {
                visitor.other(Item::Record(FIRST, seen));
            }
            _ if Kind::of(memory.load_half(FIRST)) != Some(Kind::Free)
                && memory.load_half(FIRST) != 0 =>
            {
                visitor.other(Item::Gap(FIRST, chunk.end()));
            }
            _ => {
                visitor.other(Item::Free(FIRST, 0));
            }
        }
        return chunk.end();
    }
    let mut at = FIRST;
    while at + ALIGN <= end {
        if let Some(seen) = see_intact(memory, salt, at, end) {
            if !visitor.intact(at, seen) {
                return at;
            }
            at += seen.extent;
            continue;
        }
        match other(memory, salt, at, end) {
            Other::Item(item, next) => {
                if !visitor.other(item) {
                    return at;
                }
                at = next;
            }
            Other::Changed => {}
            Other::End => return at,
        }
    }
    at
}

/// What stands where there was no intact record.
enum Other<'a> {
    /// This, up to there.
    Item(Item<'a>, usize),
    /// Something has come or gone since the first look.
    Changed,
    /// Nothing, and nothing behind it.
    End,
}

#[inline(never)]
fn other(memory: &Memory, salt: Salt, at: usize, end: usize) -> Other<'_> {
    let word = memory.load_half(at);
    if let Some(extent) = free_extent(salt, at, end, word) {
        return Other::Item(Item::Free(at, extent), at + extent);
    }
    let record = |at| see(memory, salt, at, end).filter(|seen| !seen.kind.is_large());
    // Its lengths are believed if its value is damaged, but something
    // stands where it ends.
    let follows = |at: usize| {
        at + ALIGN > end
            || memory.load_half(at) == 0
            || free_extent(salt, at, end, memory.load_half(at)).is_some()
            || record(at).is_some_and(|seen| seen.state != State::BadHead)
    };
    match record(at) {
        Some(seen)
            if seen.state == State::Intact
                || seen.state == State::BadValue && follows(at + seen.extent) =>
        {
            return Other::Item(Item::Record(at, seen), at + seen.extent);
        }
        _ if memory.load_half(at) != word => return Other::Changed,
        _ => {}
    }
    let intact = |at| record(at).is_some_and(|seen| seen.state == State::Intact);
    let next =
        (at + ALIGN..end).step_by(ALIGN).find(|&next| memory.load_half(next) != 0 && intact(next));
    match next {
        Some(next) => Other::Item(Item::Gap(at, next), next),
        None if word == 0 => Other::End,
        None => {
            let last = (at..end).step_by(ALIGN).rfind(|&last| memory.load_half(last) != 0);
            // Nothing is written behind it: it may be of use to a repair.
            Other::Item(Item::Gap(at, last.unwrap_or(at) + ALIGN), CHUNK)
        }
    }
}

impl Core {
    /// Shows the records of a chunk, whole or with a damaged value, until `visit`
    /// says false. What the index has of them is near by then. The caller keeps
    /// the chunk from being given out. False: there is something that cannot be
    /// read.
    pub fn walk_records<'a>(
        &self,
        chunk: &'a Chunk,
        mut visit: impl FnMut(usize, &Seen<'a>, Hash) -> bool,
    ) -> bool {
        let mut batch = Vec::with_capacity(BATCH);
        let mut show = |batch: &mut Vec<(usize, Seen<'a>, Hash)>| {
            batch.drain(..).all(|(at, seen, hash)| visit(at, &seen, hash))
        };
        let (mut goes_on, mut is_readable) = (true, true);
        walk(chunk, self.space.seed, chunk.used(), |item| {
            match item {
                Item::Record(at, seen) => {
                    let hash = self.hash(seen.key);
                    self.index.prefetch(hash);
                    batch.push((at, seen, hash));
                }
                Item::Gap(..) => is_readable = false,
                Item::Free(..) => {}
            }
            goes_on = batch.len() < BATCH || show(&mut batch);
            goes_on
        });
        if goes_on {
            show(&mut batch);
        }
        is_readable
    }
}
