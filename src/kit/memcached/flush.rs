//! flush: now, and later.

use super::{
    super::{Outcome, ensure},
    Need, Test,
    context::{Context, Engine},
    expiry::until_gone,
    served,
};
use crate::host::memcached::{Code, Operation};
use std::time::{Duration, Instant};

pub(super) const TESTS: &[Test] = &[
    served("mc_flush_now", "a flush leaves nothing of what was there", &[], now),
    served("mc_flush_after", "what is stored after a flush is there", &[], after),
    served(
        "mc_flush_delayed",
        "a flush in two seconds leaves everything until then, and nothing of it after",
        &[Need::Times],
        delayed,
    ),
];

fn now(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let keys: Vec<_> = (0..500).map(|number| format!("key {number}").into_bytes()).collect();
    for key in &keys {
        client.put(key, b"value")?;
    }
    client.flush_at(0)?;
    for key in &keys {
        client.expect(key, None)?;
    }
    let there = client.delete(&keys[0])?;
    ensure!(!there, "remove found an item that was flushed");
    client.store_as(Operation::Replace, &keys[1], b"never", Code::NOT_STORED)?;
    client.store_as(Operation::Append, &keys[2], b"never", Code::NOT_STORED)?;
    Ok(())
}

fn after(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for round in 0..20 {
        client.put(b"old", b"value")?;
        client.flush_at(0)?;
        let value = format!("round {round}").into_bytes();
        // At once: in the same second as the flush.
        client.store_as(Operation::Add, b"new", &value, Code::SUCCESS)?;
        client.expect(b"new", Some(&value))?;
        client.expect(b"old", None)?;
    }
    Ok(())
}

fn delayed(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    client.put(b"before", b"value")?;
    let start = Instant::now();
    client.flush_at(2)?;
    client.put(b"meanwhile", b"value")?;
    let there = client.find(b"before")?.is_some() && client.find(b"meanwhile")?.is_some();
    // The clock advances once a second, so of two one is sure.
    ensure!(
        there || start.elapsed() >= Duration::from_secs(1),
        "a flush in two seconds has been made after {:?}",
        start.elapsed()
    );
    until_gone(engine, &client, b"before")?;
    client.expect(b"meanwhile", None)?;
    client.put(b"after", b"value")?;
    client.expect(b"after", Some(b"value"))
}
