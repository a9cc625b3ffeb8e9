//! The root of a dump: what it has, and where.

use super::codec::Shape;
use crate::{
    chunk::{CHUNK, Chunk, FIRST, Header, PER_SEGMENT, Use},
    index::SHARDS,
    space::Space,
};
use std::sync::atomic::Ordering::SeqCst;

const MAGIC: &[u8; 8] = b"kumoIDX\n";
const HEAD: usize = 64;
/// The bytes of a section's part, and of an item.
const SECTION: usize = 36;
const ITEM: usize = 24;

/// What a dump has, and where.
pub(crate) struct Root {
    pub sections: Vec<Section>,
    pub chunks: Items,
}

/// The chunks that the entries lead to, in their order, as they are in the file:
/// an open is not to spend time on each.
#[derive(Default)]
pub(crate) struct Items(Vec<u8>);

/// The entries of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// Where it begins in the stream, and its bytes.
    pub at: u64,
    pub len: u32,
    pub check: u32,
    pub puts: u32,
    pub deletes: u32,
    pub shape: Shape,
    /// The shard's highest sequence number.
    pub sequence: u64,
}

/// A chunk, or a run, that the entries lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub number: u32,
    pub usage: Use,
    pub chunks: u32,
    pub used: u32,
    /// The bytes of the records in it that count.
    pub live: u32,
    /// The records that have gone and do not say so, and the deletes that count.
    pub stale: u16,
    pub deletes: u16,
    pub base: u64,
}

impl Item {
    /// What is known of a chunk with records.
    pub fn of(chunk: &Chunk) -> Self {
        Self {
            number: chunk.number,
            usage: match chunk.usage() {
                usage @ (Use::Run | Use::Stuck) => usage,
                _ => Use::Full,
            },
            chunks: chunk.chunks(),
            used: chunk.used() as u32,
            live: chunk.count.live(),
            // There is no room for more in a chunk.
            stale: chunk.stale.load(SeqCst) as u16,
            deletes: chunk.deletes.load(SeqCst) as u16,
            base: chunk.base(),
        }
    }

    /// Makes a chunk what this says of it.
    pub fn tell(&self, chunk: &Chunk) {
        let is_run = self.usage == Use::Run;
        chunk.adopt(Header { is_run, chunks: self.chunks, base: self.base });
        chunk.set_usage(self.usage);
        chunk.set_used(self.used as usize);
        chunk.count.set_live(self.live);
        chunk.stale.store(self.stale.into(), SeqCst);
        chunk.deletes.store(self.deletes.into(), SeqCst);
    }

    /// The bytes of disk that it has.
    pub fn disk_bytes(&self) -> u64 {
        Space::disk_bytes_of(self.usage, self.used as usize)
    }
}

fn int(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(int(bytes, at)) | u64::from(int(bytes, at + 4)) << 32
}

impl Items {
    /// Adds one behind the last.
    pub fn push(&mut self, item: &Item) {
        let Item { number, usage, chunks: _, used, live, stale, deletes, base } = *item;
        let hidden = u32::from(stale) | u32::from(deletes) << 16;
        for word in [number | (usage as u32) << 24, used, live, hidden] {
            self.0.extend(word.to_le_bytes());
        }
        self.0.extend(base.to_le_bytes());
    }

    pub fn iter(&self) -> impl Iterator<Item = Item> {
        self.0.as_chunks::<ITEM>().0.iter().map(item)
    }

    /// What is said of a chunk.
    #[inline]
    pub fn find(&self, number: u32) -> Option<Item> {
        let (all, _) = self.0.as_chunks::<ITEM>();
        let at = all.binary_search_by_key(&number, |bytes| item(bytes).number).ok()?;
        all.get(at).map(item)
    }

    /// Whether all of it can be, in a file of so many chunks.
    fn fits(&self, end: u32) -> bool {
        let mut next = 1;
        self.iter().all(|item| {
            let Item { number, usage, chunks, used, .. } = item;
            let fits = number >= next
                && matches!(usage, Use::Full | Use::Run | Use::Stuck)
                && chunks <= PER_SEGMENT
                && number + chunks <= end
                && number % PER_SEGMENT + chunks <= PER_SEGMENT
                && (usage == Use::Run || chunks == 1)
                && used as usize >= FIRST;
            next = number + chunks;
            fits
        })
    }
}

fn item(bytes: &[u8; ITEM]) -> Item {
    let what = int(bytes, 0);
    let used = int(bytes, 4);
    Item {
        number: what & 0xff_ffff,
        usage: match what >> 24 {
            2 => Use::Full,
            4 => Use::Run,
            6 => Use::Stuck,
            _ => Use::Free,
        },
        chunks: used.div_ceil(CHUNK as u32),
        used,
        live: int(bytes, 8),
        stale: int(bytes, 12) as u16,
        deletes: (int(bytes, 12) >> 16) as u16,
        base: long(bytes, 16),
    }
}

impl Root {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD + SECTION * SHARDS + self.chunks.0.len());
        out.extend(MAGIC);
        out.extend(((self.chunks.0.len() / ITEM) as u32).to_le_bytes());
        out.extend((SHARDS as u32).to_le_bytes());
        out.resize(HEAD, 0);
        for section in &self.sections {
            out.extend(section.at.to_le_bytes());
            out.extend(section.sequence.to_le_bytes());
            let shape = u32::from(section.shape.place) | u32::from(section.shape.low) << 8;
            let Section { len, puts, deletes, check, .. } = *section;
            for number in [len, puts, deletes, check, shape] {
                out.extend(number.to_le_bytes());
            }
        }
        out.extend(&self.chunks.0);
        out
    }

    /// None: what it says cannot be. The sections end before `root`; the file has
    /// `end` chunks.
    pub fn decode(bytes: &[u8], root: u64, end: u32) -> Option<Self> {
        let head = bytes.get(..HEAD)?;
        let (sections, items) = bytes[HEAD..].split_at_checked(SECTION * SHARDS)?;
        let is_ours = &head[..8] == MAGIC
            && int(head, 12) == SHARDS as u32
            && items.len() as u64 == u64::from(int(head, 8)) * ITEM as u64;
        let section = |bytes: &[u8]| {
            let section = Section {
                at: long(bytes, 0),
                sequence: long(bytes, 8),
                len: int(bytes, 16),
                puts: int(bytes, 20),
                deletes: int(bytes, 24),
                check: int(bytes, 28),
                shape: Shape { place: bytes[32], low: bytes[33] },
            };
            (section.at.checked_add(u64::from(section.len))? <= root).then_some(section)
        };
        let root = Self {
            sections: sections.chunks_exact(SECTION).map(section).collect::<Option<_>>()?,
            chunks: Items(items.to_vec()),
        };
        (is_ours && root.chunks.fits(end)).then_some(root)
    }
}
