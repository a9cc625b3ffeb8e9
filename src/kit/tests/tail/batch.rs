//! batch: all or none, in order.

use crate::{
    host::Change::{self, Delete, Put},
    kit::{
        Outcome, Stop,
        context::Context,
        ensure, fail,
        store::{Records, Store, clean, text, why},
    },
};
use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

/// `batch`, which must work.
fn change(store: &Store, changes: &[Change<'_>]) -> Outcome {
    let answer = store.batch(changes);
    ensure!(answer.said, "batch of {} changes failed: {}", changes.len(), why(&answer));
    clean(answer, "batch").map(|_| ())
}

pub fn puts_and_deletes(context: &Context) -> Outcome {
    let store = context.open("batches")?;
    let mut random = context.random();
    let mut wanted = Records::new();
    for count in [1, 2, 10, 300, 1000, 5] {
        let made: Vec<(Vec<u8>, Option<Vec<u8>>)> = (0..count)
            .map(|_| {
                let key = format!("key {}", random.below(400)).into_bytes();
                let len = random.below(200);
                (key, (!random.one_in(4)).then(|| random.bytes(len)))
            })
            .collect();
        let changes: Vec<Change<'_>> = made
            .iter()
            .map(|(key, value)| match value {
                Some(value) => Put(key, value),
                None => Delete(key),
            })
            .collect();
        change(&store, &changes)?;
        for (key, value) in made {
            match value {
                Some(value) => wanted.insert(key, value),
                None => wanted.remove(&key),
            };
        }
        store.expect_all(&wanted).map_err(|stop| stop.told("after a batch"))?;
    }
    store.shut()?;
    if context.is_durable() {
        let store = context.open("batches")?;
        store.expect_all(&wanted)?;
        store.shut()?;
    }
    Ok(())
}

pub fn order(context: &Context) -> Outcome {
    let store = context.open("order")?;
    change(&store, &[Put(b"a", b"1"), Delete(b"a")])?;
    store.expect(b"a", None).map_err(|stop| stop.told("after a put and a delete in a batch"))?;
    change(&store, &[Delete(b"a"), Put(b"a", b"2")])?;
    store
        .expect(b"a", Some(b"2"))
        .map_err(|stop| stop.told("after a delete and a put in a batch"))?;
    change(&store, &[Put(b"a", b"3"), Put(b"b", b"other"), Put(b"a", b"4")])?;
    store.expect(b"a", Some(b"4")).map_err(|stop| stop.told("after two puts in a batch"))?;
    change(&store, &[Put(b"a", b"5"), Delete(b"a"), Put(b"a", b"6"), Delete(b"b")])?;
    let wanted = Records::from([(b"a".to_vec(), b"6".to_vec())]);
    store.expect_all(&wanted)?;
    store.shut()
}

pub fn edges(context: &Context) -> Outcome {
    let store = context.open("edges")?;
    change(&store, &[])?;
    change(&store, &[Delete(b"absent")])?;
    change(&store, &[Put(b"", b"of the empty key"), Put(b"empty", b""), Delete(b"absent")])?;
    let wanted = Records::from([
        (b"".to_vec(), b"of the empty key".to_vec()),
        (b"empty".to_vec(), b"".to_vec()),
    ]);
    store.expect_all(&wanted)?;
    change(&store, &[Delete(b""), Delete(b"empty"), Delete(b"empty")])?;
    store.expect_all(&Records::new())?;
    store.shut()
}

fn number(store: &Store, key: &[u8]) -> Outcome<u64> {
    let value = store.read(key)?.unwrap_or_default();
    match str::from_utf8(&value).ok().and_then(|text| text.parse().ok()) {
        Some(number) => Ok(number),
        None => fail!("beside batches that only put, {} is {}", text(key), text(&value)),
    }
}

/// Every batch puts one number, higher each time, to all keys: who reads one
/// key after another never sees it fall.
pub fn atomic(context: &Context) -> Outcome {
    const KEYS: usize = 40;
    let store = context.open("atomic")?;
    let keys: Vec<Vec<u8>> = (0..KEYS).map(|n| format!("key {n}").into_bytes()).collect();
    let put = |number: u64| {
        let value = number.to_string().into_bytes();
        let changes: Vec<Change<'_>> = keys.iter().map(|key| Put(key, &value)).collect();
        change(&store, &changes)
    };
    put(1)?;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (store, keys, is_over) = (&store, &keys, &is_over);
        let readers: Vec<_> = (0..3)
            .map(|reader| {
                scope.spawn(move || -> Outcome {
                    let mut last = 0;
                    let mut turn = reader;
                    while !is_over.load(SeqCst) {
                        turn += 1;
                        // From the first to the last, from the last to the first.
                        let at = if turn % 2 == 0 { turn % KEYS } else { KEYS - 1 - turn % KEYS };
                        let now = number(store, &keys[at])?;
                        ensure!(
                            now >= last,
                            "a reader has seen batch {last} in one key, and then {} as batch \
                             {now} left it: a batch is seen in parts",
                            text(&keys[at])
                        );
                        last = now;
                    }
                    Ok(())
                })
            })
            .collect();
        let end = Instant::now() + Duration::from_millis(500);
        let mut written = Ok(());
        let mut number = 1;
        while Instant::now() < end && written.is_ok() {
            number += 1;
            written = put(number);
        }
        is_over.store(true, SeqCst);
        let panicked = |_| Err(Stop::Failed("a reader panicked".to_owned()));
        let ends: Vec<Outcome> =
            readers.into_iter().map(|reader| reader.join().unwrap_or_else(panicked)).collect();
        let read: Outcome = ends.into_iter().collect();
        written.and(read)
    })?;
    store.shut()
}
