//! Values that are whole, and of the key that was asked for.

use super::{for_a_while, number_in, stamped, together};
use crate::{
    host::raw::Zone,
    kit::{
        Outcome,
        context::Context,
        ensure, fail,
        store::{Store, clean, text},
    },
};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Few keys, so that threads meet.
const KEYS: usize = 16;

fn key(n: usize) -> Vec<u8> {
    format!("key {n}").into_bytes()
}

/// Reads a key, whose value must be whole. Returns its number.
fn whole(store: &Store, key: &[u8]) -> Outcome<Option<u64>> {
    let Some(value) = store.read(key)? else { return Ok(None) };
    match number_in(key, &value) {
        Some(number) => Ok(Some(number)),
        None => fail!(
            "while other threads write, get of {} is {}, which nobody stored there: torn, or \
             another's",
            text(key),
            text(&value)
        ),
    }
}

pub fn storm(context: &Context, threads: usize) -> Outcome {
    let store = context.open("storm")?;
    let random = context.random();
    together(threads, |thread| {
        let mut random = random.clone();
        (0..=thread).for_each(|_| random = random.fork());
        for_a_while(|| {
            let key = key(random.below(KEYS));
            match random.below(10) {
                0..4 => store.put(&key, &stamped(&key, random.next() % 100_000)),
                4..5 => store.remove(&key).map(|_| ()),
                5..6 => {
                    let value = stamped(&key, random.next() % 100_000);
                    let mut torn = false;
                    let stored = store.replace(&key, &value, |old| {
                        torn |= number_in(&key, old).is_none();
                        true
                    })?;
                    ensure!(!torn, "a proc was shown a value that nobody stored: torn");
                    ensure!(stored, "update returned false, although the proc agrees");
                    Ok(())
                }
                _ => whole(&store, &key).map(|_| ()),
            }
        })
    })?;
    // What is left is whole too, and the scan agrees.
    let records = store.records()?;
    for n in 0..KEYS {
        let is_there = whole(&store, &key(n))?.is_some();
        ensure!(
            records.contains_key(&key(n)) == is_there,
            "for_each and get do not agree on {} after the storm",
            text(&key(n))
        );
    }
    store.shut()
}

pub fn pinned(context: &Context) -> Outcome {
    let store = context.open("pinned")?;
    for n in 0..KEYS {
        store.put(&key(n), &stamped(&key(n), 1))?;
    }
    together(8, |thread| {
        let mut number = 0;
        for_a_while(|| {
            number += 1;
            if thread % 2 == 0 {
                let key = key(number as usize % KEYS);
                if number % 3 == 0 {
                    store.remove(&key)?;
                }
                return store.put(&key, &stamped(&key, number));
            }
            let zone = Zone::new(&store);
            let mut held = Vec::new();
            for n in 0..KEYS {
                if let Some(value) = clean(store.get(&key(n), &zone), "get")? {
                    held.push((key(n), value.bytes(), value));
                }
            }
            std::thread::yield_now();
            for (key, before, value) in held {
                ensure!(
                    value.bytes() == before,
                    "the value of {} changed while its zone held it: {}, then {}",
                    text(&key),
                    text(&before),
                    text(&value.bytes())
                );
            }
            Ok(())
        })
    })?;
    store.shut()
}

pub fn old_or_new(context: &Context) -> Outcome {
    let store = context.open("ordered")?;
    let key = b"overwritten";
    store.put(key, &stamped(key, 1))?;
    let is_over = AtomicBool::new(false);
    together(5, |thread| {
        let mut last = 1;
        if thread == 0 {
            let written = for_a_while(|| {
                last += 1;
                store.put(key, &stamped(key, last))
            });
            is_over.store(true, Relaxed);
            return written;
        }
        while !is_over.load(Relaxed) {
            let Some(number) = whole(&store, key)? else {
                fail!("a key that is only overwritten was not found in between")
            };
            ensure!(
                number >= last,
                "a reader saw write {number} of a key after it had seen write {last}"
            );
            last = number;
        }
        Ok(())
    })?;
    store.shut()
}

pub fn instances(context: &Context) -> Outcome {
    let stores = [context.open("one")?, context.open("two")?];
    together(4, |thread| {
        let (store, side) = (&stores[thread % 2], thread % 2);
        let mut number = 0;
        for_a_while(|| {
            number += 1;
            let key = key(number as usize % KEYS);
            // Odd numbers are of the one, even ones of the other.
            store.put(&key, &stamped(&key, number * 2 + side as u64))?;
            match whole(store, &key)? {
                Some(found) if found % 2 == side as u64 => Ok(()),
                Some(_) => fail!("an instance shows what was stored in the other one"),
                None => fail!("a record is gone, and nobody deleted it in this instance"),
            }
        })
    })?;
    let [one, two] = stores;
    one.shut()?;
    two.shut()
}
