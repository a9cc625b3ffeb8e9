//! Many clients at once.

use super::{
    super::{
        Outcome, ensure, fail,
        random::Random,
        store::text,
        together::{number_in, stamped, together},
    },
    Need, Test,
    client::{Client, told},
    context::{Context, Engine},
    counts, histories, served,
};
use crate::host::memcached::{Code, Operation};
use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// How long the threads of a test go on.
const WHILE: Duration = Duration::from_millis(800);

const THREADS: usize = 16;

pub(super) const TESTS: &[Test] = &[
    served(
        "mc_threads_values",
        "16 threads set, get and remove: no value is torn or another key's",
        &[],
        values,
    ),
    served(
        "mc_threads_held",
        "items that are held stay the same while others overwrite and remove",
        &[],
        held,
    ),
    served("mc_threads_add", "of many threads that add a key, one adds it", &[], |_, engine| {
        one_of_eight(engine, "add", false, |client, key| {
            Ok(match client.try_store(Operation::Add, key, b"value")?.0 {
                Code::SUCCESS => true,
                Code::NOT_STORED => false,
                code => fail!("store with Add returned {code}"),
            })
        })
    }),
    served(
        "mc_threads_remove",
        "of many threads that remove a key, one removes it",
        &[],
        |_, engine| one_of_eight(engine, "remove", true, Client::delete),
    ),
    served(
        "mc_threads_append",
        "many threads append to one value: none of it is lost",
        &[],
        append,
    ),
    served(
        "mc_threads_items",
        "after many threads changed items, curr_items is what can be read",
        &[],
        counts::items,
    ),
    served(
        "mc_threads_flush",
        "threads flush while others store: each flush takes what its thread has stored before",
        &[],
        counts::flushes,
    ),
    served(
        "mc_threads_linearizable_2",
        "histories of 2 threads on one key are linearizable",
        &[],
        |context, engine| histories::check(context, engine, 2, 30),
    ),
    served(
        "mc_threads_linearizable_8",
        "histories of 8 threads on one key are linearizable",
        &[],
        |context, engine| histories::check(context, engine, 8, 9),
    ),
    served(
        "mc_threads_cas",
        "histories of 8 threads with OPERATION_CAS are linearizable",
        &[Need::Cas],
        |context, engine| histories::check_with_cas(context, engine, 8, 9),
    ),
];

/// What is found under a key must be one of its values, whole.
fn whole(key: &[u8], value: &[u8]) -> Outcome {
    ensure!(
        number_in(key, value).is_some(),
        "get of {} found {}, which nobody stored like this",
        text(key),
        text(value)
    );
    Ok(())
}

fn key(random: &mut Random) -> Vec<u8> {
    format!("key {}", random.below(8)).into_bytes()
}

fn values(context: &Context, engine: &Engine) -> Outcome {
    let numbers = AtomicU64::new(0);
    let end = Instant::now() + WHILE;
    together(THREADS, |thread| {
        let mut random = Random::new(context.settings.seed ^ (thread as u64) << 20);
        let client = engine.connect();
        while Instant::now() < end {
            let key = key(&mut random);
            match random.below(8) {
                0..3 => {
                    client.put(&key, &stamped(&key, numbers.fetch_add(1, Relaxed)))?;
                }
                3 => {
                    client.delete(&key)?;
                }
                _ => {
                    if let Some(value) = client.read(&key)? {
                        whole(&key, &value)?;
                    }
                }
            }
        }
        Ok(())
    })
}

fn held(context: &Context, engine: &Engine) -> Outcome {
    let numbers = AtomicU64::new(0);
    let end = Instant::now() + WHILE;
    together(THREADS, |thread| {
        let mut random = Random::new(context.settings.seed ^ (thread as u64) << 20);
        let client = engine.connect();
        let mut items = Vec::new();
        while Instant::now() < end {
            let key = key(&mut random);
            if random.one_in(2) {
                client.put(&key, &stamped(&key, numbers.fetch_add(1, Relaxed)))?;
            } else if let Some(item) = client.find(&key)? {
                let value = told(&item)?.value();
                whole(&key, &value)?;
                items.push((item, value));
            }
            if items.len() == 20 {
                for (item, value) in items.drain(..) {
                    ensure!(
                        told(&item)?.value() == value,
                        "an item changed while it was held: it was {}",
                        text(&value)
                    );
                }
            }
        }
        Ok(())
    })
}

/// Rounds in which eight threads race for one key, which is there before or not;
/// one must win each.
fn one_of_eight(
    engine: &Engine,
    what: &str,
    is_there: bool,
    try_it: impl Fn(&Client, &[u8]) -> Outcome<bool> + Sync,
) -> Outcome {
    for round in 0..60 {
        let key = format!("{what} {round}").into_bytes();
        if is_there {
            engine.connect().put(&key, b"value")?;
        }
        let winners = AtomicUsize::new(0);
        together(8, |_| {
            if try_it(&engine.connect(), &key)? {
                winners.fetch_add(1, Relaxed);
            }
            Ok(())
        })?;
        let winners = winners.into_inner();
        ensure!(
            winners == 1,
            "{winners} of 8 threads were told that their {what} of one key worked"
        );
    }
    Ok(())
}

fn append(_: &Context, engine: &Engine) -> Outcome {
    const TIMES: usize = 50;
    engine.connect().put(b"all", b"")?;
    together(THREADS, |thread| {
        let client = engine.connect();
        for number in 0..TIMES {
            let part = format!("({thread} {number})");
            client.store_as(Operation::Append, b"all", part.as_bytes(), Code::SUCCESS)?;
        }
        Ok(())
    })?;
    let value = engine.connect().read(b"all")?.unwrap_or_default();
    let value = String::from_utf8_lossy(&value);
    for (thread, number) in (0..THREADS).flat_map(|t| (0..TIMES).map(move |n| (t, n))) {
        let times = value.matches(&format!("({thread} {number})")).count();
        ensure!(
            times == 1,
            "what thread {thread} appended as its {number}th is there {times} times"
        );
    }
    Ok(())
}
