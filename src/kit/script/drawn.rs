//! Random sequences.

use super::{Bytes, Step};
use crate::kit::{context::Context, random::Random};
use kumo_plugin::abi::KUMO_CAP_ORDERED;

/// What a sequence may be made of, beyond what every plugin does.
pub struct Choice {
    /// Whether the database may be closed in between.
    reopens: bool,
    /// Operations on several records.
    many: Vec<Draw>,
}

/// Makes a step of an operation, from keys.
type Draw = fn(&mut Random, &[Bytes]) -> Step;

/// The optional operations on several records, and their slots.
const MANY: [(&str, Draw); 4] =
    [("batch", batch), ("updatev", updatev), ("getv", getv), ("seek", seek)];

impl Choice {
    /// What there is in a plugin.
    pub fn of(context: &Context) -> Self {
        let is_there = |slot: &str| {
            context.plugin.has(slot) && (slot != "seek" || context.has_cap(KUMO_CAP_ORDERED))
        };
        let many = MANY.into_iter().filter(|(slot, _)| is_there(slot));
        Self { reopens: context.is_durable(), many: many.map(|(_, draw)| draw).collect() }
    }

    /// A random sequence. A few keys, so that they meet again.
    pub fn steps(&self, random: &mut Random, count: usize) -> Vec<Step> {
        let keys: Vec<Bytes> = (0..12)
            .map(|n| match n {
                0 => Bytes { part: Vec::new(), times: 1 },
                1 => Bytes { part: vec![0], times: 1 },
                2 => Bytes { part: b"key".to_vec(), times: 86 },
                _ => {
                    let len = 1 + random.below(6);
                    Bytes { part: random.bytes(len), times: 1 + random.below(3) }
                }
            })
            .collect();
        (0..count).map(|_| self.step(random, &keys)).collect()
    }

    fn step(&self, random: &mut Random, keys: &[Bytes]) -> Step {
        if !self.many.is_empty() && random.one_in(4) {
            return self.many[random.below(self.many.len())](random, keys);
        }
        let key = key(random, keys);
        match random.below(if self.reopens { 100 } else { 97 }) {
            0..30 => Step::Set(key, value(random)),
            30..45 => Step::Get(key),
            45..50 => Step::Head(key, random.below(40)),
            50..62 => Step::Del(key),
            62..65 => Step::DelRefused(key),
            65..77 => Step::Update(key, value(random)),
            77..80 => Step::UpdateRefused(key, value(random)),
            80..83 => {
                let len = random.below(2).min(key.part.len());
                Step::ScanDel(Bytes { part: key.part[..len].to_vec(), times: 1 })
            }
            83..90 => Step::Scan,
            90..94 => Step::Count,
            94..95 => Step::Compact,
            95..97 => Step::Sync,
            _ => Step::Reopen,
        }
    }
}

fn key(random: &mut Random, keys: &[Bytes]) -> Bytes {
    keys[random.below(keys.len())].clone()
}

fn value(random: &mut Random) -> Bytes {
    let len = random.below(10);
    let times = if random.one_in(10) { random.below(4000) } else { 1 + random.below(30) };
    Bytes { part: random.bytes(len), times }
}

fn batch(random: &mut Random, keys: &[Bytes]) -> Step {
    let change = |random: &mut Random| {
        let key = key(random, keys);
        (key, (!random.one_in(3)).then(|| value(random)))
    };
    Step::Batch((0..random.below(7)).map(|_| change(random)).collect())
}

fn updatev(random: &mut Random, keys: &[Bytes]) -> Step {
    Step::Updatev((0..random.below(6)).map(|_| (key(random, keys), value(random))).collect())
}

fn getv(random: &mut Random, keys: &[Bytes]) -> Step {
    Step::Getv((0..random.below(9)).map(|_| key(random, keys)).collect())
}

fn seek(random: &mut Random, keys: &[Bytes]) -> Step {
    Step::Seek(key(random, keys), random.below(20))
}

#[cfg(test)]
impl Choice {
    /// Everything.
    pub fn all() -> Self {
        Self { reopens: true, many: MANY.map(|(_, draw)| draw).to_vec() }
    }
}
