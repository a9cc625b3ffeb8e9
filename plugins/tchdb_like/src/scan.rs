//! `for_each`: every record of one point in time, in the file's order.

use crate::{engine::TchdbLike, log::State};
use kumo_plugin::{Error, Visit};

/// Shows every intact record. The places are a copy and records never move, so
/// no lock is held meanwhile, and `visit` may use the storage as it likes.
pub(crate) fn for_each(storage: &TchdbLike, visit: Visit<'_>) -> Result<(), Error> {
    let mut damaged = 0_u64;
    let mut buffer = Vec::new();
    for place in storage.index.snapshot() {
        let record = storage.log.read(place, buffer)?;
        if record.state == State::Intact {
            if visit(record.key(), record.value()).is_break() {
                return Ok(());
            }
        } else {
            damaged += 1;
            let _ = storage.log.damage(place);
        }
        buffer = record.into_buffer();
    }
    match damaged {
        0 => Ok(()),
        _ => Err(Error::corrupt(format!(
            "{}: {damaged} records are damaged, and were left out; the log names them",
            storage.log.path().display()
        ))),
    }
}
