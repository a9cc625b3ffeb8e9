//! An open database, with calls that fail the test when the contract is broken
//! in a way that no test needs to look for: an error for what is no failure, a
//! failure without one.

use super::{Outcome, ensure, fail};
use crate::host::raw::{Answer, Cas, Current, Database, Zone};
use std::{collections::BTreeMap, ops::Deref};

/// An open database.
pub(super) struct Store(Database);

/// All the records of a database.
pub(super) type Records = BTreeMap<Vec<u8>, Vec<u8>>;

impl Deref for Store {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.0
    }
}

/// Bytes for a reason: the start, and how many they are.
pub(super) fn text(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    if bytes.len() <= SHOWN {
        return format!("\"{}\"", bytes.escape_ascii());
    }
    format!("\"{}...\" ({} bytes)", bytes[..SHOWN].escape_ascii(), bytes.len())
}

/// As `text`, for what may be absent.
pub(super) fn text_or(bytes: Option<&[u8]>) -> String {
    bytes.map_or("NULL".to_owned(), text)
}

/// What a call said, if it called no `set_error`.
pub(super) fn clean<R>(answer: Answer<R>, what: &str) -> Outcome<R> {
    match answer.error {
        None => Ok(answer.said),
        Some(error) => fail!("{what} called set_error ({error}), where nothing fails"),
    }
}

/// Why a call failed, for a reason.
pub(super) fn why<R>(answer: &Answer<R>) -> String {
    answer.error.as_ref().map_or("without set_error".to_owned(), |error| error.text.clone())
}

impl Store {
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    /// `set`, which must work.
    pub fn put(&self, key: &[u8], value: &[u8]) -> Outcome {
        let answer = self.set(key, value);
        ensure!(answer.said, "set of {} = {} failed: {}", text(key), text(value), why(&answer));
        clean(answer, "set").map(|_| ())
    }

    /// `get`, copied.
    pub fn read(&self, key: &[u8]) -> Outcome<Option<Vec<u8>>> {
        let zone = Zone::new(self);
        let found = clean(self.get(key, &zone), &format!("get of {}", text(key)))?;
        Ok(match found {
            None => None,
            Some(value) if value.len() == u32::MAX as usize => {
                fail!("get of {} found a value, and did not set its length", text(key))
            }
            Some(value) => Some(value.bytes()),
        })
    }

    /// `get`, which must find exactly this; None: nothing.
    pub fn expect(&self, key: &[u8], wanted: Option<&[u8]>) -> Outcome {
        let found = self.read(key)?;
        ensure!(
            found.as_deref() == wanted,
            "get of {} is {}; it should be {}",
            text(key),
            text_or(found.as_deref()),
            text_or(wanted)
        );
        Ok(())
    }

    /// `del` with a comparison that agrees; false: not there.
    pub fn remove(&self, key: &[u8]) -> Outcome<bool> {
        let mut cas = Cas::agree();
        let deleted = clean(self.del(key, &mut cas), &format!("del of {}", text(key)))?;
        ensure!(
            cas.shown.len() == usize::from(deleted),
            "del of {} returned {deleted}, and called the proc, which agrees, {} times",
            text(key),
            cas.shown.len()
        );
        Ok(deleted)
    }

    /// `update` with a comparison; false: refused.
    pub fn replace(
        &self,
        key: &[u8],
        value: &[u8],
        ask: impl FnMut(&[u8]) -> bool,
    ) -> Outcome<bool> {
        let mut cas = Cas::new(ask);
        clean(self.update(key, value, &mut cas), &format!("update of {}", text(key)))
    }

    /// `rnum`, where there is one, must be this.
    pub fn expect_count(&self, wanted: u64) -> Outcome {
        if !self.plugin().has("rnum") {
            return Ok(());
        }
        let count = clean(self.rnum(), "rnum")?;
        ensure!(count == wanted, "rnum is {count}; there are {wanted} records");
        Ok(())
    }

    /// Every record, by a scan, which must show each once.
    pub fn records(&self) -> Outcome<Records> {
        let mut records = Records::new();
        let mut wrong = None;
        let answer = self.for_each(&mut |current| {
            match (current.key(), current.val()) {
                (Some(key), Some(value)) => {
                    let shown = text(&key);
                    if records.insert(key, value).is_some() {
                        wrong.get_or_insert(format!("for_each shows {shown} twice"));
                    }
                }
                (key, _) => {
                    let what = if key.is_some() { "iterator_val" } else { "iterator_key" };
                    wrong.get_or_insert(format!("{what} returned NULL"));
                }
            }
            0
        });
        let said = clean(answer, "for_each")?;
        ensure!(said >= 0, "for_each returned {said}, where nothing failed");
        match wrong {
            Some(wrong) => fail!("{wrong}"),
            None => Ok(records),
        }
    }

    /// A scan that must show every record and end well; the first failure of
    /// `visit` ends it, and is the result.
    pub fn each(&self, mut visit: impl FnMut(&Current<'_>) -> Outcome) -> Outcome {
        let mut failed = None;
        let answer = self.for_each(&mut |current| match visit(current) {
            Ok(()) => 0,
            Err(stop) => {
                failed = Some(stop);
                -1
            }
        });
        if let Some(stop) = failed {
            return Err(stop);
        }
        let said = clean(answer, "for_each")?;
        ensure!(said >= 0, "for_each returned {said}, where nothing failed or stopped it");
        Ok(())
    }

    /// The records, by get, by scan and by count, must be these.
    pub fn expect_all(&self, wanted: &Records) -> Outcome {
        for (key, value) in wanted {
            self.expect(key, Some(value))?;
        }
        same(&self.records()?, wanted, "for_each shows")?;
        self.expect_count(wanted.len() as u64)
    }

    /// `close` and `free`, neither of which may report an error.
    pub fn shut(self) -> Outcome {
        let instance = clean(self.0.close(), "close")?;
        match instance {
            Some(instance) => clean(instance.free(), "free"),
            None => Ok(()),
        }
    }
}

/// Two sets of records must be the same.
pub(super) fn same(found: &Records, wanted: &Records, what: &str) -> Outcome {
    for (key, value) in wanted {
        let there = found.get(key).map(Vec::as_slice);
        ensure!(
            there == Some(value),
            "{what} {} = {}; it should be {}",
            text(key),
            text_or(there),
            text(value)
        );
    }
    match found.keys().find(|key| !wanted.contains_key(*key)) {
        Some(extra) => fail!("{what} {}, which should not be there", text(extra)),
        None => Ok(()),
    }
}
