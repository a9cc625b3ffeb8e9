//! What is stored is there after destroy, and after a kill: for engines that say
//! ENGINE_FEATURE_PERSISTENT_STORAGE.

use super::{
    super::{Outcome, ensure, store::text},
    Need, Test, alone,
    context::Context,
    expiry::until_gone,
    killed,
};

const DURABLE: &[Need] = &[Need::Durable];

pub(super) const TESTS: &[Test] = &[
    alone(
        "mc_durable_again",
        "values of many sizes and their flags are there after destroy and initialize",
        DURABLE,
        again,
    ),
    alone("mc_durable_last", "the last store and the last remove are not lost", DURABLE, last),
    alone("mc_durable_flush", "what was flushed does not come back", DURABLE, flush),
    alone(
        "mc_durable_expiry",
        "an expiry is kept: neither dropped, nor counted from the start again",
        &[Need::Durable, Need::Times],
        expiry,
    ),
    alone(
        "mc_durable_cas",
        "a CAS unique from before does not fit what was stored since",
        &[Need::Durable, Need::Cas],
        cas,
    ),
    alone(
        "mc_durable_kill",
        "kill -9 while items are stored and removed: what was acknowledged is there",
        DURABLE,
        |context| killed::rounds(context, 1),
    ),
    alone(
        "mc_durable_kill_threads",
        "kill -9 while 4 threads store and remove: what was acknowledged is there",
        DURABLE,
        |context| killed::rounds(context, 4),
    ),
];

fn again(context: &Context) -> Outcome {
    let mut random = context.random();
    let items: Vec<_> = [0, 1, 8, 255, 256, 4095, 4096, 4097, 65_536, 300_000]
        .into_iter()
        .cycle()
        .take(100)
        .enumerate()
        .map(|(number, size)| (format!("key {number}").into_bytes(), random.bytes(size)))
        .collect();
    let engine = context.start()?;
    let client = engine.connect();
    for (number, (key, value)) in items.iter().enumerate() {
        client.put_with(key, value, number as u32, 0)?;
    }
    drop(client);
    engine.destroy()?;
    // Twice: to open it changes nothing.
    for _ in 0..2 {
        let engine = context.start()?;
        let client = engine.connect();
        for (number, (key, value)) in items.iter().enumerate() {
            client.expect(key, Some(value))?;
            let flags = client.info(key)?.flags;
            ensure!(
                flags == (number as u32).to_be_bytes(),
                "the flags of {} are {flags:02x?} after destroy and initialize",
                text(key)
            );
        }
        let count = client.curr_items()?;
        ensure!(
            count.is_none_or(|count| count == items.len() as u64),
            "curr_items is {count:?} after initialize, with {} items",
            items.len()
        );
        drop(client);
        engine.destroy()?;
    }
    Ok(())
}

fn last(context: &Context) -> Outcome {
    for round in 0..10 {
        let value = format!("round {round}").into_bytes();
        let engine = context.start()?;
        let client = engine.connect();
        let before = (round > 0).then(|| format!("round {}", round - 1).into_bytes());
        client.expect(b"last", before.as_deref())?;
        client.expect(b"removed", None)?;
        client.put(b"removed", &value)?;
        client.put(b"last", &value)?;
        client.delete(b"removed")?;
        drop(client);
        engine.destroy()?;
    }
    Ok(())
}

fn flush(context: &Context) -> Outcome {
    let engine = context.start()?;
    let client = engine.connect();
    for number in 0..50 {
        client.put(format!("key {number}").as_bytes(), b"value")?;
    }
    client.flush_at(0)?;
    client.put(b"after", b"value")?;
    drop(client);
    engine.destroy()?;
    let engine = context.start()?;
    let client = engine.connect();
    for number in 0..50 {
        client.expect(format!("key {number}").as_bytes(), None)?;
    }
    client.expect(b"after", Some(b"value"))?;
    drop(client);
    engine.destroy()
}

fn expiry(context: &Context) -> Outcome {
    let engine = context.start()?;
    let client = engine.connect();
    client.put_with(b"goes", b"value", 0, 2)?;
    client.put_with(b"stays", b"value", 0, 1000)?;
    client.put_with(b"passed", b"value", 0, 60 * 60 * 24 * 30 + 1)?;
    drop(client);
    engine.destroy()?;
    let engine = context.start()?;
    let client = engine.connect();
    client.expect(b"passed", None)?;
    until_gone(&engine, &client, b"goes")?;
    client.expect(b"stays", Some(b"value"))?;
    drop(client);
    engine.destroy()
}

fn cas(context: &Context) -> Outcome {
    let mut old = Vec::new();
    for round in 0..5 {
        let engine = context.start()?;
        let client = engine.connect();
        for _ in 0..20 {
            let cas = client.put(b"key", format!("round {round}").as_bytes())?;
            ensure!(!old.contains(&cas), "the CAS unique {cas} was given twice, over a destroy");
            old.push(cas);
        }
        drop(client);
        engine.destroy()?;
    }
    Ok(())
}
