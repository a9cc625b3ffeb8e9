//! What is there and what is counted, after many threads changed it at once.

use super::{
    super::{Outcome, Stop, ensure, random::Random, together::together},
    client::Client,
    context::{Context, Engine},
};
use crate::host::memcached::Operation;
use std::time::{Duration, Instant};

/// How long the threads of a test go on.
const WHILE: Duration = Duration::from_millis(800);

const THREADS: usize = 16;
const KEYS: usize = 20;

fn key(number: usize) -> Vec<u8> {
    format!("counted {number}").into_bytes()
}

/// How many of the keys are there.
fn there(client: &Client) -> Outcome<u64> {
    let mut there = 0;
    for number in 0..KEYS {
        there += u64::from(client.find(&key(number))?.is_some());
    }
    Ok(there)
}

/// One change of a key that everybody changes, or none.
fn change(client: &Client, random: &mut Random) -> Outcome {
    let key = key(random.below(KEYS));
    match random.below(6) {
        0 => client.put(&key, b"set").map(|_| ()),
        1 => client.delete(&key).map(|_| ()),
        2 => client.try_store(Operation::Add, &key, b"added").map(|_| ()),
        3 => client.try_store(Operation::Replace, &key, b"replaced").map(|_| ()),
        4 => client.try_store(Operation::Append, &key, b".").map(|_| ()),
        _ => client.put_with(&key, b"passed", 0, PASSED).map(|_| ()),
    }
}

/// A UNIX time, long past.
const PASSED: u32 = 60 * 60 * 24 * 30 + 1;

fn while_it_lasts(engine: &Engine, seed: u64, flushes: bool) -> Outcome {
    let end = Instant::now() + WHILE;
    together(THREADS, |thread| {
        let client = engine.connect();
        let mut random = Random::new(seed ^ (thread as u64) << 20);
        let mine = format!("of thread {thread}").into_bytes();
        while Instant::now() < end {
            change(&client, &mut random)?;
            if flushes && thread < 4 && random.one_in(5) {
                client.put(&mine, b"mine")?;
                client.flush_at(0)?;
                client.expect(&mine, None)?;
            }
        }
        Ok(())
    })
}

/// curr_items is what can be read, when all is quiet again.
pub(super) fn items(context: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    if client.curr_items()?.is_none() {
        return Err(Stop::Skipped("it reports no curr_items".to_owned()));
    }
    while_it_lasts(engine, context.settings.seed, false)?;
    expect(&client)
}

/// As `items`, after flushes, of which each takes what its thread has stored.
pub(super) fn flushes(context: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    while_it_lasts(engine, context.settings.seed, true)?;
    client.flush_at(0)?;
    let left = there(&client)?;
    ensure!(left == 0, "{left} items are left after a flush that came behind all the others");
    expect(&client)?;
    client.put(&key(0), b"value")?;
    expect(&client)
}

fn expect(client: &Client) -> Outcome {
    // Who asks for what has expired has it removed, and it is not counted then.
    let there = there(client)?;
    let items = client.curr_items()?;
    ensure!(
        items.is_none_or(|items| items == there),
        "curr_items is {items:?} after many threads; {there} items can be read"
    );
    Ok(())
}
