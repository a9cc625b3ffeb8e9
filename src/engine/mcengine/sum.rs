//! Arithmetic for an engine that has none: a get, and a store that compares.

use super::client::{McClient, Parked};
use crate::{
    engine::{
        Answer, Arithmetic, Delta, Unanswered,
        number::{padded, strtoull},
    },
    host::{
        Pins,
        memcached::{Code, Operation, exptime},
    },
};
use std::sync::Arc;

/// How often a sum is made anew because the item has changed meanwhile.
const TRIES: usize = 1000;

/// A number that is to be stored.
pub(super) struct Sum {
    number: u64,
    text: Vec<u8>,
    flags: u32,
    /// As `allocate` takes it.
    exptime: u32,
    /// The CAS unique of the item that was read; 0 where the engine has none.
    cas: u64,
}

impl McClient {
    /// incr and decr; goes on with what is parked.
    pub(super) fn sum(&mut self, key: &[u8], delta: Delta) -> Answer<Arithmetic> {
        let engine = Arc::clone(&self.engine);
        // An engine without CAS sees one sum of a key at a time, unless it blocks
        // in the middle of one; what else changes the item is found by its CAS.
        let _lock = engine.sum_lock(key);
        for _ in 0..TRIES {
            let (code, number) = match self.parked.take() {
                Some(Parked::Item { item, operation, number }) => {
                    (self.store_item(item, operation, number)?, number)
                }
                Some(Parked::Sum(sum)) => self.store_sum(key, sum)?,
                Some(Parked::Refused(_)) | None => match self.read(key, delta)? {
                    Ok(sum) => self.store_sum(key, sum)?,
                    Err(answer) => return Ok(answer),
                },
            };
            match code {
                Code::SUCCESS => return Ok(Arithmetic::Number(number)),
                // Another one was faster.
                Code::KEY_EEXISTS => {}
                Code::KEY_ENOENT | Code::NOT_STORED => return Ok(Arithmetic::NotFound),
                code => return Err(self.failed(code)),
            }
        }
        Err(self.failed(Code::TMPFAIL))
    }

    /// Reads a number and makes the sum. Err: there is none to be made.
    fn read(&mut self, key: &[u8], delta: Delta) -> Answer<Result<Sum, Arithmetic>> {
        let item = match self.connection.get(key)? {
            Ok(item) => item,
            Err(Code::DISCONNECT) => return Err(Unanswered::Disconnect),
            Err(_) => return Ok(Err(Arithmetic::NotFound)),
        };
        let pins = Pins::new();
        let (head, data) = item.pin(&pins)?;
        let Some(number) = strtoull(data) else { return Ok(Err(Arithmetic::NonNumeric)) };
        let number = delta.of(number);
        let text = padded(number, data.len());
        let exptime = exptime(head.exptime);
        Ok(Ok(Sum { number, text, flags: head.flags, exptime, cas: head.cas }))
    }

    fn store_sum(&mut self, key: &[u8], sum: Sum) -> Answer<(Code, u64)> {
        let size = sum.text.len();
        let mut item = match self.connection.allocate(key, size, sum.flags, sum.exptime) {
            Ok(Ok(item)) => item,
            Ok(Err(code)) => return Ok((code, sum.number)),
            Err(later) => {
                self.parked = Some(Parked::Sum(sum));
                return Err(later.into());
            }
        };
        item.set_cas(sum.cas);
        item.fill(&sum.text)?;
        let operation = if sum.cas == 0 { Operation::Set } else { Operation::Cas };
        Ok((self.store_item(item, operation, sum.number)?, sum.number))
    }
}
