//! What a process has taken and must give back: descriptors, threads, memory.

use super::{Outcome, ensure};
use crate::host::raw::heap_in_use;
use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// What this process has.
pub(super) struct Use {
    descriptors: usize,
    threads: usize,
    /// None where it is not counted.
    memory: Option<u64>,
}

fn entries(path: &str) -> Outcome<usize> {
    Ok(fs::read_dir(path)?.count())
}

impl Use {
    pub fn now() -> Outcome<Self> {
        Ok(Self {
            descriptors: entries("/proc/self/fd")?,
            threads: entries("/proc/self/task")?,
            memory: heap_in_use(),
        })
    }

    /// No more must be in use now, but for so much memory. Threads that were
    /// joined may take a moment to go.
    pub fn expect_back(&self, what: &str, slack: u64) -> Outcome {
        let end = Instant::now() + Duration::from_secs(2);
        let mut now = Self::now()?;
        while (now.threads > self.threads || now.descriptors > self.descriptors)
            && Instant::now() < end
        {
            thread::sleep(Duration::from_millis(5));
            now = Self::now()?;
        }
        ensure!(
            now.descriptors <= self.descriptors,
            "{} descriptors are left open after {what}",
            now.descriptors - self.descriptors
        );
        ensure!(
            now.threads <= self.threads,
            "{} threads are left after {what}",
            now.threads - self.threads
        );
        if let (Some(before), Some(now)) = (self.memory, now.memory) {
            ensure!(
                now <= before + slack,
                "{} bytes of memory are left after {what}",
                now - before
            );
        }
        Ok(())
    }
}

/// How often it is measured whether memory stays. What is made once only, late
/// (a lock's queues when threads first meet at it), does not come again; what
/// is left each time does.
const ATTEMPTS: u32 = 3;

/// Does something often, first to warm up, then with what is in use compared:
/// not even the smallest piece of memory may stay each time.
pub(super) fn often(what: &str, mut work: impl FnMut() -> Outcome) -> Outcome {
    for _ in 0..8 {
        work()?;
    }
    let mut given_back = Ok(());
    for _ in 0..ATTEMPTS {
        let before = Use::now()?;
        let end = Instant::now() + Duration::from_secs(2);
        let mut times = 0;
        while times < 300 && (times < 30 || Instant::now() < end) {
            work()?;
            times += 1;
        }
        // The smallest piece that malloc gives has 32 bytes with its header.
        given_back = before.expect_back(&format!("{what}, {times} times"), 400 + 16 * times);
        if given_back.is_ok() {
            break;
        }
    }
    given_back
}
