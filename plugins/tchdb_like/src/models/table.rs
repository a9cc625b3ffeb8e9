//! The index: what is there is not missed while entries move.

use super::check;
use crate::index::{Entry, Hash, Index};
use loom::thread;
use std::sync::Arc;

/// All have one home.
fn hash() -> Hash {
    Hash::from_parts(0, Entry(0))
}

fn entry(n: u64) -> Entry {
    hash().entry(n * 8)
}

/// A table with the first so many entries.
fn table(entries: u64) -> Arc<Index> {
    let index = Index::new().unwrap();
    for n in 1..=entries {
        assert!(index.make_room(0) && index.insert(0, entry(n)));
    }
    Arc::new(index)
}

/// One look, as `Core::get` does it. None: it must look again.
fn look(index: &Index, n: u64) -> Option<bool> {
    let version = index.version(0)?;
    let is_found = index.find(hash(), |found, _| found == entry(n));
    (is_found || index.is_still(0, version)).then_some(is_found)
}

#[test]
fn nothing_is_missed_while_the_table_grows() {
    check(3, || {
        let index = table(1);
        let reader = {
            let index = Arc::clone(&index);
            thread::spawn(move || assert_ne!(look(&index, 1), Some(false)))
        };
        assert!(index.make_room(0) && index.insert(0, entry(2)));
        reader.join().unwrap();
        assert_eq!((look(&index, 1), look(&index, 2)), (Some(true), Some(true)));
    });
}

#[test]
fn nothing_is_missed_while_entries_move_back() {
    check(3, || {
        let index = table(4);
        let reader = {
            let index = Arc::clone(&index);
            thread::spawn(move || assert_ne!(look(&index, 4), Some(false)))
        };
        assert!(index.remove(hash(), entry(1)));
        reader.join().unwrap();
        assert_eq!((look(&index, 4), look(&index, 1)), (Some(true), Some(false)));
    });
}
