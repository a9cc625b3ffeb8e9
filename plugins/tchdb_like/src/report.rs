//! What the engine tells of itself: `stats` and `verify`.

use crate::{engine::TchdbLike, file::HEADER, log::State};
use kumo_plugin::Error;
use std::fmt::Display;

/// Numbers that are at hand: nothing is read or counted for them.
pub(crate) fn stats(
    storage: &TchdbLike,
    add: &mut dyn FnMut(&str, &dyn Display),
) -> Result<(), Error> {
    let live = storage.index.bytes();
    // Read after: what is counted as live is in the file.
    let file = storage.log.tail().at;
    add("records", &storage.index.len());
    add("file_bytes", &file);
    add("live_bytes", &live);
    add("dead_bytes", &file.saturating_sub(HEADER as u64 + live));
    add("damaged", &storage.damaged());
    Ok(())
}

/// Reads the live records of one point in time, and reports those that are
/// damaged, and what was damaged and skipped when the file was opened. Like any
/// other reader, it counts and logs the damage too.
pub(crate) fn verify(storage: &TchdbLike, report: &mut dyn FnMut(&str)) -> Result<(), Error> {
    for region in &storage.skipped {
        report(&format!("{}: {region}", storage.log.path().display()));
    }
    let mut buffer = Vec::new();
    for place in storage.index.snapshot() {
        let record = storage.log.read(place, buffer)?;
        if record.state != State::Intact {
            report(storage.log.damage(place).text());
        }
        buffer = record.into_buffer();
    }
    Ok(())
}
