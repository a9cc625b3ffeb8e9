//! `for_each`: every record of one point in time, in the file's order.

use crate::{
    engine::TchdbLike,
    log::{Record, State},
};
use kumo_plugin::{CasProc, Entry, Error, Storage};
use std::ops::ControlFlow;

struct Current<'a> {
    storage: &'a TchdbLike,
    record: &'a Record,
}

impl Entry for Current<'_> {
    fn key(&self) -> &[u8] {
        self.record.key()
    }

    fn value(&self) -> &[u8] {
        self.record.value()
    }

    fn del(&mut self, proc: CasProc<'_>) -> Result<bool, Error> {
        self.storage.del(self.record.key(), proc)
    }
}

/// Shows every intact record. The places are a copy and records never move, so
/// no lock is held meanwhile, and `visit` may use the storage as it likes.
pub(crate) fn for_each(
    storage: &TchdbLike,
    visit: &mut dyn FnMut(&mut dyn Entry) -> ControlFlow<()>,
) -> Result<(), Error> {
    let mut damaged = 0_u64;
    let mut buffer = Vec::new();
    for place in storage.index.snapshot() {
        let record = storage.log.read(place, buffer)?;
        if record.state == State::Intact {
            if visit(&mut Current { storage, record: &record }).is_break() {
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
