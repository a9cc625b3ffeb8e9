use super::*;
use proptest::{collection::vec, prelude::*};
use std::collections::BTreeSet;

fn hash(tag: u64) -> Hash {
    Hash(tag << 8)
}

fn found(index: &Index, tag: u64) -> BTreeSet<u64> {
    let mut all = BTreeSet::new();
    index.find(hash(tag), |entry, _| {
        all.insert(entry.offset());
        false
    });
    all
}

proptest! {
    /// Tags that crowd together, at both ends and in the middle.
    #[test]
    fn it_holds_what_was_put_in(
        ops in vec((any::<bool>(), prop_oneof![0..40_u64, TAG_MASK - 20..=TAG_MASK, 0..=TAG_MASK]), 1..400)
    ) {
        let index = Index::new().unwrap();
        let mut model = BTreeSet::new();
        for (n, (insert, tag)) in ops.into_iter().enumerate() {
            if insert || model.is_empty() {
                let offset = (n as u64 + 1) * 8;
                prop_assert!(index.make_room(0));
                prop_assert!(index.insert(0, hash(tag).entry(offset)));
                model.insert((tag, offset));
            } else {
                let (tag, offset) = *model.iter().nth(n * 7 % model.len()).unwrap();
                prop_assert!(index.remove(hash(tag), hash(tag).entry(offset)));
                prop_assert!(!index.remove(hash(tag), hash(tag).entry(offset)));
                model.remove(&(tag, offset));
            }
            prop_assert_eq!(index.len(0) as usize, model.len());
        }
        for &(tag, offset) in &model {
            prop_assert!(found(&index, tag).contains(&offset));
        }
        prop_assert_eq!(index.entries(0).len(), model.len());
    }
}

proptest! {
    /// A few crowd at the end, where there are no later lines.
    #[test]
    fn what_room_has_been_made_for_finds_room(
        before in vec(prop_oneof![4 => 0..8_u64, 1 => TAG_MASK - 8..=TAG_MASK, 4 => 0..=TAG_MASK], 0..100),
        mut tags in vec(prop_oneof![4 => 0..8_u64, 1 => TAG_MASK - 8..=TAG_MASK, 4 => 0..=TAG_MASK], 0..150),
        seed in any::<u64>(),
    ) {
        let index = Index::new().unwrap();
        for (n, tag) in before.iter().enumerate() {
            prop_assert!(index.make_room(0));
            prop_assert!(index.insert(0, hash(*tag).entry((n as u64 + 1) * 4)));
        }
        tags.sort_unstable();
        prop_assert!(index.make_room_for_all(0, &tags));
        let lines = index.tables[0].lines.load(Relaxed);
        // In any order.
        tags.sort_by_key(|tag| (tag ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for (n, tag) in tags.iter().enumerate() {
            let offset = (before.len() + n + 1) as u64 * 4;
            prop_assert!(index.insert(0, hash(*tag).entry(offset)));
            prop_assert!(index.has(hash(*tag), hash(*tag).entry(offset)));
        }
        prop_assert_eq!(index.tables[0].lines.load(Relaxed), lines);
        prop_assert_eq!(index.len(0) as usize, before.len() + tags.len());
    }
}

#[test]
fn it_grows_to_many_and_takes_little() {
    let index = Index::new().unwrap();
    let spread = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 36 & TAG_MASK;
    for n in 1..100_000 {
        assert!(index.make_room(0));
        assert!(index.insert(0, hash(spread(n)).entry(n * 8)));
    }
    for n in 1..100_000 {
        assert!(index.has(hash(spread(n)), hash(spread(n)).entry(n * 8)));
    }
    assert!(index.bytes() < 100_000 * 13, "{}", index.bytes());
    assert!(index.bytes().is_multiple_of(4096));
    for n in 1..100_000 {
        assert!(index.remove(hash(spread(n)), hash(spread(n)).entry(n * 8)));
    }
    assert_eq!(index.entries(0), [0; 0]);
}
