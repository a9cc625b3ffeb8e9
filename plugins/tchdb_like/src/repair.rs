//! `repair`: what is whole of a damaged file, into a new one.
//!
//! The file is read, not mapped, so that a disk that fails costs what stands
//! there and nothing else. Neither superblock nor dump are needed, and what the
//! headers say is found in other ways where they are damaged: see `lost`. Of
//! every key the record with the highest sequence number counts, as when a
//! database is opened; so all chunks are gone through twice, first for the
//! numbers, then for the records.

use crate::{
    backup::write_new,
    record::{Seen, State},
    superblock::{self, Superblock},
    walk::{Item, walk},
};
use kumo_plugin::{Error, LogLevel};
use lost::Found;
use source::{Place, Source};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};
use xxhash_rust::xxh3::xxh3_128;

mod lost;
mod source;
mod uncrc;

/// The highest sequence number of each key, by the key's hash: long enough to
/// be taken for the key.
type Newest = HashMap<u128, u64>;

/// How far above the highest number that is known a base is looked for at first.
const SLACK: u64 = 1 << 21;
/// How high it is looked for where no number is known.
const UNKNOWN: u64 = 1 << 24;

/// Salvages what is whole of the file `from` into a new database at `to`; shows
/// `report` what is lost. How many records there are.
pub(crate) fn repair(from: &Path, to: &Path, report: &mut dyn FnMut(&str)) -> Result<u64, Error> {
    let source = Source::open(from)?;
    let (mut places, others) = source.places();
    let block = superblock::read(&source.file, from, source.seed())?;
    let total = 2 * (places.len() + others.len()) as u64;
    let (mut newest, mut last) = (Newest::new(), block.as_ref().map_or(0, |block| block.floor));
    for (done, place) in (0..).zip(&places) {
        kumo_plugin::progress(done, total);
        last = last.max(number(&source, place, &mut newest)?);
    }
    let limit = if last > 0 { last.saturating_add(SLACK) } else { UNKNOWN };
    let whole = places.len();
    find_lost(&source, &others, limit, &mut places, report)?;
    for place in &places[whole..] {
        number(&source, place, &mut newest)?;
    }
    report_missing(&source, block.as_ref(), report);
    let mut records = 0;
    write_new(to, u64::MAX, |copy| {
        for (done, place) in (places.len() as u64..).zip(&places) {
            kumo_plugin::progress(done, total);
            salvage(&source, place, &newest, report, &mut |seen| {
                records += 1;
                copy.core.set(seen.key, seen.value)
            })?;
        }
        Ok(())
    })?;
    for at in source.unread() {
        report(&format!("{}: the page at offset {at} cannot be read", from.display()));
    }
    Ok(records)
}

/// Notes the sequence numbers of a chunk's records; the highest. Where its base
/// is not certain, only of keys that are nowhere else.
fn number(source: &Source, place: &Place, newest: &mut Newest) -> Result<u64, Error> {
    let chunk = source.load(place)?;
    let (mut last, mut own) = (place.header.base, HashSet::new());
    walk(&chunk, source.seed(), chunk.end(), |item| {
        if let Item::Record(_, seen) = item {
            let sequence = place.header.base + u64::from(seen.delta);
            last = last.max(sequence);
            let key = xxh3_128(seen.key);
            let is_own = place.is_sure || own.contains(&key) || !newest.contains_key(&key);
            if is_own {
                let known = newest.entry(key).or_default();
                *known = (*known).max(sequence);
            }
            if is_own && !place.is_sure {
                own.insert(key);
            }
        }
        true
    });
    Ok(last)
}

/// Finds, among the chunks without headers, those that have lost theirs.
fn find_lost(
    source: &Source,
    others: &[u32],
    limit: u64,
    places: &mut Vec<Place>,
    report: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let (path, mut next) = (source.path.display(), 0);
    for &number in others.iter() {
        // Those of a run that was found belong to it.
        if number < next {
            continue;
        }
        let offset = source::end_of(number);
        let had_header = source
            .heads(number)
            .iter()
            .any(|words| words[0] as u32 == (source.seed() >> 32) as u32);
        match lost::find(source, number, limit)? {
            Found::Header(header, is_sure) => {
                kumo_plugin::log(
                    LogLevel::Warn,
                    &format!("{path}: the chunk at offset {offset} has no header; found anew"),
                );
                next = number + header.chunks;
                places.push(Place { number, header, is_sure });
            }
            Found::Nothing if had_header => report(&format!(
                "{path}: the chunk at offset {offset} is lost: its header is damaged, and no \
                 record in it is whole"
            )),
            Found::Nothing => {}
        }
    }
    Ok(())
}

/// Shows `keep` the records of a chunk that count, and `report` what is lost.
fn salvage(
    source: &Source,
    place: &Place,
    newest: &Newest,
    report: &mut dyn FnMut(&str),
    keep: &mut dyn FnMut(&Seen<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (path, chunk) = (source.path.display(), source.load(place)?);
    let offset = |at: usize| chunk.offset() + at as u64;
    let mut kept = Ok(());
    walk(&chunk, source.seed(), chunk.end(), |item| {
        match item {
            Item::Record(at, seen) => {
                let sequence = place.header.base + u64::from(seen.delta);
                if newest.get(&xxh3_128(seen.key)) != Some(&sequence) {
                    if !place.is_sure {
                        report(&format!(
                            "{path}: the record at offset {} is left out: its chunk's header is \
                             damaged, and there is another of its key, which may be older",
                            offset(at)
                        ));
                    }
                    return true;
                }
                if seen.state != State::Intact {
                    report(&format!(
                        "{path}: the record at offset {} is lost: its value is damaged; its key \
                         is \"{}\"",
                        offset(at),
                        seen.key[..seen.key.len().min(60)].escape_ascii()
                    ));
                } else if seen.kind.is_put() {
                    kept = keep(&seen);
                }
            }
            Item::Gap(from, to) => {
                let len = to - from;
                report(&format!("{path}: {len} bytes at offset {} are lost", offset(from)));
            }
            Item::Free(..) => {}
        }
        kept.is_ok()
    });
    kept
}

/// Says what the file should have had, as far as a superblock tells.
fn report_missing(source: &Source, block: Option<&Superblock>, report: &mut dyn FnMut(&str)) {
    let path = source.path.display();
    if source.is_cut() {
        report(&format!(
            "{path}: the file was cut off at byte {}: what stood behind it is lost",
            source.len
        ));
    }
    match block {
        None => kumo_plugin::log(
            LogLevel::Warn,
            &format!("{path}: both superblocks are damaged, and not needed"),
        ),
        Some(block) => {
            let should = source::end_of(block.end);
            if source.len < should && !source.is_cut() {
                report(&format!(
                    "{path}: the file had {should} bytes and has {}: what stood behind them is \
                     lost",
                    source.len
                ));
            }
        }
    }
}
