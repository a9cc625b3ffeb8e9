//! A reader pins a chunk and looks at the slot again; a writer takes the entry
//! away and looks for pins: never do both go on.

use super::check;
use crate::{
    index::{Entry, Hash, Index},
    pins::Pins,
    sync::{
        atomic::{
            Ordering::{Relaxed, SeqCst},
            fence,
        },
        set_thread_number,
    },
};
use loom::{sync::atomic::AtomicU64, thread};
use std::sync::Arc;

const CHUNK: u32 = 5;

struct Shared {
    index: Index,
    pins: Pins,
    /// What stands at the old entry's place; plain bytes, as far as they go.
    room: AtomicU64,
}

const OLD: u64 = 1;
const NEW: u64 = 2;

fn hash() -> Hash {
    Hash::from_parts(0, Entry(0))
}

fn entry(n: u64) -> Entry {
    hash().entry(n * 8)
}

/// As `Core::try_get`: what stands in the room, while it may be read.
fn read(shared: &Shared) {
    shared.index.find(hash(), |found, slot| {
        let pin = shared.pins.pin(CHUNK);
        if slot.load(SeqCst) == found.0 && found == entry(1) {
            assert_eq!(shared.room.load(Relaxed), OLD, "read though it was given away");
            assert_eq!(shared.room.load(Relaxed), OLD, "written over while it was pinned");
        }
        drop(pin);
        true
    });
}

/// As `Core::store` and, later, `Core::claim`.
fn write(shared: &Shared, change: impl FnOnce(&Index)) {
    change(&shared.index);
    fence(SeqCst);
    if !shared.pins.has(CHUNK) {
        shared.room.store(NEW, Relaxed);
    }
}

fn run(readers: usize, change: fn(&Index)) {
    check(3, move || {
        let shared = Arc::new(Shared {
            index: Index::new().unwrap(),
            pins: Pins::new().unwrap(),
            room: AtomicU64::new(OLD),
        });
        assert!(shared.index.insert(0, entry(1)));
        let readers = (1..=readers).map(|number| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                set_thread_number(number);
                read(&shared);
            })
        });
        let readers: Vec<_> = readers.collect();
        write(&shared, change);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

#[test]
fn a_record_that_was_replaced_stays_while_it_is_read() {
    run(1, |index| index.replace(hash(), entry(1), entry(3)));
}

#[test]
fn a_record_that_was_removed_stays_while_it_is_read() {
    run(1, |index| assert!(index.remove(hash(), entry(1))));
}

#[test]
fn readers_with_stripes_of_their_own_are_all_seen() {
    run(2, |index| assert!(index.remove(hash(), entry(1))));
}
