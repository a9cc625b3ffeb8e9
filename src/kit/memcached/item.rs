//! Items: what allocate and get hand out, what get_item_info tells of it, and
//! that it stays as it was until release.

use super::{
    super::{Outcome, ensure, fail, store::text},
    Test,
    client::{Client, told},
    context::{Context, Engine},
    served,
};
use crate::host::memcached::{
    Code, Operation,
    raw::{Info, Untold},
};

pub(super) const TESTS: &[Test] = &[
    served(
        "mc_item_allocated",
        "get_item_info of a new item: key, length, flags, and room for the value",
        &[],
        allocated,
    ),
    served(
        "mc_item_found",
        "get_item_info of an item of get's: key, length, flags, CAS, and the whole value",
        &[],
        found,
    ),
    served("mc_item_flags", "flags come back in network order, whatever they are", &[], flags),
    served(
        "mc_item_pieces",
        "get_item_info uses no more elements of value than there are, and says how many",
        &[],
        pieces,
    ),
    served(
        "mc_item_not_stored",
        "an item that was allocated and released is not there",
        &[],
        not_stored,
    ),
    served("mc_item_after_store", "a stored item can be read until its release", &[], after_store),
    served(
        "mc_item_after_overwrite",
        "an item stays as it was when its key is overwritten",
        &[],
        |_, engine| held(engine, |client, key| client.put(key, &[b'n'; 500]).map(|_| ())),
    ),
    served(
        "mc_item_after_append",
        "an item stays as it was when something is appended",
        &[],
        |_, engine| {
            held(engine, |client, key| {
                client.store_as(Operation::Append, key, b"more", Code::SUCCESS).map(|_| ())
            })
        },
    ),
    served(
        "mc_item_after_remove",
        "an item stays as it was when its key is removed",
        &[],
        |_, engine| held(engine, |client, key| client.delete(key).map(|_| ())),
    ),
    served("mc_item_after_flush", "an item stays as it was after a flush", &[], |_, engine| {
        held(engine, |client, _| client.flush_at(0))
    }),
    served("mc_item_many", "a thousand items can be held at once, also of the same key", &[], many),
];

/// What is said of an item must agree with itself and with what was stored.
fn agrees(info: &Info, key: &[u8], size: usize, flags: u32) -> Outcome {
    ensure!(
        info.key.as_deref() == Some(key),
        "get_item_info's key is {}; it is {}",
        info.key.as_deref().map_or("NULL".to_owned(), text),
        text(key)
    );
    ensure!(
        info.nbytes as usize == size,
        "get_item_info's nbytes is {}; the value has {size}",
        info.nbytes
    );
    ensure!(
        info.pieces.iter().all(Option::is_some),
        "a piece of get_item_info's value is NULL, and not empty"
    );
    let sum = info.value().len();
    ensure!(sum == size, "the pieces of get_item_info's value have {sum} bytes, not {size}");
    ensure!(
        info.flags == flags.to_be_bytes(),
        "get_item_info's flags are {:02x?}; in network order they are {:02x?}",
        info.flags,
        flags.to_be_bytes()
    );
    Ok(())
}

const SIZES: [usize; 8] = [0, 1, 2, 100, 1000, 4096, 10_000, 200_000];

fn allocated(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for size in SIZES {
        let value = vec![b'a'; size];
        let item = client.item(b"a new key", &value, 0x0102_0304, 0)?;
        let info = told(&item)?;
        agrees(&info, b"a new key", size, 0x0102_0304)?;
        ensure!(info.value() == value, "a new item is not what was written to it");
    }
    Ok(())
}

fn found(context: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let mut random = context.random();
    for size in SIZES {
        let key = format!("found {size}").into_bytes();
        let value = random.bytes(size);
        let cas = client.put_with(&key, &value, 0x0506_0708, 0)?;
        let info = client.info(&key)?;
        agrees(&info, &key, size, 0x0506_0708)?;
        ensure!(info.value() == value, "get of {} is another value", text(&key));
        ensure!(info.exptime == 0, "an item without expiry has the exptime {}", info.exptime);
        ensure!(
            info.cas == 0 || info.cas == cas,
            "get_item_info's cas is {}; store said {cas}",
            info.cas
        );
    }
    Ok(())
}

fn flags(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for flags in [0, 1, 0xff, 0x100, 0x1234_5678, 0x8000_0000, u32::MAX] {
        client.put_with(b"flags", b"value", flags, 0)?;
        agrees(&client.info(b"flags")?, b"flags", 5, flags)?;
    }
    Ok(())
}

fn pieces(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for size in SIZES {
        client.put(b"pieces", &vec![b'p'; size])?;
        let item = client.found(b"pieces")?;
        let all = told(&item)?;
        for room in 1..=4 {
            match item.info(room) {
                Ok(info) => ensure!(
                    info == all,
                    "get_item_info with room for {room} pieces says something else than with \
                     more room"
                ),
                Err(Untold::Refused { .. }) if all.pieces.len() > room => {}
                Err(reason) => fail!("{reason}"),
            }
        }
    }
    Ok(())
}

fn not_stored(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let before = client.curr_items()?;
    for number in 0..200 {
        let item = client.item(format!("new {}", number % 10).as_bytes(), b"never", 0, 0)?;
        drop(item);
    }
    for number in 0..10 {
        client.expect(format!("new {number}").as_bytes(), None)?;
    }
    let after = client.curr_items()?;
    ensure!(
        after == before,
        "curr_items went from {before:?} to {after:?}, and nothing was stored"
    );
    Ok(())
}

fn after_store(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let item = client.item(b"stored", b"the value", 7, 0)?;
    let (code, cas) = client.store_item(&item, Operation::Set)?;
    ensure!(code == Code::SUCCESS, "store returned {code}");
    let info = told(&item)?;
    agrees(&info, b"stored", 9, 7)?;
    ensure!(info.value() == b"the value", "an item is another one after its store");
    ensure!(
        info.cas == 0 || info.cas == cas,
        "the cas of a stored item is {}; store said {cas}",
        info.cas
    );
    client.put(b"stored", b"another value")?;
    agrees(&told(&item)?, b"stored", 9, 7)?;
    ensure!(told(&item)?.value() == b"the value", "a stored item changed before its release");
    drop(item);
    client.expect(b"stored", Some(b"another value"))
}

/// Holds items of some sizes while something is done to their keys.
fn held(engine: &Engine, change: impl Fn(&Client, &[u8]) -> Outcome) -> Outcome {
    let (client, other) = (engine.connect(), engine.connect());
    let mut items = Vec::new();
    for size in [1, 30, 500, 5000, 200_000] {
        let key = format!("held {size}").into_bytes();
        let value: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        client.put_with(&key, &value, 3, 0)?;
        items.push((client.found(&key)?, key, value));
    }
    for (_, key, _) in &items {
        change(&other, key)?;
    }
    // What was freed is soon another's.
    for number in 0..200 {
        other.put(format!("other {}", number % 20).as_bytes(), &vec![b'o'; number * 7])?;
    }
    for (item, key, value) in &items {
        let info = told(item)?;
        agrees(&info, key, value.len(), 3)?;
        ensure!(info.value() == *value, "the item of {} changed while it was held", text(key));
    }
    Ok(())
}

fn many(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let mut items = Vec::new();
    for number in 0..1000 {
        let (key, value) = (format!("many {}", number % 100), format!("value {number}"));
        client.put(key.as_bytes(), value.as_bytes())?;
        items.push((client.found(key.as_bytes())?, value));
    }
    for (item, value) in &items {
        let found = told(item)?.value();
        if found != value.as_bytes() {
            fail!("an item that is held is {}; it was \"{value}\"", text(&found));
        }
    }
    Ok(())
}
