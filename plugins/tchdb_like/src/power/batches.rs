//! Batches in the histories, and what must be left of them: all, or nothing.

use super::{Made, Model, Moment, Random};

/// How many keys only batches change. Every one of them changes the first.
const KEYS: u8 = 4;

/// These keys.
pub(super) fn keys() -> impl Iterator<Item = [u8; 2]> {
    (0..KEYS).map(|n| [b'b', n])
}

/// A batch: the first key tells by its value which one it is.
pub(super) fn draw(step: usize, random: &mut Random) -> Vec<Made> {
    let mut made = vec![(vec![b'b', 0], Some(step.to_le_bytes().to_vec()))];
    let others = (1..KEYS).map(|n| vec![b'b', n]).collect::<Vec<_>>();
    let common = (0..2).map(|_| vec![b'k', random.below(15) as u8]).collect::<Vec<_>>();
    for key in others.into_iter().chain(common) {
        let len = [0, 20, 300, 700, 5000][random.below(5)];
        let value = vec![random.below(256) as u8; len];
        made.push((key, (random.below(4) > 0).then_some(value)));
    }
    made
}

/// A batch that has left something has left all, but for what was changed later.
pub(super) fn check(moments: &[Moment], at: usize, all: &Model, place: &str) {
    let moments = &moments[..moments.len().min(at + 2)];
    let first = all.get(&[b'b', 0][..]);
    let from = moments.iter().position(|moment| moment.model.get(&[b'b', 0][..]) == first);
    let from = from.unwrap_or_else(|| panic!("{place}: a batch that there was not"));
    for n in 1..KEYS {
        let key = [b'b', n];
        let wanted = moments[from].model.get(&key[..]);
        assert_eq!(all.get(&key[..]), wanted, "{place}: a part of a batch, {n}");
    }
    for key in &moments[from].batch {
        let is_one = moments[from..].iter().any(|moment| moment.model.get(key) == all.get(key));
        assert!(is_one, "{place}: a part of a batch, {key:?}");
    }
}
