//! One round on one database: a new database, loaded, read, changed and emptied.

use super::{
    Error,
    data::{Orders, Values, key},
    target::{Session, Target},
};
use crate::host::{ErrorCode, Failure};
use std::{
    fmt,
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
pub struct Round<'a> {
    /// The database.
    pub target: &'a dyn Target,
    /// Which records, in which order.
    pub orders: &'a Orders,
    /// What they are.
    pub values: &'a Values,
    /// By how many threads.
    pub threads: usize,
}

impl Round<'_> {
    /// Goes through all phases: records a second, for each.
    pub fn run(&self) -> Result<Vec<f64>, Error> {
        Phase::ALL.into_iter().map(|phase| self.rate(phase)).collect()
    }

    /// Goes through one phase, when the ones before it have been: records a
    /// second.
    pub fn rate(&self, phase: Phase) -> Result<f64, Error> {
        let took = self.phase(phase).map_err(|failure| Error::Call {
            plugin: self.target.name().to_owned(),
            phase,
            failure,
        })?;
        Ok(self.orders.load.len() as f64 / took.as_secs_f64().max(1e-9))
    }

    fn phase(&self, phase: Phase) -> Result<Duration, Failure> {
        let orders = self.orders;
        match phase {
            Phase::Load => {
                let took = self.each(&orders.load, |at, part| self.set(at, part, FIRST))?;
                self.count(orders.load.len())?;
                Ok(took)
            }
            Phase::Get => self.each(&orders.uniform, |at, part| self.get(at, part)),
            Phase::Zipf => self.each(&orders.zipf, |at, part| self.get(at, part)),
            Phase::Miss => self.each(&orders.uniform, miss),
            Phase::Batch => self.each(&orders.uniform, |at, part| self.batch(at, part)),
            Phase::Iterate => self.iterate(),
            Phase::Overwrite => self.each(&orders.overwrite, |at, part| self.set(at, part, SECOND)),
            Phase::Delete => {
                let took = self.each(&orders.delete, |at, part| self.delete(at, part))?;
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
        work: impl Fn(&mut dyn Session, &[u32]) -> Result<(), Failure> + Sync,
    ) -> Result<Duration, Failure> {
        let parts = order.chunks(order.len().div_ceil(self.threads).max(1));
        let barrier = Barrier::new(parts.len());
        let timed = |part| {
            let mut session = self.target.session();
            barrier.wait();
            let start = Instant::now();
            work(&mut *session, part).map(|()| (start, Instant::now()))
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

    fn set(&self, at: &mut dyn Session, part: &[u32], version: u64) -> Result<(), Failure> {
        let mut value = self.values.buffer();
        for &n in part {
            self.values.fill(&mut value, n, version);
            at.set(&key(n), &value)?;
        }
        Ok(())
    }

    fn get(&self, at: &mut dyn Session, part: &[u32]) -> Result<(), Failure> {
        for &n in part {
            let mut is_right = false;
            let found = at.get(&key(n), &mut |value| is_right = self.values.is(value, n, FIRST))?;
            check(n, found, is_right)?;
        }
        Ok(())
    }

    fn batch(&self, at: &mut dyn Session, part: &[u32]) -> Result<(), Failure> {
        for some in part.chunks(BATCH) {
            let mut keys = [key(0); BATCH];
            keys.iter_mut().zip(some).for_each(|(at, &n)| *at = key(n));
            let keys = keys.each_ref().map(|key| key.as_slice());
            let mut states = [(false, false); BATCH];
            at.get_many(&keys[..some.len()], &mut |i, value| {
                states[i] = (true, self.values.is(value, some[i], FIRST));
            })?;
            some.iter().zip(states).try_for_each(|(&n, (found, right))| check(n, found, right))?;
        }
        Ok(())
    }

    fn iterate(&self) -> Result<Duration, Failure> {
        let (mut shown, mut sum) = (0_usize, 0_u64);
        let mut session = self.target.session();
        let start = Instant::now();
        session.for_each(&mut |key, value| {
            shown += 1;
            // Reads a part of every record, as whoever scans does.
            let some = key.first().into_iter().chain(value.iter().step_by(64));
            sum += some.map(|&byte| u64::from(byte)).sum::<u64>();
        })?;
        let took = start.elapsed();
        std::hint::black_box(sum);
        if shown != self.orders.load.len() {
            return Err(wrong(format!("{shown} of {} records are shown", self.orders.load.len())));
        }
        Ok(took)
    }

    fn delete(&self, at: &mut dyn Session, part: &[u32]) -> Result<(), Failure> {
        for &n in part {
            if !at.del(&key(n), &mut |old| self.values.is(old, n, SECOND))? {
                return Err(wrong(format!("record {n}, overwritten, is not deleted")));
            }
        }
        Ok(())
    }

    fn count(&self, records: usize) -> Result<(), Failure> {
        match self.target.count()? {
            Some(n) if n != records as u64 => {
                Err(wrong(format!("it counts {n} records, and there are {records}")))
            }
            _ => Ok(()),
        }
    }
}

fn check(n: u32, found: bool, is_right: bool) -> Result<(), Failure> {
    match (found, is_right) {
        (true, true) => Ok(()),
        (true, false) => Err(wrong(format!("the value of record {n} is not what was stored"))),
        (false, _) => Err(wrong(format!("record {n} was stored and is not found"))),
    }
}

fn miss(at: &mut dyn Session, part: &[u32]) -> Result<(), Failure> {
    for &n in part {
        if at.get(&key(n | ABSENT), &mut |_| ())? {
            return Err(wrong(format!("record {n} is found under a key that was not stored")));
        }
    }
    Ok(())
}

fn wrong(text: String) -> Failure {
    Failure::new(ErrorCode::Corrupt, text)
}
