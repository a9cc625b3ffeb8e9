//! Short histories of one key, each checked for an order that explains it.

use super::together;
use crate::kit::{
    Outcome, Stop,
    context::Context,
    ensure, fail,
    linear::{Call, LONGEST, Number, What, explain},
    random::Random,
    store::{Store, text},
};
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// How long histories are made and checked.
const WHILE: Duration = Duration::from_millis(1500);

const KEY: &[u8] = b"one key";

pub fn check(context: &Context, threads: usize, calls: usize) -> Outcome {
    ensure!(threads * calls <= LONGEST, "the kit's histories are too long to be checked");
    let store = context.open("history")?;
    let mut random = context.random();
    let end = Instant::now() + WHILE;
    let mut number = 0;
    while Instant::now() < end {
        number += 1;
        // Every other history begins with a record.
        let first = (number % 2 == 0).then_some(0);
        match first {
            Some(_) => store.put(KEY, b"0")?,
            None => store.remove(KEY).map(|_| ())?,
        }
        let history = record(&store, &mut random, threads, calls)?;
        explain(first, &history)?;
    }
    store.shut()
}

fn record(store: &Store, random: &mut Random, threads: usize, calls: usize) -> Outcome<Vec<Call>> {
    let (clock, numbers) = (AtomicU64::new(0), AtomicU32::new(1));
    let history = Mutex::new(Vec::new());
    let randoms: Vec<Random> = (0..threads).map(|_| random.fork()).collect();
    together(threads, |thread| {
        let mut random = randoms[thread].clone();
        let mut seen = 0;
        let mut mine = Vec::with_capacity(calls);
        for _ in 0..calls {
            let new = numbers.fetch_add(1, SeqCst);
            let start = clock.fetch_add(1, SeqCst);
            let what = one(store, &mut random, seen, new)?;
            let end = clock.fetch_add(1, SeqCst);
            match what {
                What::Get(Some(found)) => seen = found,
                What::Set(new) | What::Cas { new, stored: true, .. } => seen = new,
                _ => {}
            }
            mine.push(Call { thread, start, end, what });
        }
        history.lock().unwrap_or_else(PoisonError::into_inner).extend(mine);
        Ok::<_, Stop>(())
    })?;
    Ok(history.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// One call of a thread that has `seen` a value.
fn one(store: &Store, random: &mut Random, seen: Number, new: Number) -> Outcome<What> {
    Ok(match random.below(10) {
        0..4 => match store.read(KEY)? {
            None => What::Get(None),
            Some(value) => match str::from_utf8(&value).ok().and_then(|text| text.parse().ok()) {
                Some(number) => What::Get(Some(number)),
                None => fail!("get found {}, which nobody stored", text(&value)),
            },
        },
        4..6 => {
            store.put(KEY, new.to_string().as_bytes())?;
            What::Set(new)
        }
        6..7 => What::Del(store.remove(KEY)?),
        _ => {
            let (old, value) = (seen.to_string(), new.to_string());
            let stored = store.replace(KEY, value.as_bytes(), |there| there == old.as_bytes())?;
            What::Cas { old: seen, new, stored }
        }
    })
}
