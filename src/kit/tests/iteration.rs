//! Scans: what they show, how they stop, and what may be done in them.

mod inside;

use super::{test, with};
use crate::{
    host::raw::Current,
    kit::{
        Need, Outcome, Test,
        context::Context,
        ensure, fail,
        store::{Records, Store, clean, same, text},
    },
};
use inside::{
    del_again, del_all, del_shown, force_again, force_shown, nested, readable, release_del,
    release_key, release_val, scan_in_scan,
};
use kumo_plugin::abi::KUMO_CAP_REENTRANT_SCAN;
use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

pub(super) const TESTS: &[Test] = &[
    test("iteration_empty", "for_each of an empty database shows nothing", empty),
    test("iteration_each_once", "for_each shows each record once", each_once),
    test("iteration_edges", "empty, binary and large records are shown whole", edges),
    test("iteration_after_changes", "what was overwritten or deleted is not shown", changes),
    test("iteration_goes_on", "0 and positive values do not stop a scan", goes_on),
    test("iteration_stops", "a negative value stops a scan at once", stops),
    test("iteration_stop_value", "a negative value is returned unchanged", stop_value),
    test("iteration_after_stop", "a stopped scan leaves nothing locked", after_stop),
    with("iteration_del_shown", "iterator_del deletes the record that is shown", DEL, del_shown),
    with("iteration_del_all", "iterator_del of every record empties the database", DEL, del_all),
    with("iteration_del_readable", "a record is readable after iterator_del", DEL, readable),
    with("iteration_del_again", "iterator_del of what is gone: false", DEL, del_again),
    with("iteration_force_shown", "iterator_del_force deletes what is shown", FORCE, force_shown),
    with("iteration_force_again", "iterator_del_force of what is gone: false", FORCE, force_again),
    with("iteration_release_key", "a released key outlives its record", KEY, release_key),
    with("iteration_release_val", "a released value outlives its record", VAL, release_val),
    with("iteration_release_del", "released, and then deleted in the callback", ALL, release_del),
    with("iteration_nested", "any operation may be called in a scan", NESTED, nested),
    with("iteration_scan_in_scan", "a scan within a scan shows all", NESTED, scan_in_scan),
    with("iteration_two_at_once", "two scans at once, each whole", NESTED, two_at_once),
    test("iteration_with_writers", "what is there throughout is shown once", with_writers),
];

const DEL: &[Need] = &[Need::Slot("iterator_del")];
const FORCE: &[Need] = &[Need::Slot("iterator_del_force")];
const KEY: &[Need] = &[Need::Slot("iterator_release_key")];
const VAL: &[Need] = &[Need::Slot("iterator_release_val")];
const ALL: &[Need] = &[
    Need::Slot("iterator_release_key"),
    Need::Slot("iterator_release_val"),
    Need::Slot("iterator_del_force"),
];
const NESTED: &[Need] = &[Need::Cap(KUMO_CAP_REENTRANT_SCAN, "reentrant scans")];

/// Stores so many records and returns them.
fn fill(store: &Store, n: usize) -> Outcome<Records> {
    let mut records = Records::new();
    for i in 0..n {
        let (key, value) = (format!("key {i}"), format!("value {i} ").repeat(i % 40 + 1));
        store.put(key.as_bytes(), value.as_bytes())?;
        records.insert(key.into(), value.into());
    }
    Ok(records)
}

/// The record that is shown.
fn shown(current: &Current<'_>) -> Outcome<(Vec<u8>, Vec<u8>)> {
    match (current.key(), current.val()) {
        (Some(key), Some(value)) => Ok((key, value)),
        (None, _) => fail!("iterator_key returned NULL"),
        (_, None) => fail!("iterator_val returned NULL"),
    }
}

fn empty(context: &Context) -> Outcome {
    let store = context.open("db")?;
    same(&store.records()?, &Records::new(), "for_each of a new database shows")?;
    store.put(b"key", b"value")?;
    ensure!(store.remove(b"key")?, "del did not find a record");
    same(&store.records()?, &Records::new(), "for_each of an emptied database shows")?;
    store.shut()
}

fn each_once(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in [1, 2, 3, 100, 2000] {
        let records = fill(&store, n)?;
        same(&store.records()?, &records, "for_each shows")?;
        // And the same again.
        same(&store.records()?, &records, "a second for_each shows")?;
    }
    store.shut()
}

fn edges(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let binary: Vec<u8> = (0..=255).collect();
    let records = [
        (&b""[..], &b""[..]),
        (b"\0", b"\0\0"),
        (b"no value", b""),
        (&binary[6..], &binary),
        (b"large", &[9; 3 << 20]),
    ];
    for (key, value) in records {
        store.put(key, value)?;
    }
    let records = Records::from(records.map(|(key, value)| (key.to_vec(), value.to_vec())));
    same(&store.records()?, &records, "for_each shows")?;
    store.each(|current| {
        let ((key, value), lens) = (shown(current)?, (current.keylen(), current.vallen()));
        ensure!(
            lens == (key.len(), value.len()),
            "the lengths of {} became {lens:?} when they were asked again",
            text(&key)
        );
        Ok(())
    })?;
    store.shut()
}

fn changes(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut records = fill(&store, 300)?;
    for n in 0..300 {
        let key = format!("key {n}").into_bytes();
        match n % 3 {
            0 => {
                ensure!(store.remove(&key)?, "del did not find {}", text(&key));
                records.remove(&key);
            }
            1 => {
                let value = vec![b'#'; n * 3];
                store.put(&key, &value)?;
                records.insert(key, value);
            }
            _ => {}
        }
    }
    same(&store.records()?, &records, "for_each shows")?;
    store.shut()
}

fn goes_on(context: &Context) -> Outcome {
    let store = context.open("db")?;
    fill(&store, 50)?;
    for value in [0, 1, 2, 255, i32::MAX] {
        let mut count = 0;
        let answer = store.for_each(&mut |_| {
            count += 1;
            value
        });
        let said = clean(answer, "for_each")?;
        ensure!(count == 50, "for_each showed {count} of 50 records to one who returns {value}");
        ensure!(said >= 0, "for_each returned {said}, where nothing failed or stopped it");
    }
    store.shut()
}

/// Stops a scan of 50 records at the n-th, with a value: how many were shown,
/// and what it returned.
fn stop_at(store: &Store, n: usize, value: i32) -> Outcome<(usize, i32)> {
    let mut count = 0;
    let answer = store.for_each(&mut |_| {
        count += 1;
        if count >= n { value } else { 0 }
    });
    Ok((count, clean(answer, "for_each that the callback stopped")?))
}

fn stops(context: &Context) -> Outcome {
    let store = context.open("db")?;
    fill(&store, 50)?;
    for n in [1, 2, 49, 50] {
        let (count, said) = stop_at(&store, n, -1)?;
        ensure!(count == n, "for_each was stopped at record {n}, and showed {count}");
        ensure!(said < 0, "for_each was stopped by -1, and returned {said}");
    }
    store.shut()
}

fn stop_value(context: &Context) -> Outcome {
    let store = context.open("db")?;
    fill(&store, 50)?;
    for value in [-1, -2, -5, -128, -1000, i32::MIN] {
        for n in [1, 20, 50] {
            let (_, said) = stop_at(&store, n, value)?;
            ensure!(said == value, "for_each was stopped by {value}, and returned {said}");
        }
    }
    store.shut()
}

fn after_stop(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut records = fill(&store, 50)?;
    for n in 1..20 {
        stop_at(&store, n, -7)?;
        let key = format!("after {n}").into_bytes();
        store.put(&key, b"value")?;
        records.insert(key, b"value".to_vec());
        store.remove(b"key 0")?;
        records.remove(&b"key 0"[..]);
    }
    store.expect_all(&records)?;
    store.shut()
}

fn two_at_once(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let records = fill(&store, 500)?;
    thread::scope(|scope| {
        let scan =
            || (0..5).try_for_each(|_| same(&store.records()?, &records, "one of two scans shows"));
        let other = scope.spawn(scan);
        scan()?;
        joined(other)
    })?;
    store.shut()
}

fn joined(thread: thread::ScopedJoinHandle<'_, Outcome>) -> Outcome {
    match thread.join() {
        Ok(outcome) => outcome,
        Err(_) => fail!("the kit's thread panicked"),
    }
}

fn with_writers(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let records = fill(&store, 300)?;
    let (is_over, mut seeds) = (AtomicBool::new(false), context.random());
    thread::scope(|scope| {
        let writers: Vec<_> = (0..2_u8)
            .map(|writer| {
                let (store, is_over) = (&store, &is_over);
                let mut random = seeds.fork();
                scope.spawn(move || {
                    while !is_over.load(Relaxed) {
                        // Values that show whether they are whole.
                        let key = [b'w', writer, random.below(50) as u8];
                        match random.below(3) {
                            0 => drop(store.remove(&key)?),
                            _ => store.put(&key, &vec![key[2]; random.below(500)])?,
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        let scans = (0..20).try_for_each(|_| scan_with_writers(&store, &records));
        is_over.store(true, Relaxed);
        writers.into_iter().try_for_each(joined)?;
        scans
    })?;
    store.shut()
}

fn scan_with_writers(store: &Store, records: &Records) -> Outcome {
    let mut stable = Records::new();
    store.each(|current| {
        let (key, value) = shown(current)?;
        if let [b'w', _, byte] = key[..] {
            let is_whole = value.iter().all(|b| *b == byte);
            ensure!(is_whole, "a scan shows {} = {}: torn", text(&key), text(&value));
            return Ok(());
        }
        let again = text(&key);
        ensure!(stable.insert(key, value).is_none(), "a scan with writers shows {again} twice");
        Ok(())
    })?;
    same(&stable, records, "of what is there throughout, a scan with writers shows")
}
