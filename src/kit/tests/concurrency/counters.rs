//! Writes that depend on what is there: none is lost, none is done twice.

use super::{WHILE, together};
use crate::{
    host::raw::Cas,
    kit::{
        Outcome,
        context::Context,
        ensure, fail,
        store::{Records, Store, text_or},
    },
};
use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Instant,
};

fn number(store: &Store, key: &[u8]) -> Outcome<u64> {
    let value = store.read(key)?;
    let parsed = value.as_deref().and_then(|value| str::from_utf8(value).ok()?.parse().ok());
    match parsed {
        Some(number) => Ok(number),
        None => fail!("the counter is {}, which is no number", text_or(value.as_deref())),
    }
}

pub fn count(context: &Context, threads: usize) -> Outcome {
    let store = context.open("counter")?;
    let key = b"counter";
    store.put(key, b"0")?;
    let counted = AtomicU64::new(0);
    let end = Instant::now() + WHILE;
    together(threads, |_| {
        while Instant::now() < end {
            let old = number(&store, key)?;
            let (old, new) = (old.to_string(), (old + 1).to_string());
            if store.replace(key, new.as_bytes(), |there| there == old.as_bytes())? {
                counted.fetch_add(1, SeqCst);
            }
        }
        Ok(())
    })?;
    let (found, counted) = (number(&store, key)?, counted.into_inner());
    ensure!(
        found == counted,
        "{counted} updates of a counter by one were stored, and it stands at {found}: updates \
         were lost"
    );
    store.shut()
}

/// Rounds in which threads race for one key; each says whether it won.
fn race(
    threads: usize,
    what: &str,
    prepare: impl Fn(&[u8]) -> Outcome + Sync,
    try_it: impl Fn(&[u8], usize) -> Outcome<bool> + Sync,
    check: impl Fn(&[u8], usize) -> Outcome + Sync,
) -> Outcome {
    const ROUNDS: usize = 300;
    let winners: Vec<AtomicUsize> = (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect();
    let last: Vec<AtomicUsize> = (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect();
    let key = |round: usize| format!("race {round}").into_bytes();
    (0..ROUNDS).try_for_each(|round| prepare(&key(round)))?;
    let line = Barrier::new(threads);
    together(threads, |thread| {
        let mut failed = Ok(());
        for round in 0..ROUNDS {
            // Everyone keeps coming to the line, also behind a failure.
            line.wait();
            match try_it(&key(round), thread) {
                Ok(true) => {
                    winners[round].fetch_add(1, SeqCst);
                    last[round].store(thread, SeqCst);
                }
                Ok(false) => {}
                Err(stop) => failed = Err(stop),
            }
        }
        failed
    })?;
    for round in 0..ROUNDS {
        let won = winners[round].load(SeqCst);
        ensure!(won == 1, "{won} of {threads} threads {what}, at the same moment");
        check(&key(round), last[round].load(SeqCst))?;
    }
    Ok(())
}

pub fn add_once(context: &Context) -> Outcome {
    let store = context.open("added")?;
    race(
        8,
        "added one key, each with a proc that refuses what is there",
        |_| Ok(()),
        |key, thread| store.replace(key, thread.to_string().as_bytes(), |_| false),
        |key, winner| store.expect(key, Some(winner.to_string().as_bytes())),
    )?;
    store.shut()
}

pub fn del_once(context: &Context) -> Outcome {
    let store = context.open("deleted")?;
    race(
        8,
        "were told that they deleted one record",
        |key| store.put(key, b"to be deleted"),
        |key, _| store.remove(key),
        |key, _| store.expect(key, None),
    )?;
    store.shut()
}

/// Threads that write keys of their own, so that the end is known.
pub fn counted(context: &Context) -> Outcome {
    const EACH: usize = 300;
    let store = context.open("counted")?;
    together(8, |thread| {
        for n in 0..EACH {
            let key = format!("{thread}/{n}").into_bytes();
            store.put(&key, &key)?;
            if n % 3 == 1 {
                ensure!(store.remove(&key)?, "del of a thread's own record returned false");
            }
            if n % 3 == 2 {
                let stored = store.update(&key, b"updated", &mut Cas::agree()).said;
                ensure!(stored, "update of a thread's own record returned false");
            }
        }
        Ok(())
    })?;
    let mut wanted = Records::new();
    for (thread, n) in (0..8).flat_map(|thread| (0..EACH).map(move |n| (thread, n))) {
        let key = format!("{thread}/{n}").into_bytes();
        match n % 3 {
            0 => wanted.insert(key.clone(), key),
            2 => wanted.insert(key, b"updated".to_vec()),
            _ => None,
        };
    }
    store.expect_all(&wanted)?;
    store.shut()
}
