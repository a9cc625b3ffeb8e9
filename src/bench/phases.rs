//! One round on one plugin: a new database, loaded, read, changed and emptied.

use super::{
    Error,
    data::{Orders, Values, key},
};
use crate::host::{Delete, ErrorCode, Failure, Pins, Storage};
use std::{
    fmt,
    ops::ControlFlow,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

/// What is measured, in the order in which it is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Storing every record, in random order, in an empty database.
    Load,
    /// Reading, each record as likely as any other.
    Get,
    /// Reading, few records often: Zipf's law, 0.99.
    Zipf,
    /// Reading what is not there.
    Miss,
    /// Reading 16 at a time.
    Batch,
    /// One scan over everything, by one thread.
    Iterate,
    /// Storing every record again, in another order.
    Overwrite,
    /// Deleting every record, in yet another order.
    Delete,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Load,
        Self::Get,
        Self::Zipf,
        Self::Miss,
        Self::Batch,
        Self::Iterate,
        Self::Overwrite,
        Self::Delete,
    ];

    /// Its name in tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Get => "get",
            Self::Zipf => "get_zipf",
            Self::Miss => "get_miss",
            Self::Batch => "get_16",
            Self::Iterate => "iterate",
            Self::Overwrite => "overwrite",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many keys are asked for at once.
const BATCH: usize = 16;

/// No record has a number with this bit: there are fewer.
const ABSENT: u32 = 1 << 31;

/// The version of the records that `load` stores, and that of `overwrite`.
const FIRST: u64 = 1;
const SECOND: u64 = 2;

/// One round on one open, empty database.
pub(super) struct Round<'a> {
    pub storage: &'a Storage,
    pub orders: &'a Orders,
    pub values: &'a Values,
    pub threads: usize,
}

impl Round<'_> {
    /// Goes through all phases: records a second, for each.
    pub fn run(&self) -> Result<Vec<f64>, Error> {
        let plugin = self.storage.plugin();
        let failed =
            |phase| move |failure| Error::Call { plugin: plugin.to_owned(), phase, failure };
        let rate = |phase| {
            let took = self.phase(phase).map_err(failed(phase))?;
            Ok(self.orders.load.len() as f64 / took.as_secs_f64().max(1e-9))
        };
        Phase::ALL.into_iter().map(rate).collect()
    }

    fn phase(&self, phase: Phase) -> Result<Duration, Failure> {
        let orders = self.orders;
        match phase {
            Phase::Load => {
                let took = self.each(&orders.load, |part| self.set(part, FIRST))?;
                self.count(orders.load.len())?;
                Ok(took)
            }
            Phase::Get => self.each(&orders.uniform, |part| self.get(part)),
            Phase::Zipf => self.each(&orders.zipf, |part| self.get(part)),
            Phase::Miss => self.each(&orders.uniform, |part| self.miss(part)),
            Phase::Batch => self.each(&orders.uniform, |part| self.batch(part)),
            Phase::Iterate => self.iterate(),
            Phase::Overwrite => self.each(&orders.overwrite, |part| self.set(part, SECOND)),
            Phase::Delete => {
                let took = self.each(&orders.delete, |part| self.delete(part))?;
                self.count(0)?;
                Ok(took)
            }
        }
    }

    /// Has every thread work on a part of an order; from the first one's start
    /// to the last one's end.
    fn each(
        &self,
        order: &[u32],
        work: impl Fn(&[u32]) -> Result<(), Failure> + Sync,
    ) -> Result<Duration, Failure> {
        let parts = order.chunks(order.len().div_ceil(self.threads).max(1));
        let barrier = Barrier::new(parts.len());
        let timed = |part| {
            barrier.wait();
            let start = Instant::now();
            work(part).map(|()| (start, Instant::now()))
        };
        let times: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = parts.map(|part| scope.spawn(|| timed(part))).collect();
            let joined = threads.into_iter().map(|thread| {
                thread.join().unwrap_or_else(|_| Err(Failure::other("the measurement panicked")))
            });
            joined.collect::<Result<_, _>>()
        })?;
        let start = times.iter().map(|(start, _)| *start).min();
        let end = times.iter().map(|(_, end)| *end).max();
        Ok(end.zip(start).map_or(Duration::ZERO, |(end, start)| end - start))
    }

    fn set(&self, part: &[u32], version: u64) -> Result<(), Failure> {
        let mut value = self.values.buffer();
        for &n in part {
            self.values.fill(&mut value, n, version);
            self.storage.set(&key(n), &value)?;
        }
        Ok(())
    }

    fn get(&self, part: &[u32]) -> Result<(), Failure> {
        let mut pins = Pins::new();
        for &n in part {
            self.check(n, self.storage.get(&key(n), &pins)?)?;
            pins.clear();
        }
        Ok(())
    }

    fn batch(&self, part: &[u32]) -> Result<(), Failure> {
        let mut pins = Pins::new();
        for some in part.chunks(BATCH) {
            let mut keys = [key(0); BATCH];
            keys.iter_mut().zip(some).for_each(|(at, &n)| *at = key(n));
            let keys = keys.each_ref().map(|key| key.as_slice());
            let found = self.storage.get_many(&keys[..some.len()], &pins)?;
            if found.len() != some.len() {
                return Err(wrong(format!("{} answers to {} keys", found.len(), some.len())));
            }
            some.iter().zip(found).try_for_each(|(&n, value)| self.check(n, value))?;
            pins.clear();
        }
        Ok(())
    }

    fn check(&self, n: u32, value: Option<&[u8]>) -> Result<(), Failure> {
        match value {
            Some(value) if self.values.is(value, n, FIRST) => Ok(()),
            Some(_) => Err(wrong(format!("the value of record {n} is not what was stored"))),
            None => Err(wrong(format!("record {n} was stored and is not found"))),
        }
    }

    fn miss(&self, part: &[u32]) -> Result<(), Failure> {
        let mut pins = Pins::new();
        for &n in part {
            if self.storage.get(&key(n | ABSENT), &pins)?.is_some() {
                return Err(wrong(format!("record {n} is found under a key that was not stored")));
            }
            pins.clear();
        }
        Ok(())
    }

    fn iterate(&self) -> Result<Duration, Failure> {
        let (mut shown, mut sum) = (0_usize, 0_u64);
        let start = Instant::now();
        self.storage.for_each(&mut |record| {
            shown += 1;
            // Reads a part of every record, as whoever scans does.
            sum += record
                .key
                .iter()
                .chain(record.value)
                .step_by(64)
                .map(|&b| u64::from(b))
                .sum::<u64>();
            ControlFlow::Continue(())
        })?;
        let took = start.elapsed();
        std::hint::black_box(sum);
        if shown != self.orders.load.len() {
            return Err(wrong(format!("{shown} of {} records are shown", self.orders.load.len())));
        }
        Ok(took)
    }

    fn delete(&self, part: &[u32]) -> Result<(), Failure> {
        for &n in part {
            let done = self.storage.del(&key(n), &mut |old| self.values.is(old, n, SECOND))?;
            if done != Delete::Deleted {
                return Err(wrong(format!("record {n}, overwritten, is {done:?}, not deleted")));
            }
        }
        Ok(())
    }

    fn count(&self, records: usize) -> Result<(), Failure> {
        match self.storage.rnum()? {
            n if n == records as u64 => Ok(()),
            n => Err(wrong(format!("it counts {n} records, and there are {records}"))),
        }
    }
}

fn wrong(text: String) -> Failure {
    Failure::new(ErrorCode::Corrupt, text)
}
