//! Writers, and what others may see of what they do.
//!
//! Each writer has a few keys, which nobody else writes, and changes one after the
//! other: now it sets it, now it deletes it. So what is there at a moment is, for
//! each writer, what its first so many operations have left, and no other mixture.

use super::Db;
use crate::{database::Core, lookup::Pinned};
use std::{
    collections::BTreeMap,
    ops::{ControlFlow, RangeInclusive},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

/// The keys of a writer.
pub(super) const KEYS: usize = 2;

type Key = [u8; 2];

/// Numbers of the machine: to look at them is no step.
pub(super) struct Writer {
    number: u8,
    /// The length of the value that an operation sets.
    len: fn(usize) -> usize,
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Writer {
    pub fn new(number: u8, len: fn(usize) -> usize) -> Self {
        Self { number, len, begun: AtomicUsize::new(0), ended: AtomicUsize::new(0) }
    }

    /// Does its next operations.
    pub fn go_on(&self, db: &Db, ops: usize) {
        for _ in 0..ops {
            let op = self.begun.fetch_add(1, SeqCst) + 1;
            let key = self.key(op);
            let core = &db.core;
            match self.value(op) {
                Some(value) => core.set(&key, &value).unwrap(),
                None => {
                    let mut shown = 0;
                    let deleted = core.del(&key, &mut |value: &[u8]| {
                        shown = self.op_of(key, value);
                        true
                    });
                    assert!(deleted.unwrap());
                    assert_eq!(shown, op - KEYS, "not what was set last");
                }
            }
            core.acknowledge().unwrap();
            self.ended.store(op, SeqCst);
        }
    }

    fn key(&self, op: usize) -> Key {
        [self.number, (op % KEYS) as u8]
    }

    /// What an operation sets; None: it deletes.
    fn value(&self, op: usize) -> Option<Vec<u8>> {
        let is_delete = (op - 1) / KEYS % 3 == 2;
        let byte = |at: usize| (op * 31 + usize::from(self.number) * 7 + at) as u8;
        let value = || [op as u8].into_iter().chain((1..(self.len)(op)).map(byte)).collect();
        (!is_delete).then(value)
    }

    /// The operation that set a value, which must be whole.
    fn op_of(&self, key: Key, value: &[u8]) -> usize {
        let op = usize::from(value[0]);
        assert_eq!(self.key(op), key, "another key's value");
        assert!(self.value(op).is_some_and(|whole| whole == value), "not what was set");
        op
    }

    /// What the first operations leave of a key: the operation that set it.
    fn left(&self, key: Key, ops: usize) -> Option<usize> {
        let last = (1..=ops).rev().find(|&op| self.key(op) == key)?;
        self.value(last).is_some().then_some(last)
    }

    fn keys(&self) -> [Key; KEYS] {
        [0, 1].map(|op| self.key(op))
    }

    /// Looks at a key, and whether it is as it was at some moment between. Later
    /// once more at the bytes, which must have stayed.
    pub fn read(&self, core: &Core, key: usize, meanwhile: impl FnOnce()) {
        let key = self.key(key);
        let ended = self.ended.load(SeqCst);
        let found = core.get(core.hash(&key), &key).unwrap();
        let begun = self.begun.load(SeqCst);
        let op = |pinned: &Pinned<'_>| self.op_of(key, pinned.value);
        let seen = found.as_ref().map(op);
        let may_be = (ended..=begun).any(|ops| self.left(key, ops) == seen);
        assert!(may_be, "{key:?} had {seen:?} after {ended} to {begun} operations");
        if found.is_some() {
            meanwhile();
            assert_eq!(found.as_ref().map(op), seen, "it has been written over");
        }
    }
}

/// The operations that may have been done, of each writer.
pub(super) struct Moment<'a>(Vec<(&'a Writer, RangeInclusive<usize>)>);

impl<'a> Moment<'a> {
    pub fn now(writers: &'a [Writer]) -> Self {
        let ops = |writer: &Writer| writer.ended.load(SeqCst)..=writer.begun.load(SeqCst);
        Self(writers.iter().map(|writer| (writer, ops(writer))).collect())
    }

    /// Also any moment up to now.
    fn until_now(self) -> Self {
        let ops = |(writer, ops): (&'a Writer, RangeInclusive<usize>)| {
            (writer, *ops.start()..=writer.begun.load(SeqCst))
        };
        Self(self.0.into_iter().map(ops).collect())
    }

    /// Whether what was found is what was there at such a moment.
    fn check(&self, found: &BTreeMap<Key, Vec<u8>>) {
        for (writer, ops) in &self.0 {
            let seen = writer.keys().map(|key| {
                let value = found.get(&key)?;
                Some(writer.op_of(key, value))
            });
            let may_be =
                ops.clone().any(|ops| writer.keys().map(|key| writer.left(key, ops)) == seen);
            assert!(may_be, "{seen:?} after {ops:?} operations of {}", writer.number);
        }
        let keys: usize = self.0.iter().map(|(writer, _)| writer.keys().len()).sum();
        assert!(found.len() <= keys);
    }
}

/// A scan shows what was there at one moment.
pub(super) fn scan(core: &Core, writers: &[Writer]) {
    let moment = Moment::now(writers);
    let mut found = BTreeMap::new();
    core.for_each(&mut |key, value| {
        let twice = found.insert(key.try_into().unwrap(), value.to_vec());
        assert_eq!(twice, None, "shown twice");
        ControlFlow::Continue(())
    })
    .unwrap();
    moment.until_now().check(&found);
}

/// If the process ended now, all would be there that has been acknowledged.
pub(super) fn look_at_image(db: &Db, writers: &[Writer]) {
    let moment = Moment::now(writers);
    let core = db.image();
    check_all(&core, &moment, writers);
}

/// When no writer is at work: everything is there, and nothing is damaged.
pub(super) fn check_end(db: &Db, writers: &[Writer]) {
    let moment = Moment::now(writers);
    check_all(&db.core, &moment, writers);
    scan(&db.core, writers);
    look_at_image(db, writers);
}

fn check_all(core: &Core, moment: &Moment<'_>, writers: &[Writer]) {
    let mut found = BTreeMap::new();
    for key in writers.iter().flat_map(Writer::keys) {
        if let Some(pinned) = core.get(core.hash(&key), &key).unwrap() {
            found.insert(key, pinned.value.to_vec());
        }
    }
    moment.check(&found);
    assert_eq!(core.rnum(), found.len() as u64);
    assert_eq!(core.damaged.load(SeqCst), 0);
}
