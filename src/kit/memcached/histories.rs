//! Short histories of one key, each checked for an order that explains it.

use super::{
    super::{
        Outcome, ensure, fail,
        linear::{Call, LONGEST, Number, What, explain},
        random::Random,
        store::text,
        together::together,
    },
    client::{Client, told},
    context::{Context, Engine},
};
use crate::host::memcached::{Code, Operation, raw::Info};
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

/// Histories of get, set, add and remove.
pub(super) fn check(context: &Context, engine: &Engine, threads: usize, calls: usize) -> Outcome {
    histories(context, engine, threads, calls, false)
}

/// Histories of these, and of stores that compare.
pub(super) fn check_with_cas(
    context: &Context,
    engine: &Engine,
    threads: usize,
    calls: usize,
) -> Outcome {
    histories(context, engine, threads, calls, true)
}

fn histories(
    context: &Context,
    engine: &Engine,
    threads: usize,
    calls: usize,
    compares: bool,
) -> Outcome {
    ensure!(threads * calls <= LONGEST, "the kit's histories are too long to be checked");
    let client = engine.connect();
    let mut random = context.random();
    let end = Instant::now() + WHILE;
    let mut number = 0;
    while Instant::now() < end {
        number += 1;
        // Every other history begins with an item.
        let first = (number % 2 == 0).then_some(0);
        match first {
            Some(_) => client.put(KEY, b"0").map(|_| ())?,
            None => client.delete(KEY).map(|_| ())?,
        }
        let history = record(engine, &mut random, threads, calls, compares)?;
        explain(first, &history)?;
    }
    Ok(())
}

fn record(
    engine: &Engine,
    random: &mut Random,
    threads: usize,
    calls: usize,
    compares: bool,
) -> Outcome<Vec<Call>> {
    let (clock, numbers) = (AtomicU64::new(0), AtomicU32::new(1));
    let history = Mutex::new(Vec::new());
    let randoms: Vec<Random> = (0..threads).map(|_| random.fork()).collect();
    together(threads, |thread| {
        let mut random = randoms[thread].clone();
        let client = engine.connect();
        let mut mine = Vec::with_capacity(calls);
        while mine.len() < calls {
            let new = numbers.fetch_add(1, SeqCst);
            // What a comparison is with is read before, as a call of its own.
            let mut call = |call: &mut dyn FnMut() -> Outcome<What>| -> Outcome {
                let start = clock.fetch_add(1, SeqCst);
                let what = call()?;
                let end = clock.fetch_add(1, SeqCst);
                mine.push(Call { thread, start, end, what });
                Ok(())
            };
            if compares && random.one_in(2) {
                let mut seen = None;
                call(&mut || {
                    seen = look(&client)?;
                    Ok(What::Get(seen.as_ref().map(|(number, _)| *number)))
                })?;
                if let Some((old, info)) = seen {
                    call(&mut || swap(&client, old, info.cas, new))?;
                }
            } else {
                let choice = random.below(10);
                call(&mut || one(&client, choice, new))?;
            }
        }
        history.lock().unwrap_or_else(PoisonError::into_inner).extend(mine);
        Ok(())
    })?;
    Ok(history.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The number that is there.
fn look(client: &Client) -> Outcome<Option<(Number, Info)>> {
    let Some(item) = client.find(KEY)? else { return Ok(None) };
    let info = told(&item)?;
    let value = info.value();
    match str::from_utf8(&value).ok().and_then(|text| text.parse().ok()) {
        Some(number) => Ok(Some((number, info))),
        None => fail!("get found {}, which nobody stored", text(&value)),
    }
}

fn swap(client: &Client, old: Number, cas: u64, new: Number) -> Outcome<What> {
    let stored = match client.swap(KEY, new.to_string().as_bytes(), cas)?.0 {
        Code::SUCCESS => true,
        Code::KEY_EEXISTS | Code::KEY_ENOENT => false,
        code => fail!("store with OPERATION_CAS returned {code}"),
    };
    Ok(What::Swap(old, new, stored))
}

fn one(client: &Client, choice: usize, new: Number) -> Outcome<What> {
    let value = new.to_string();
    Ok(match choice {
        0..4 => What::Get(look(client)?.map(|(number, _)| number)),
        4..6 => {
            client.put(KEY, value.as_bytes())?;
            What::Set(new)
        }
        6..8 => match client.try_store(Operation::Add, KEY, value.as_bytes())?.0 {
            Code::SUCCESS => What::Add(new, true),
            Code::NOT_STORED => What::Add(new, false),
            code => fail!("store with OPERATION_ADD returned {code}"),
        },
        _ => What::Del(client.delete(KEY)?),
    })
}
