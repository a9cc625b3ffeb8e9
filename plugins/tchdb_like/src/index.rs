//! Where the newest record of each key is: a hash table in memory, in shards.
//!
//! It holds hashes, not keys: whoever looks a key up compares the key in the
//! file, and goes on to the next place if it is another one.

use crate::record;
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::{
    hash::BuildHasher,
    iter,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// A power of two, well above the threads of a host.
const SHARDS: usize = 64;

/// A live record: where it is, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub at: u64,
    pub key_len: u32,
    pub val_len: u32,
}

impl Place {
    pub fn end(&self) -> u64 {
        self.at + self.total()
    }

    /// The bytes of the record, its head and padding included.
    pub fn total(&self) -> u64 {
        record::total(self.key_len, self.val_len)
    }
}

/// A key's hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hash(u64);

impl Hash {
    /// Bits that neither the table's buckets nor its tags are chosen by.
    fn shard(self) -> usize {
        (self.0 >> 40) as usize % SHARDS
    }
}

#[derive(Default)]
struct Shard {
    /// Held from a writer's first look to its last change.
    writing: Mutex<()>,
    /// Held for a look or for a change, never while a file is read or written.
    places: RwLock<HashTable<(Hash, Place)>>,
}

pub(crate) struct Index {
    hasher: RandomState,
    /// The bits of a hash that count: all, but in tests of collisions.
    mask: u64,
    shards: Box<[Shard]>,
    len: AtomicU64,
    /// The bytes of the records that count, each whole.
    bytes: AtomicU64,
}

// A lock here is never poisoned with its data half changed: `writing` has no
// data, and the table's operations do not panic between two steps of ours.
impl Index {
    pub fn new(mask: u64) -> Self {
        let shards = iter::repeat_with(Shard::default).take(SHARDS).collect();
        Self {
            hasher: RandomState::default(),
            mask,
            shards,
            len: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    pub fn hash(&self, key: &[u8]) -> Hash {
        Hash(self.hasher.hash_one(key) & self.mask)
    }

    /// How many keys there are.
    pub fn len(&self) -> u64 {
        self.len.load(Ordering::Relaxed)
    }

    /// How many bytes of the file the records of these keys have.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Keeps other writers away from the keys with this hash.
    pub fn writing(&self, hash: Hash) -> MutexGuard<'_, ()> {
        self.shards[hash.shard()].writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The places where a key of this hash and length may be: as a rule none
    /// or one, which costs no allocation.
    pub fn find(&self, hash: Hash, key_len: usize) -> impl Iterator<Item = Place> + use<> {
        let places =
            self.shards[hash.shard()].places.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = places
            .iter_hash(hash.0)
            .filter(|(other, place)| *other == hash && place.key_len as usize == key_len)
            .map(|(_, place)| *place);
        let first = found.next();
        let others: Vec<_> = found.collect();
        first.into_iter().chain(others)
    }

    /// Puts `new` in, in the place of `old` if the key has one.
    pub fn put(&self, hash: Hash, old: Option<Place>, new: Place) {
        let mut places =
            self.shards[hash.shard()].places.write().unwrap_or_else(PoisonError::into_inner);
        let slot = old.and_then(|old| places.find_mut(hash.0, |(_, place)| place.at == old.at));
        match slot {
            Some((_, place)) => {
                self.bytes.fetch_sub(place.total(), Ordering::Relaxed);
                *place = new;
            }
            None => {
                places.insert_unique(hash.0, (hash, new), |(hash, _)| hash.0);
                self.len.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.bytes.fetch_add(new.total(), Ordering::Relaxed);
    }

    /// Takes `old` out.
    pub fn remove(&self, hash: Hash, old: Place) {
        let mut places =
            self.shards[hash.shard()].places.write().unwrap_or_else(PoisonError::into_inner);
        if let Ok(slot) = places.find_entry(hash.0, |(_, place)| place.at == old.at) {
            slot.remove();
            self.len.fetch_sub(1, Ordering::Relaxed);
            self.bytes.fetch_sub(old.total(), Ordering::Relaxed);
        }
    }

    /// Every place at one point in time, in the file's order.
    ///
    /// A change becomes visible by one step under one shard's lock, so with
    /// all locks held there is no change without those before it.
    pub fn snapshot(&self) -> Vec<Place> {
        let tables: Vec<_> = self
            .shards
            .iter()
            .map(|shard| shard.places.read().unwrap_or_else(PoisonError::into_inner))
            .collect();
        let mut all = Vec::with_capacity(tables.iter().map(|table| table.len()).sum());
        all.extend(tables.iter().flat_map(|table| table.iter().map(|(_, place)| *place)));
        drop(tables);
        all.sort_unstable_by_key(|place| place.at);
        all
    }
}
