//! get, store with each operation, and remove.

use super::{
    super::{Outcome, Stop, ensure, store::text},
    Test,
    context::{Context, Engine},
    served,
};
use crate::host::memcached::{Code, Operation};

pub(super) const TESTS: &[Test] = &[
    served("mc_store_set", "what was set is there, and is overwritten by a set", &[], set),
    served("mc_store_miss", "get of what is not there is a miss", &[], miss),
    served("mc_store_add", "add stores an absent key, and leaves a present one", &[], add),
    served(
        "mc_store_replace",
        "replace overwrites a present key, and does not make an absent one",
        &[],
        replace,
    ),
    served(
        "mc_store_append",
        "append goes behind a present value, and does not make an absent one",
        &[],
        |_, engine| join(engine, Operation::Append),
    ),
    served(
        "mc_store_prepend",
        "prepend goes before a present value, and does not make an absent one",
        &[],
        |_, engine| join(engine, Operation::Prepend),
    ),
    served("mc_store_remove", "what is removed is gone, and nothing else is", &[], remove),
    served("mc_store_empty", "a value of no bytes is a value", &[], empty),
    served("mc_store_large", "values up to 1 MiB come back whole", &[], large),
    served("mc_store_binary", "values of any bytes come back as they were", &[], binary),
    served("mc_store_many", "ten thousand items are all there", &[], many),
];

fn set(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    client.put(b"key", b"value")?;
    client.expect(b"key", Some(b"value"))?;
    client.put(b"key", b"longer than before")?;
    client.expect(b"key", Some(b"longer than before"))?;
    client.put(b"key", b"short")?;
    client.expect(b"key", Some(b"short"))?;
    // Another client sees the same.
    engine.connect().expect(b"key", Some(b"short"))
}

fn miss(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    client.expect(b"absent", None)?;
    client.put(b"absent but for a letter", b"value")?;
    client.expect(b"absent but for a lette", None)?;
    client.expect(b"absent but for a letter!", None)
}

fn add(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    client.store_as(Operation::Add, b"key", b"first", Code::SUCCESS)?;
    client.store_as(Operation::Add, b"key", b"second", Code::NOT_STORED)?;
    client.expect(b"key", Some(b"first"))?;
    client.delete(b"key")?;
    client.store_as(Operation::Add, b"key", b"third", Code::SUCCESS)?;
    client.expect(b"key", Some(b"third"))
}

fn replace(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    client.store_as(Operation::Replace, b"key", b"first", Code::NOT_STORED)?;
    client.expect(b"key", None)?;
    client.put(b"key", b"second")?;
    client.store_as(Operation::Replace, b"key", b"third", Code::SUCCESS)?;
    client.expect(b"key", Some(b"third"))
}

fn join(engine: &Engine, operation: Operation) -> Outcome {
    let client = engine.connect();
    client.store_as(operation, b"key", b"first", Code::NOT_STORED)?;
    client.expect(b"key", None)?;
    client.put_with(b"key", b"middle", 9, 0)?;
    let mut wanted = b"middle".to_vec();
    for part in [&b"one"[..], b"", b"\0two", &[b'x'; 3000]] {
        client.store_as(operation, b"key", part, Code::SUCCESS)?;
        wanted = match operation {
            Operation::Append => [&wanted[..], part].concat(),
            _ => [part, &wanted[..]].concat(),
        };
        client.expect(b"key", Some(&wanted))?;
    }
    let flags = client.info(b"key")?.flags;
    ensure!(
        flags == 9u32.to_be_bytes(),
        "{operation:?} changed the flags, which the client has not given, to {flags:02x?}"
    );
    Ok(())
}

fn remove(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let there = client.delete(b"absent")?;
    ensure!(!there, "remove of an absent key returned ENGINE_SUCCESS");
    for number in 0..100 {
        client.put(format!("key {number}").as_bytes(), b"value")?;
    }
    for number in (0..100).step_by(2) {
        let key = format!("key {number}").into_bytes();
        let there = client.delete(&key)?;
        ensure!(there, "remove of {}, which is there, found nothing", text(&key));
        client.expect(&key, None)?;
        let there = client.delete(&key)?;
        ensure!(!there, "remove of {} again returned ENGINE_SUCCESS", text(&key));
    }
    for number in 0..100 {
        let wanted = (number % 2 == 1).then_some(&b"value"[..]);
        client.expect(format!("key {number}").as_bytes(), wanted)?;
    }
    Ok(())
}

fn empty(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    client.put(b"empty", b"")?;
    client.expect(b"empty", Some(b""))?;
    client.store_as(Operation::Add, b"empty", b"x", Code::NOT_STORED)?;
    client.store_as(Operation::Replace, b"empty", b"x", Code::SUCCESS)?;
    client.expect(b"empty", Some(b"x"))?;
    client.store_as(Operation::Replace, b"empty", b"", Code::SUCCESS)?;
    client.expect(b"empty", Some(b""))?;
    let there = client.delete(b"empty")?;
    ensure!(there, "remove of an empty value found nothing");
    Ok(())
}

fn large(context: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let mut random = context.random();
    for size in [65_535, 65_536, 65_537, 300_000, (1 << 20) - 1, 1 << 20] {
        match client.allocate(b"large", size, 0, 0)? {
            (Code::E2BIG, _) => {
                return Err(Stop::Skipped(format!("it refuses values of {size} bytes")));
            }
            (_, item) => drop(item),
        }
        let value = random.bytes(size);
        client.put(b"large", &value)?;
        client.expect(b"large", Some(&value))?;
    }
    Ok(())
}

fn binary(context: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let all: Vec<u8> = (0..=255).collect();
    let mut values = vec![all, b"\r\n".to_vec(), b"\0".to_vec(), b"END\r\n".to_vec()];
    let mut random = context.random();
    values.extend((0..50).map(|size| random.bytes(size * 13)));
    for (number, value) in values.iter().enumerate() {
        client.put(format!("binary {number}").as_bytes(), value)?;
    }
    for (number, value) in values.iter().enumerate() {
        client.expect(format!("binary {number}").as_bytes(), Some(value))?;
    }
    Ok(())
}

fn many(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let pair = |number: usize| (format!("key {number}"), format!("value {number}"));
    for (key, value) in (0..10_000).map(pair) {
        client.put(key.as_bytes(), value.as_bytes())?;
    }
    for (key, value) in (0..10_000).map(pair) {
        client.expect(key.as_bytes(), Some(value.as_bytes()))?;
    }
    Ok(())
}
