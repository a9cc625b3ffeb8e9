//! The chunks that are in use, and those of them that a checkpoint knows.

use super::{Findings, Region};
use crate::{
    chunk::{CHUNK, Chunk, FIRST, PER_SEGMENT, Use},
    database::Core,
    dump::{Item, Items, Section},
    record,
    space::Space,
    superblock::Dump,
};
use kumo_plugin::Error;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// The chunks with records.
pub(super) struct Found {
    /// Those that are to be walked.
    pub changed: Vec<u32>,
    /// Of each chunk, whether it is as the checkpoint saw it.
    pub known: Vec<bool>,
}

/// What a checkpoint says of them.
pub(super) struct Known<'a> {
    /// In their order.
    pub items: Option<&'a Items>,
    /// Where its dump is.
    pub pieces: &'a [(u32, u32)],
    pub epoch: u32,
}

impl Core {
    /// Finds the chunks that are in use.
    pub(super) fn find_chunks(
        &self,
        was_lost: bool,
        known: &Known<'_>,
        findings: &Findings,
    ) -> Result<Found, Error> {
        let (end, seed) = (self.space.end(), self.space.seed);
        let mut found = Found { changed: Vec::new(), known: vec![false; end as usize] };
        let mut items = known.items.into_iter().flat_map(Items::iter).peekable();
        let mut pieces = known.pieces.to_vec();
        pieces.sort_unstable();
        let mut pieces = pieces.into_iter().peekable();
        let mut in_use = Vec::new();
        let mut number = 1;
        while number < end {
            if let Some((piece, chunks)) = pieces.next_if(|(piece, _)| *piece <= number) {
                in_use.push((piece, chunks));
                number = number.max(piece + chunks);
                continue;
            }
            let chunk = self.space.map(number)?;
            let header = chunk.read_header(seed).filter(|header| {
                u64::from(number) + u64::from(header.chunks) <= u64::from(end)
                    && header.chunks <= PER_SEGMENT
                    && number % PER_SEGMENT + header.chunks <= PER_SEGMENT
                    && (header.is_run || header.chunks == 1)
            });
            let Some(header) = header else {
                if chunk.has_mark(seed) && !was_lost {
                    let region = Region { at: chunk.offset(), len: CHUNK as u64 };
                    findings.regions.lock().push(region);
                    // Left as it is, for a repair.
                    chunk.set_usage(Use::Part);
                    self.space.adopt(CHUNK as u64);
                    in_use.push((number, 1));
                }
                number += 1;
                continue;
            };
            findings.last.fetch_max(header.base, Relaxed);
            while items.next_if(|item| item.number < number).is_some() {}
            let touched = chunk.touched_at(seed, header);
            findings.epoch.fetch_max(touched.unwrap_or(0), Relaxed);
            let is_known = |item: &&Item| {
                item.number == number
                    && item.base == header.base
                    && item.chunks == header.chunks
                    && (item.usage == Use::Run) == header.is_run
                    && touched.is_some_and(|touched| touched < known.epoch)
            };
            if let Some(item) = items.peek().filter(is_known) {
                item.tell(chunk);
                self.shards[0].live.fetch_add(u64::from(item.live), Relaxed);
                found.known[number as usize] = true;
            } else {
                chunk.adopt(header);
                chunk.set_used(if header.is_run { self.run_bytes(chunk) } else { CHUNK });
                found.changed.push(number);
            }
            for part in 1..header.chunks {
                self.space.map(number + part)?.set_usage(Use::Part);
            }
            self.space.adopt(Space::disk_bytes(chunk));
            in_use.push((number, header.chunks));
            number += header.chunks;
        }
        self.space.find_free(in_use.into_iter());
        Ok(found)
    }

    /// The bytes of a run up to the end of its record.
    fn run_bytes(&self, chunk: &Chunk) -> usize {
        let salt = chunk.salt(self.space.seed);
        let seen = record::see(&chunk.memory, salt, FIRST, chunk.end());
        seen.map_or(chunk.end(), |seen| seen.value_at + seen.value.len())
    }

    /// Enters what the dump has of a shard, of the chunks that it knows.
    pub(super) fn load_known(
        &self,
        number: usize,
        dump: &Dump,
        section: &Section,
        known: &[bool],
    ) -> Result<(), Error> {
        let shard = &self.shards[number];
        let count = self.fill(number, dump, section, |chunk| {
            Some(chunk.is_some_and(|chunk| known[chunk.number as usize]))
        })?;
        shard.records.store(count, Relaxed);
        shard.inner.lock().sequence = section.sequence;
        self.space.floor.fetch_max(section.sequence, SeqCst);
        Ok(())
    }
}
