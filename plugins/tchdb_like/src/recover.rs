//! From the file to the index: what `open` does with a file that is there.
//!
//! Where no record fits, the search goes on by steps of the alignment. If one
//! follows, what lies between is damaged, and is skipped; if none does, it is
//! the torn end of a write that was never acknowledged, and is cut off.

use crate::{
    file::{self, HEADER},
    index::{Index, Place},
    log::Log,
    lookup,
    record::{ALIGN, HEAD, Head, Kind, Seed},
    window::Window,
};
use kumo_plugin::{Error, LogLevel};
use std::{fmt, io};

/// A stretch of the file between two records in which there is none.
pub(crate) struct Region {
    pub at: u64,
    pub len: u64,
    /// How many records stood there, by the gap in the others' numbers.
    pub lost: u64,
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, len, lost } = self;
        write!(
            f,
            "{len} bytes at offset {at} are damaged and have been skipped; {lost} records stood \
             there"
        )
    }
}

/// What the search came upon.
#[derive(Default)]
struct Findings {
    damaged_values: usize,
    skipped: Vec<Region>,
    cut_bytes: u64,
}

/// Fills the index from the log, and finds the log's tail. Returns what is
/// damaged and has been skipped.
pub(crate) fn recover(log: &mut Log, index: &Index) -> Result<Vec<Region>, Error> {
    let read_error = |error: &io::Error| file::failed("cannot read from", log.path(), error);
    let end = log.file().metadata().map_err(|error| read_error(&error))?.len();
    let mut search = Search { window: Window::new(log.file(), end), seed: log.seed(), last: 0 };
    let mut findings = Findings::default();
    let mut at = HEADER as u64;
    let mut bad = None;
    let mut bad_values = Vec::new();
    while at < end {
        let Some(head) = search.head(at).map_err(|error| read_error(&error))? else {
            bad.get_or_insert(at);
            at += ALIGN;
            continue;
        };
        if let Some(from) = bad.take() {
            let lost = head.sequence - search.last - 1;
            let region = Region { at: from, len: at - from, lost };
            log.report_damage(&format!("{}: {region}", log.path().display()));
            findings.skipped.push(region);
        }
        search.last = head.sequence;
        let place = Place { at, key_len: head.key_len, val_len: head.val_len };
        let key = search.key(place).map_err(|error| read_error(&error))?;
        let hash = index.hash(key);
        match (head.kind, lookup::place(log, index, hash, key)?) {
            (Kind::Put, old) => index.put(hash, old, place),
            (Kind::Delete, Some(old)) => index.remove(hash, old),
            (Kind::Delete, None) => {}
        }
        // The index needs no mark of it: whoever reads the value finds the same.
        if !search.value_fits(place, &head).map_err(|error| read_error(&error))? {
            bad_values.push((hash, place));
        }
        at = place.end();
    }
    // What later records have replaced is no loss.
    bad_values.retain(|&(hash, place)| {
        index.find(hash, place.key_len as usize).any(|live| live.at == place.at)
    });
    for &(_, place) in &bad_values {
        let _ = log.damage(place);
    }
    findings.damaged_values = bad_values.len();
    let tail = bad.unwrap_or(at);
    let sequence = search.last + 1;
    if tail < end {
        findings.cut_bytes = end - tail;
        log.file()
            .set_len(tail)
            .map_err(|error| file::failed("cannot cut the torn end off", log.path(), &error))?;
    }
    *log.tail() = crate::log::Tail { at: tail, sequence };
    report(log, index, &findings);
    Ok(findings.skipped)
}

/// The file, and how far it has been understood.
struct Search<'a> {
    window: Window<'a>,
    seed: Seed,
    /// The number of the last record: the next one's is higher.
    last: u64,
}

impl Search<'_> {
    /// The head at `at`, if it and its key fit and the file holds the whole
    /// record.
    fn head(&mut self, at: u64) -> io::Result<Option<Head>> {
        let rest = self.window.end() - at;
        if rest < HEAD as u64 {
            return Ok(None);
        }
        let Some(&raw) = self.window.bytes(at, HEAD)?.first_chunk() else { return Ok(None) };
        let Some((head, wanted)) = self.seed.decode(&raw) else { return Ok(None) };
        if head.sequence <= self.last || head.total() > rest {
            return Ok(None);
        }
        // By pieces: the key's length is not to be trusted yet.
        let mut check = self.seed.head_check(at, &raw);
        self.window.check(&mut check, at + HEAD as u64, head.key_len)?;
        Ok((check.finalize() == wanted).then_some(head))
    }

    fn key(&mut self, place: Place) -> io::Result<&[u8]> {
        self.window.bytes(place.at + HEAD as u64, place.key_len as usize)
    }

    fn value_fits(&mut self, place: Place, head: &Head) -> io::Result<bool> {
        let mut check = self.seed.value_check();
        let at = place.at + HEAD as u64 + u64::from(place.key_len);
        self.window.check(&mut check, at, place.val_len)?;
        Ok(check.finalize() == head.val_check)
    }
}

fn report(log: &Log, index: &Index, findings: &Findings) {
    let path = log.path().display();
    if findings.cut_bytes > 0 {
        kumo_plugin::log(
            LogLevel::Warn,
            &format!(
                "{path}: cut {} bytes off the end, a write that was cut short and never \
                 acknowledged",
                findings.cut_bytes
            ),
        );
    }
    let lost: u64 = findings.skipped.iter().map(|region| region.lost).sum();
    if findings.damaged_values + findings.skipped.len() > 0 {
        kumo_plugin::log(
            LogLevel::Warn,
            &format!(
                "{path}: opened with {} records; {} values are damaged, {lost} records are lost in {} \
                 damaged regions: restore what is missing from a backup",
                index.len(),
                findings.damaged_values,
                findings.skipped.len()
            ),
        );
    }
}
