//! Many threads, and values that say themselves whether they are whole.

use super::{Outcome, Stop, random::Random};
use std::{sync::Barrier, thread};

/// Runs threads that begin at one moment; the first failure is the test's.
pub(super) fn together(threads: usize, work: impl Fn(usize) -> Outcome + Sync) -> Outcome {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let (start, work) = (&start, &work);
        let running: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn(move || {
                    start.wait();
                    work(number)
                })
            })
            .collect();
        // All are joined, also behind a failure.
        let ends: Vec<Outcome> = running
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|_| Err(Stop::Failed("a thread panicked".to_owned())))
            })
            .collect();
        ends.into_iter().collect()
    })
}

/// A value that can be checked alone: a number, and bytes that the number and
/// the key determine.
pub(super) fn stamped(key: &[u8], number: u64) -> Vec<u8> {
    let mut value = number.to_le_bytes().to_vec();
    let purpose = key.escape_ascii().to_string();
    let more = if number.is_multiple_of(50) { 20_000 } else { 16 + (number % 600) as usize };
    value.extend(Random::for_purpose(number, &purpose).bytes(more));
    value
}

/// The number in a stamped value of this key; None: it is none.
pub(super) fn number_in(key: &[u8], value: &[u8]) -> Option<u64> {
    let number = u64::from_le_bytes(*value.first_chunk()?);
    (value == stamped(key, number)).then_some(number)
}
