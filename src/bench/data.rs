//! The records of a measurement, and the orders in which they are asked for:
//! the same in every round and for every plugin.

use rand::{Rng, RngExt, SeedableRng, rngs::Xoshiro256PlusPlus, seq::SliceRandom};
use rand_distr::{Distribution, Zipf};

/// The length of a stored key: a hash of 8 bytes, as the server puts it before
/// its keys, and 20 bytes behind it.
pub const KEY_SIZE: usize = 28;

/// The least that a value can have: what tells it from all others.
pub const MIN_VALUE_SIZE: usize = 18;

/// The skew that YCSB made usual.
const ZIPF: f64 = 0.99;

/// The key of record `n`.
pub fn key(n: u32) -> [u8; KEY_SIZE] {
    let mut key = [0; KEY_SIZE];
    key[..8].copy_from_slice(&mixed(u64::from(n)).to_be_bytes());
    key[8..13].copy_from_slice(b"user:");
    let mut rest = n;
    for digit in key[13..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// SplitMix64's finalizer: every bit of the result depends on every bit of `n`.
fn mixed(n: u64) -> u64 {
    let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ n >> 31
}

/// The values of one size.
pub struct Values {
    /// A value whose first `MIN_VALUE_SIZE` bytes are to be filled in.
    model: Vec<u8>,
}

impl Values {
    /// Values of so many bytes, or of the least that there can be.
    pub fn new(size: usize) -> Self {
        let mut model = vec![0; size.max(MIN_VALUE_SIZE)];
        random(0).fill_bytes(&mut model[MIN_VALUE_SIZE..]);
        Self { model }
    }

    /// A buffer for `fill`.
    pub fn buffer(&self) -> Vec<u8> {
        self.model.clone()
    }

    /// Makes a buffer the value of record `n` in its `version`: with a value's
    /// header, as the server writes it, and then `n`.
    pub fn fill(&self, buffer: &mut [u8], n: u32, version: u64) {
        buffer[..MIN_VALUE_SIZE].copy_from_slice(&Self::head(n, version));
    }

    /// Whether a value is, to the last byte, that of record `n` in its
    /// `version`.
    pub fn is(&self, value: &[u8], n: u32, version: u64) -> bool {
        value.len() == self.model.len()
            && value[..MIN_VALUE_SIZE] == Self::head(n, version)
            && value[MIN_VALUE_SIZE..] == self.model[MIN_VALUE_SIZE..]
    }

    fn head(n: u32, version: u64) -> [u8; MIN_VALUE_SIZE] {
        let mut head = [0; MIN_VALUE_SIZE];
        head[..8].copy_from_slice(&version.to_be_bytes());
        head[14..].copy_from_slice(&n.to_be_bytes());
        head
    }
}

/// The orders in which records are asked for.
pub struct Orders {
    /// Every record once.
    pub load: Vec<u32>,
    /// Every record once, in another order.
    pub overwrite: Vec<u32>,
    /// Every record once, in yet another order.
    pub delete: Vec<u32>,
    /// As many as there are records, each as likely as any other.
    pub uniform: Vec<u32>,
    /// As many as there are records, few of them often.
    pub zipf: Vec<u32>,
}

impl Orders {
    /// Orders of so many records.
    pub fn new(records: u32) -> Self {
        let shuffled = |seed| {
            let mut order: Vec<u32> = (0..records).collect();
            order.shuffle(&mut random(seed));
            order
        };
        let load = shuffled(1);
        let mut dice = random(4);
        let uniform = (0..records).map(|_| dice.random_range(0..records)).collect();
        // It fails for no elements or an exponent below 0.
        let zipf = Zipf::new(f64::from(records.max(1)), ZIPF).map_or_else(
            |_| Vec::new(),
            |zipf| {
                // Ranks begin at 1, and the frequent ones are not neighbours.
                let rank = |dice: &mut _| zipf.sample(dice) as usize - 1;
                (0..records).map(|_| load[rank(&mut dice)]).collect()
            },
        );
        Self { overwrite: shuffled(2), delete: shuffled(3), load, uniform, zipf }
    }
}

fn random(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_as_long_as_they_say_and_differ() {
        assert_eq!(&key(1234)[8..], b"user:000000000001234");
        assert_eq!(&key(u32::MAX)[8..], b"user:000004294967295");
        assert_ne!(key(1), key(2));
    }

    #[test]
    fn a_value_is_told_from_every_other() {
        let values = Values::new(40);
        let mut value = values.buffer();
        values.fill(&mut value, 7, 1);
        assert!(values.is(&value, 7, 1));
        assert!(!values.is(&value, 8, 1) && !values.is(&value, 7, 2));
        assert!(!values.is(&value[..39], 7, 1) && !values.is(b"", 7, 1));
        value[39] ^= 1;
        assert!(!values.is(&value, 7, 1));
    }

    #[test]
    fn the_orders_have_every_record_and_zipf_has_favourites() {
        let orders = Orders::new(1000);
        for mut order in [orders.load.clone(), orders.overwrite, orders.delete] {
            order.sort_unstable();
            assert!(order.iter().copied().eq(0..1000));
        }
        let often = |order: &[u32], n| order.iter().filter(|&&m| m == n).count();
        assert_eq!((orders.uniform.len(), orders.zipf.len()), (1000, 1000));
        assert!(often(&orders.zipf, orders.load[0]) > 60);
        assert!(often(&orders.uniform, orders.load[0]) < 20);
    }
}
