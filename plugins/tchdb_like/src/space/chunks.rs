//! What is known of the chunks of a segment.
//!
//! They are made when they are first asked for; memory is taken for some of them
//! at a time, those that are next to each other.

use crate::chunk::{Chunk, PER_SEGMENT};
use std::{array, sync::OnceLock};

/// How many are next to each other: their room is a page.
const GROUP: usize = 32;

/// Two cache lines, of which readers need the first.
#[repr(align(128))]
#[derive(Default)]
struct Slot(OnceLock<Chunk>);

type Group = OnceLock<Box<[Slot; GROUP]>>;

pub(super) struct Chunks(Box<[Group]>);

impl Chunks {
    pub fn new() -> Self {
        Self((0..PER_SEGMENT as usize / GROUP).map(|_| Group::new()).collect())
    }

    /// The chunk at a place in the segment, if it has been made.
    #[inline]
    pub fn get(&self, at: usize) -> Option<&Chunk> {
        self.0[at / GROUP].get()?[at % GROUP].0.get()
    }

    /// The same; made if it was not.
    pub fn get_or_make(&self, at: usize, make: impl FnOnce() -> Chunk) -> &Chunk {
        let group =
            self.0[at / GROUP].get_or_init(|| Box::new(array::from_fn(|_| Slot::default())));
        group[at % GROUP].0.get_or_init(make)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_takes_a_page() {
        assert_eq!(size_of::<[Slot; GROUP]>(), 4096);
    }
}
