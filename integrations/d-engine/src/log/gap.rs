//! Gaps that d-engine 0.2.4 leaves in the log.
//!
//! It purges its memory before it hands over what it has, and hands over what is
//! left: then there is a gap until the purge comes, which is on its way. After a
//! truncation it keeps entries back, up to the index that was durable before. And a
//! follower takes entries that do not follow its own, from a leader that has purged
//! those between. If the node ends meanwhile, what is behind the gap is of no use, and
//! the leader sends it again. So a gap is written down; one that is not is damage.

use super::index::Run;
use crate::{changes::Changes, record::Space, table::Table};
use d_engine::common::Entry;
use kumo::host::{ErrorCode, Failure};

/// Whether entries are without a gap, and leave none beside the log.
pub fn joins(log: Option<Run>, entries: &[Entry]) -> bool {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return true };
    let whole = entries.windows(2).all(|pair| pair[0].index + 1 == pair[1].index);
    let beside = log.is_none_or(|(log_first, log_last)| {
        first.index <= log_last + 1 && last.index.saturating_add(1) >= log_first
    });
    whole && beside
}

/// Writes down where a log has a gap, or that it has none.
pub fn note(gap: Option<(u64, u64)>, changes: &mut Changes) {
    match gap {
        None => changes.delete(Space::Gap, b""),
        Some((last, _)) => changes.put(Space::Gap, b"", last, &last.to_be_bytes()),
    }
}

/// Refuses a gap, between these two entries, that has not been written down.
pub fn check(table: &Table, last: u64, next: u64) -> Result<(), Failure> {
    if table.get(Space::Gap, b"")?.as_deref() == Some(&last.to_be_bytes()) {
        return Ok(());
    }
    Err(Failure::new(
        ErrorCode::Corrupt,
        format!("the log does not go on from entry {last}: what follows is {next}"),
    ))
}
