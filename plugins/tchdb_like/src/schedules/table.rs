//! The index: a key that is there is found, whatever comes, goes and moves beside it.

use super::check;
use crate::{
    index::{Entry, Hash, Index},
    sync::Mutex,
};
use shuttle::thread::scope;

/// Tags at both ends and in the middle, so that lines are full and run over.
const TAGS: [usize; 4] = [0, 1, 1 << 27, (1 << 28) - 1];

fn hash(tag: usize) -> Hash {
    Hash::from_parts(0, Entry(tag as u64))
}

/// Whether it is found by who has no lock.
fn is_found(index: &Index, tag: usize, offset: u64) -> bool {
    loop {
        let Some(version) = index.version(0) else {
            shuttle::hint::spin_loop();
            continue;
        };
        if index.find(hash(tag), |entry, _| entry.offset() == offset) {
            return true;
        }
        if index.is_still(0, version) {
            return false;
        }
    }
}

/// Writers put in and take out so many entries each, under the shard's lock.
fn run(writers: usize, entries: usize) {
    let index = Index::new().unwrap();
    let lock = Mutex::new(());
    let offset = |writer: usize, n: usize| ((writer * 100 + n) * 8 + 8) as u64;
    let put_in = |tag, offset| {
        let _locked = lock.lock();
        assert!(index.make_room(0) && index.insert(0, hash(tag).entry(offset)));
    };
    for (n, &tag) in TAGS.iter().enumerate() {
        put_in(tag, offset(9, n));
    }
    scope(|scope| {
        for writer in 0..writers {
            let (index, lock, put_in) = (&index, &lock, &put_in);
            scope.spawn(move || {
                let tag = |n: usize| TAGS[(n / 3 + writer) % TAGS.len()];
                (0..entries).for_each(|n| put_in(tag(n), offset(writer, n)));
                for n in 0..entries {
                    assert!(is_found(index, tag(n), offset(writer, n)));
                    let _locked = lock.lock();
                    assert!(index.remove(hash(tag(n)), hash(tag(n)).entry(offset(writer, n))));
                    index.fit(0);
                }
            });
        }
        for reader in 0..2 {
            let index = &index;
            scope.spawn(move || {
                for n in (0..2 * TAGS.len()).map(|n| (n + reader) % TAGS.len()) {
                    assert!(is_found(index, TAGS[n], offset(9, n)), "{n} is there");
                    assert!(!is_found(index, TAGS[n], offset(8, n)), "{n} is not there");
                }
            });
        }
    });
    assert_eq!(index.len(0) as usize, TAGS.len());
}

#[test]
fn what_is_there_is_found_whatever_moves() {
    check(|| run(1, 24));
    check(|| run(2, 10));
}
