//! What the engine tells of itself: `stats`.

use crate::{chunk::CHUNK, engine::TchdbLike};
use kumo_plugin::Error;
use std::{fmt::Display, sync::atomic::Ordering::Relaxed};

/// Numbers that are at hand: nothing is read for them.
pub(crate) fn stats(
    storage: &TchdbLike,
    add: &mut dyn FnMut(&str, &dyn Display),
) -> Result<(), Error> {
    let core = &*storage.core;
    let live = core.live();
    // Asked after: what counts as live is in chunks that are in use.
    let used = core.space.used() + CHUNK as u64;
    add("records", &core.rnum());
    add("file_bytes", &used);
    add("live_bytes", &live);
    add("dead_bytes", &used.saturating_sub(CHUNK as u64 + live));
    add("index_bytes", &core.index.bytes());
    add("compactions", &core.moved.load(Relaxed));
    add("checkpoints", &core.checkpoints.count());
    add("syncs", &core.syncer.count());
    add("scans", &core.scans.count());
    add("recovered", &core.recovered);
    add("damaged", &storage.damaged());
    Ok(())
}
