//! A backup beside writes.

use super::{back_up, fill};
use crate::kit::{
    Outcome, Stop,
    context::Context,
    ensure, fail,
    store::{Store, text},
};
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    thread,
};

fn counter(store: &Store, key: &[u8]) -> Outcome<u64> {
    let value = store.read(key)?.unwrap_or_else(|| b"0".to_vec());
    match str::from_utf8(&value).ok().and_then(|text| text.parse().ok()) {
        Some(number) => Ok(number),
        None => fail!("in the backup, {} is {}", text(key), text(&value)),
    }
}

/// A thread writes the same number to one key after another; in every copy the
/// numbers must not rise along the keys, nor fall by more than one.
pub fn beside_writes(context: &Context) -> Outcome {
    const KEYS: usize = 200;
    const COPIES: usize = 6;
    let store = context.open("database")?;
    // Not in the order of the keys, for that may be the order of the copying.
    let mut order: Vec<usize> = (0..KEYS).collect();
    let mut random = context.random();
    (1..KEYS).rev().for_each(|n| order.swap(n, random.below(n + 1)));
    let keys: Vec<Vec<u8>> = order.iter().map(|n| format!("key {n}").into_bytes()).collect();
    // More to copy, so that it takes a while.
    fill(&store, 5000)?;
    let (is_over, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let (before, writer) = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut number = 0_u64;
            while !is_over.load(SeqCst) {
                number += 1;
                for key in &keys {
                    store.put(key, number.to_string().as_bytes())?;
                }
                done.store(number, SeqCst);
            }
            Ok(())
        });
        let backups = || -> Outcome<Vec<u64>> {
            let mut before = Vec::new();
            for n in 0..COPIES {
                before.push(done.load(SeqCst));
                back_up(context, &store, &context.path(&format!("copy-{n}")))?;
            }
            Ok(before)
        };
        let before = backups();
        is_over.store(true, SeqCst);
        let panicked = |_| Err(Stop::Failed("the writer panicked".to_owned()));
        (before, writer.join().unwrap_or_else(panicked))
    });
    let before = before?;
    writer?;
    for (n, before) in before.into_iter().enumerate() {
        let copy = context.open(&format!("copy-{n}"))?;
        let numbers: Vec<u64> =
            keys.iter().map(|key| counter(&copy, key)).collect::<Outcome<_>>()?;
        let rises = numbers.windows(2).position(|pair| pair[0] < pair[1]);
        ensure!(
            rises.is_none(),
            "the backup is not one moment: it has a write, and not one that returned before"
        );
        let (first, last) = (numbers[0], numbers[KEYS - 1]);
        ensure!(
            first - last <= 1,
            "the backup is not one moment: write {first} of a key, and write {last} of another"
        );
        ensure!(
            last >= before,
            "the backup lacks a write that returned before the call: {last}, not {before}"
        );
        copy.shut()?;
    }
    store.shut()
}
