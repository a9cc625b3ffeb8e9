//! Expiry: never, in a while, at a time, in the past.

use super::{
    super::{Outcome, ensure, fail, store::text},
    Need, Test,
    client::Client,
    context::{Context, Engine},
    served,
};
use crate::host::memcached::{Code, Operation};
use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const TIMES: &[Need] = &[Need::Times];

/// A UNIX time, long past: what a negative time arrives as.
const PASSED: u32 = 60 * 60 * 24 * 30 + 1;

pub(super) const TESTS: &[Test] = &[
    served(
        "mc_expiry_relative",
        "an item with seconds to live is there, and then gone, and one without stays",
        TIMES,
        |_, engine| lives(engine, || Ok(2)),
    ),
    served(
        "mc_expiry_absolute",
        "an item with a UNIX time to live to is there, and then gone",
        TIMES,
        |_, engine| lives(engine, || Ok(now()? + 2)),
    ),
    served("mc_expiry_passed", "an item whose time has passed is not there", TIMES, passed),
    served("mc_expiry_far", "an item that expires in a long time is there", TIMES, far),
    served(
        "mc_expiry_again",
        "what expired can be stored again, and a new value has its own expiry",
        TIMES,
        again,
    ),
];

fn now() -> Outcome<u32> {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(now) => Ok(now.as_secs() as u32),
        Err(_) => fail!("the system's clock stands before 1970"),
    }
}

/// Asks until the key is gone.
pub(super) fn until_gone(engine: &Engine, client: &Client, key: &[u8]) -> Outcome {
    let (start, end) = (Instant::now(), engine.deadline());
    while client.find(key)?.is_some() {
        ensure!(
            Instant::now() < end,
            "{} is still there after {:.1} s; it should have been gone after 2 s",
            text(key),
            start.elapsed().as_secs_f64()
        );
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn lives(engine: &Engine, two_seconds: impl Fn() -> Outcome<u32>) -> Outcome {
    let client = engine.connect();
    client.put(b"stays", b"value")?;
    let start = Instant::now();
    client.put_with(b"goes", b"value", 0, two_seconds()?)?;
    let is_there = client.find(b"goes")?.is_some();
    // The clock advances once a second, so of two one is sure.
    ensure!(
        is_there || start.elapsed() >= Duration::from_secs(1),
        "an item with two seconds to live is gone after {:?}",
        start.elapsed()
    );
    until_gone(engine, &client, b"goes")?;
    client.expect(b"stays", Some(b"value"))?;
    let there = client.delete(b"goes")?;
    ensure!(!there, "remove found an item that has expired");
    client.store_as(Operation::Replace, b"goes", b"never", Code::NOT_STORED)?;
    Ok(())
}

fn passed(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for exptime in [PASSED, now()? - 1000] {
        client.put(b"key", b"old")?;
        client.put_with(b"key", b"new", 0, exptime)?;
        client.expect(b"key", None)?;
    }
    Ok(())
}

fn far(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for exptime in [1000, 60 * 60 * 24 * 30, now()? + 1000, u32::MAX >> 1] {
        client.put_with(b"key", b"value", 0, exptime)?;
        client.expect(b"key", Some(b"value"))?;
        let told = client.info(b"key")?.exptime;
        ensure!(told != 0, "get_item_info says the exptime 0 of an item that expires");
    }
    Ok(())
}

fn again(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    client.put_with(b"again", b"old", 0, PASSED)?;
    client.store_as(Operation::Add, b"again", b"new", Code::SUCCESS)?;
    client.put_with(b"longer", b"old", 0, 2)?;
    client.put(b"longer", b"new")?;
    client.put_with(b"goes", b"value", 0, 2)?;
    until_gone(engine, &client, b"goes")?;
    client.expect(b"again", Some(b"new"))?;
    client.expect(b"longer", Some(b"new"))
}
