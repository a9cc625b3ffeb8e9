//! What is taken is given back: items, descriptors, threads, memory.

use super::{
    super::{
        Outcome,
        taken::{Use, often},
    },
    Test, alone,
    client::Client,
    context::{Context, Engine},
    life::use_it,
    served,
};
use crate::host::memcached::Operation;
use std::time::{Duration, Instant};

/// How long stores may go on: an engine may write to a disk.
const LONGEST: Duration = Duration::from_secs(5);

pub(super) const TESTS: &[Test] = &[
    alone(
        "mc_resources_destroy",
        "after destroy no descriptor, thread or memory is left",
        &[],
        destroy,
    ),
    served(
        "mc_resources_allocate",
        "items that were allocated and released take no memory",
        &[],
        allocate,
    ),
    served("mc_resources_get", "items that were found and released take no memory", &[], get),
    served(
        "mc_resources_refused",
        "items whose store was refused take no memory once they are released",
        &[],
        refused,
    ),
    served(
        "mc_resources_held",
        "items that were overwritten and removed while held are freed in the end",
        &[],
        held,
    ),
    served(
        "mc_resources_calls",
        "no call leaves a descriptor, a thread or memory behind",
        &[],
        calls,
    ),
    served(
        "mc_resources_overwrite",
        "a hundred thousand stores and removes of the same keys, or as many as there is time for, take no more memory",
        &[],
        overwrite,
    ),
];

fn destroy(context: &Context) -> Outcome {
    often("create_instance, initialize, a few calls and destroy", || {
        let engine = context.start()?;
        use_it(&engine.connect())?;
        engine.destroy()
    })
}

fn allocate(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    often("a hundred times allocate and release", || {
        (0..100).try_for_each(|n| client.item(b"never stored", &[b'n'; 10], n, 0).map(drop))
    })
}

/// A client, and items of a few hundred bytes.
fn filled(engine: &Engine) -> Outcome<Client> {
    let client = engine.connect();
    for number in 0..50 {
        client.put(format!("key {number}").as_bytes(), &[b'v'; 300])?;
    }
    Ok(client)
}

fn get(_: &Context, engine: &Engine) -> Outcome {
    let client = filled(engine)?;
    often("gets and misses", || {
        (0..60).try_for_each(|n| client.find(format!("key {n}").as_bytes()).map(drop))
    })
}

fn refused(_: &Context, engine: &Engine) -> Outcome {
    let client = filled(engine)?;
    often("stores that were refused", || {
        client.try_store(Operation::Add, b"key 1", &[b'r'; 200])?;
        client.try_store(Operation::Replace, b"absent", &[b'r'; 200])?;
        client.try_store(Operation::Append, b"absent", &[b'r'; 200])?;
        client.swap(b"absent", &[b'r'; 200], 1)?;
        Ok(())
    })
}

fn held(_: &Context, engine: &Engine) -> Outcome {
    let client = filled(engine)?;
    often("items held over an overwrite and a remove", || {
        let mut items = Vec::new();
        for number in 0..20 {
            let key = format!("held {number}").into_bytes();
            client.put(&key, &[b'h'; 1000])?;
            items.push(client.found(&key)?);
            items.push(client.found(&key)?);
            match number % 2 {
                0 => client.put(&key, b"another").map(|_| ())?,
                _ => client.delete(&key).map(|_| ())?,
            }
        }
        drop(items);
        for number in 0..20 {
            client.delete(format!("held {number}").as_bytes())?;
        }
        Ok(())
    })
}

fn calls(_: &Context, engine: &Engine) -> Outcome {
    let client = filled(engine)?;
    often("every call", || {
        client.put(b"number", b"10")?;
        if let Some(answer) = client.arithmetic(b"number", true, 1, None) {
            answer?;
        }
        for opcode in [0x1c, 0x1d] {
            if let Some(answer) = client.unknown_command(opcode, &[0; 4], b"number") {
                answer?;
            }
        }
        client.try_store(Operation::Append, b"number", b"0")?;
        client.errinfo();
        client.stats(b"")?;
        client.stats(b"nothing")?;
        client.reset_stats();
        client.delete(b"number")?;
        client.flush_at(0)
    })
}

fn overwrite(_: &Context, engine: &Engine) -> Outcome {
    let client = filled(engine)?;
    let turn = |times: usize| -> Outcome {
        let end = Instant::now() + LONGEST;
        for number in 0..times {
            if number.is_multiple_of(100) && Instant::now() > end {
                break;
            }
            let key = format!("key {}", number % 50).into_bytes();
            match number % 7 {
                6 => client.delete(&key).map(|_| ())?,
                _ => client.put(&key, &[b'o'; 500]).map(|_| ())?,
            }
        }
        Ok(())
    };
    turn(3000)?;
    let before = Use::now()?;
    turn(100_000)?;
    // What an engine still has to tidy up is a part of it.
    before.expect_back("100000 stores and removes of 50 keys, or what time there was for", 2 << 20)
}
