//! Chunks whose headers are damaged, both of them. What is needed of a header is
//! the base; without it no check of a record can be computed. But the CRC of a
//! record can be followed back to what it began with, which is half of a hash of
//! seed, number and base; and of all bases that there may have been, one has
//! this hash.

use super::source::{Place, Source, fits};
use crate::{
    chunk::{CHUNK, FIRST, Header},
    record::{
        ALIGN, Salt,
        salt::{Likely, large_end, likely},
    },
};
use kumo_plugin::Error;
use std::cmp::Reverse;

/// How many records that say something different are taken into account.
const TRIES: usize = 64;
/// So many records that say the same are believed without asking more of them.
const ENOUGH: u32 = 4;
/// How far the base is looked for that two records speak for.
const FAR: u64 = 1 << 32;

/// What is known of a chunk without a header.
pub(super) enum Found {
    /// What its header said; or false, where several bases fit, and this has one
    /// of them: the records can be read, and their order among themselves is
    /// known, but not that with others.
    Header(Header, bool),
    /// There is no record in it.
    Nothing,
}

/// Finds out what the header of a chunk was; its base is hardly above `limit`.
pub(super) fn find(source: &Source, number: u32, limit: u64) -> Result<Found, Error> {
    if let Some(header) = mended(source, number) {
        return Ok(Found::Header(header, true));
    }
    let header = Header { is_run: false, chunks: 1, base: 0 };
    let mut place = Place { number, header, is_sure: false };
    let mut chunk = source.load(&place)?;
    if let Some(end) = large_end(&chunk.memory, FIRST) {
        let header = Header { is_run: true, chunks: end.div_ceil(CHUNK) as u32, base: 0 };
        if fits(number, header) {
            place.header = header;
            chunk = source.load(&place)?;
        }
    }
    // What records say the half is, and how many say so.
    let mut told: Vec<(Likely, u32)> = Vec::new();
    for at in (FIRST..CHUNK - ALIGN).step_by(ALIGN) {
        let Some(found) = likely(&chunk.memory, at, chunk.end()) else { continue };
        let chunks = found.end.div_ceil(CHUNK) as u32;
        if found.is_large && (at != FIRST || chunks != place.header.chunks) {
            continue;
        }
        match told.iter().position(|(known, _)| known.half == found.half) {
            Some(at) => told[at].1 += 1,
            None if told.len() < TRIES => told.push((found, 1)),
            None => {}
        }
        if told.iter().any(|(_, votes)| *votes == ENOUGH) {
            break;
        }
    }
    told.sort_by_key(|(_, votes)| Reverse(*votes));
    for (found, votes) in told {
        let has_it = |base: &u64| Salt::new(source.seed(), number, *base).half() == found.half;
        let farthest = if votes > 1 { limit.max(FAR) } else { limit };
        if let Some(base) = (1..=farthest).find(has_it) {
            let chunks = if found.is_large { place.header.chunks } else { 1 };
            let header = Header { is_run: found.is_large, chunks, base };
            let is_sure = !(base + 1..=limit).any(|base| has_it(&base));
            return Ok(Found::Header(header, is_sure));
        }
    }
    Ok(Found::Nothing)
}

/// A header of what is whole of one and of the other: its CRC tells.
fn mended(source: &Source, number: u32) -> Option<Header> {
    let [a, b] = source.heads(number);
    for base in [a[1], b[1]] {
        for chunks in [1, a[2] as u32, b[2] as u32] {
            for is_run in [false, true] {
                let header = Header { is_run, chunks, base };
                let check = header.words(source.seed(), number)[7];
                if (check == a[7] || check == b[7]) && chunks > 0 && fits(number, header) {
                    return Some(header);
                }
            }
        }
    }
    None
}
