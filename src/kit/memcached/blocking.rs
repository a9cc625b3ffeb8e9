//! Calls that are answered later: each is notified, once.

use super::{
    super::{Outcome, Stop, ensure, fail, together::together},
    Test, alone,
    client::Client,
    context::Context,
};
use crate::host::memcached::{Code, Operation, raw::Watch};
use std::sync::{Mutex, PoisonError};

pub(super) const TESTS: &[Test] = &[
    alone(
        "mc_block_notified",
        "every ENGINE_EWOULDBLOCK is followed by one notify, and the call made again comes to an end",
        &[],
        notified,
    ),
    alone(
        "mc_block_disconnect",
        "a client that goes away while a call of its is blocked does no harm",
        &[],
        disconnect,
    ),
    alone("mc_block_destroy", "no cookie is reserved when destroy has returned", &[], reserved),
];

const THREADS: usize = 8;
const ROUNDS: usize = 30;

/// A client that is gone: how often it was blocked, and its cookie.
type Gone = (usize, Watch);

/// Every call that may block.
fn call_all(client: &Client, round: usize) -> Outcome {
    let key = format!("key {}", round % 7).into_bytes();
    client.put(&key, b"1")?;
    client.find(&key)?;
    client.try_store(Operation::Append, &key, b"2")?;
    client.try_store(Operation::Add, &key, b"3")?;
    client.swap(&key, b"4", 5)?;
    if let Some(answer) = client.arithmetic(&key, true, 1, None) {
        answer?;
    }
    if let Some(answer) = client.unknown_command(0x1c, &[0; 4], &key) {
        answer?;
    }
    client.delete(&key)?;
    client.curr_items()?;
    if round.is_multiple_of(10) {
        client.flush_at(0)?;
    }
    Ok(())
}

/// Lets threads call, each with a client of its own, and destroys the engine.
fn after_calls(context: &Context) -> Outcome<Vec<Gone>> {
    let engine = context.start()?;
    let gone = Mutex::new(Vec::new());
    together(THREADS, |_| {
        let client = engine.connect();
        for round in 0..ROUNDS {
            call_all(&client, round)?;
        }
        let one = (client.blocked(), client.watch());
        gone.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        Ok(())
    })?;
    engine.destroy()?;
    Ok(gone.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Skips where nothing was blocked.
fn some_blocked(gone: &[Gone]) -> Outcome {
    match gone.iter().any(|(blocked, _)| *blocked > 0) {
        true => Ok(()),
        false => Err(Stop::Skipped("it never answers ENGINE_EWOULDBLOCK".to_owned())),
    }
}

fn notified(context: &Context) -> Outcome {
    let gone = after_calls(context)?;
    some_blocked(&gone)?;
    for (blocked, cookie) in gone {
        let notified = cookie.notified();
        ensure!(
            notified == blocked,
            "{blocked} calls were answered with ENGINE_EWOULDBLOCK, and notify_io_complete was \
             called {notified} times"
        );
    }
    Ok(())
}

fn disconnect(context: &Context) -> Outcome {
    let engine = context.start()?;
    let mut gone = Vec::new();
    for round in 0..100 {
        let client = engine.connect();
        let key = format!("gone {}", round % 9).into_bytes();
        let item = match round % 3 {
            2 => Some(client.item(&key, b"value", 0, 0)?),
            _ => None,
        };
        client.do_not_wait();
        let code = match &item {
            Some(item) => client.store(item, Operation::Set, 0)?.0,
            None if round % 3 == 1 => client.remove(&key, 0)?,
            None => client.get(&key)?.0,
        };
        let is_answer =
            matches!(code, Code::SUCCESS | Code::KEY_ENOENT | Code::NOT_STORED | Code::EWOULDBLOCK);
        ensure!(is_answer, "a call returned {code}");
        // At once, or when it has been notified and nobody calls again.
        if round % 2 == 1 && code == Code::EWOULDBLOCK && client.wait(engine.patience()).is_none() {
            fail!("a call that was blocked was never notified");
        }
        gone.push((client.blocked(), client.watch()));
        // The item goes first, as in the server.
        drop(item);
        drop(client);
    }
    // Who stays is served as before.
    let client = engine.connect();
    for round in 0..5 {
        call_all(&client, round)?;
    }
    drop(client);
    engine.destroy()?;
    some_blocked(&gone)?;
    for (blocked, cookie) in gone {
        let notified = cookie.notified();
        ensure!(
            notified <= blocked,
            "a client that is gone was blocked once, and notified {notified} times"
        );
        ensure!(
            cookie.reserved() == 0,
            "the cookie of a client that is gone is reserved after destroy"
        );
    }
    Ok(())
}

fn reserved(context: &Context) -> Outcome {
    for (_, cookie) in after_calls(context)? {
        let reserved = cookie.reserved();
        ensure!(reserved == 0, "a cookie is reserved {reserved} times after destroy");
    }
    Ok(())
}
