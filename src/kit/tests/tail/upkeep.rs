//! sync, stats, verify, compact.

use crate::{
    host::raw::Zone,
    kit::{
        Outcome, Stop,
        context::Context,
        ensure,
        store::{Records, Store, clean, text, why},
    },
};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

/// Records, overwritten and deleted ones among them; what is there.
pub fn fill(store: &Store) -> Outcome<Records> {
    let mut records = Records::new();
    for n in 0..600 {
        let key = format!("key {}", n * 7 % 250).into_bytes();
        if n % 4 == 3 {
            store.remove(&key)?;
            records.remove(&key);
        } else {
            let value = key.repeat(n % 60);
            store.put(&key, &value)?;
            records.insert(key, value);
        }
    }
    Ok(records)
}

pub fn sync(context: &Context) -> Outcome {
    let store = context.open("synced")?;
    let synced = || {
        let answer = store.sync();
        ensure!(answer.said, "sync failed: {}", why(&answer));
        clean(answer, "sync").map(|_| ())
    };
    synced()?;
    let records = fill(&store)?;
    synced()?;
    synced()?;
    store.expect_all(&records)?;
    store.shut()
}

pub fn stats(context: &Context) -> Outcome {
    let store = context.open("stats")?;
    for turn in 0..2 {
        let answer = store.stats();
        ensure!(answer.said.0, "stats failed: {}", why(&answer));
        let (_, stats) = clean(answer, "stats")?;
        let mut names = BTreeSet::new();
        for (name, value) in stats {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
            ensure!(
                !name.is_empty() && name.chars().all(fits),
                "a statistic is called {name:?}; names have letters, digits and _"
            );
            ensure!(
                !value.chars().any(char::is_control),
                "the statistic {name} is {value:?}, which is not one line"
            );
            ensure!(names.insert(name.clone()), "the statistic {name} comes twice");
        }
        if turn == 0 {
            fill(&store)?;
        }
    }
    store.shut()
}

/// A healthy database must be found so.
fn healthy(store: &Store, when: &str) -> Outcome {
    let (said, faults) = clean(store.verify(), "verify")?;
    ensure!(
        usize::try_from(said) == Ok(faults.len()),
        "verify returned {said}, {when}, and reported {} faults",
        faults.len()
    );
    ensure!(
        said == 0,
        "verify finds {said} faults, {when}: {}",
        faults.first().map_or("", String::as_str)
    );
    Ok(())
}

pub fn verify(context: &Context) -> Outcome {
    let store = context.open("verified")?;
    healthy(&store, "in an empty database")?;
    let records = fill(&store)?;
    healthy(&store, "after writes and deletes")?;
    if context.plugin.has("compact") {
        clean(store.compact(), "compact")?;
        healthy(&store, "after compact")?;
    }
    store.expect_all(&records)?;
    store.shut()?;
    if context.is_durable() {
        let store = context.open("verified")?;
        healthy(&store, "after close and open")?;
        store.shut()?;
    }
    Ok(())
}

fn compacted(store: &Store) -> Outcome {
    let answer = store.compact();
    ensure!(answer.said, "compact failed: {}", why(&answer));
    clean(answer, "compact").map(|_| ())
}

pub fn compact(context: &Context) -> Outcome {
    let store = context.open("compacted")?;
    compacted(&store)?;
    let records = fill(&store)?;
    {
        let zone = Zone::new(&store);
        let mut held = Vec::new();
        for (key, value) in &records {
            if let Some(found) = clean(store.get(key, &zone), "get")? {
                held.push((key, value, found));
            }
        }
        compacted(&store)?;
        for (key, value, found) in held {
            ensure!(
                found.bytes() == *value,
                "the value of {}, read before compact, is no longer what it was",
                text(key)
            );
        }
    }
    store.expect_all(&records)?;
    let mut records = records;
    for (n, key) in records.clone().keys().enumerate() {
        if n % 3 == 0 {
            store.remove(key)?;
            records.remove(key);
        }
    }
    compacted(&store)?;
    store.expect_all(&records)?;
    store.shut()?;
    if context.is_durable() {
        let store = context.open("compacted")?;
        store.expect_all(&records)?;
        store.shut()?;
    }
    Ok(())
}

pub fn compact_beside(context: &Context) -> Outcome {
    let store = context.open("beside")?;
    let stays = fill(&store)?;
    let is_over = AtomicBool::new(false);
    let mine = thread::scope(|scope| {
        let reader = scope.spawn(|| -> Outcome {
            while !is_over.load(SeqCst) {
                for (key, value) in &stays {
                    store.expect(key, Some(value)).map_err(|stop| stop.told("beside compact"))?;
                }
            }
            Ok(())
        });
        let writer = scope.spawn(|| -> Outcome<Records> {
            let mut mine = Records::new();
            let mut number = 0;
            while !is_over.load(SeqCst) {
                number += 1;
                let key = format!("beside {}", number % 100).into_bytes();
                let value = format!("write {number}").into_bytes().repeat(20);
                store.put(&key, &value)?;
                mine.insert(key, value);
            }
            Ok(mine)
        });
        let compacted = (0..10).try_for_each(|_| compacted(&store));
        is_over.store(true, SeqCst);
        let panicked = |_| Err(Stop::Failed("a thread panicked".to_owned()));
        let read = reader.join().unwrap_or_else(panicked);
        let wrote =
            writer.join().unwrap_or_else(|_| Err(Stop::Failed("a thread panicked".to_owned())));
        compacted.and(read).and(wrote)
    })?;
    let mut all = stays;
    all.extend(mine);
    store.expect_all(&all).map_err(|stop| stop.told("after compact beside writes"))?;
    store.shut()
}
