//! Loading, and the life of an instance: create, open, close, free.

mod again;
mod refused;

use super::{test, with};
use crate::kit::{
    Need, Outcome, Test,
    context::Context,
    ensure, fail,
    store::{Records, Store, clean},
};
use again::{many_cycles, reopen_all, reopen_deletes, reopen_last_write, reopen_untouched};
use refused::{error_text, foreign_file, good_after_failed, missing_directory};
use std::{mem, thread};

pub(super) const TESTS: &[Test] = &[
    test("load_library", "the library loads, and its description and table are fit", loads),
    test("load_open", "create and open work in a new directory", opens),
    test(
        "life_create_free",
        "instances that were never opened are freed, in any order",
        create_free,
    ),
    test(
        "life_close_free",
        "close and free end well, on an empty database and on one with records",
        close_free,
    ),
    test("life_new_is_empty", "a new database has no records", new_is_empty),
    with("life_reopen_all", "what was stored is there after close and open", DURABLE, reopen_all),
    with(
        "life_reopen_last_write",
        "the last write before close is there after open",
        DURABLE,
        reopen_last_write,
    ),
    with(
        "life_reopen_deletes",
        "what was deleted stays deleted after close and open",
        DURABLE,
        reopen_deletes,
    ),
    with(
        "life_reopen_untouched",
        "opening and closing changes nothing, also when it is empty",
        DURABLE,
        reopen_untouched,
    ),
    test(
        "life_many_cycles",
        "thirty cycles from create to free, with a write in each",
        many_cycles,
    ),
    test(
        "life_two_instances",
        "two instances on two paths do not see each other's records",
        two_instances,
    ),
    test(
        "life_one_of_two_closed",
        "closing one of two instances leaves the other as it was",
        one_of_two_closed,
    ),
    test(
        "life_same_path_twice",
        "a second open of an open path is refused with a reason, or does no harm",
        same_path_twice,
    ),
    with(
        "life_missing_directory",
        "open in a directory that is not there fails with a reason, and free works",
        DURABLE,
        missing_directory,
    ),
    with(
        "life_good_after_failed",
        "an open that failed does not spoil the next one",
        DURABLE,
        good_after_failed,
    ),
    with(
        "life_error_text",
        "error has a text for an open that failed, and is never NULL",
        &[Need::Slot("error")],
        error_text,
    ),
    with(
        "life_foreign_file",
        "a file that is not the engine's is refused, and not written to",
        DURABLE,
        foreign_file,
    ),
    test(
        "life_other_threads",
        "create, open, close and free may come from different threads",
        other_threads,
    ),
];

const DURABLE: &[Need] = &[Need::Durable];

/// The library was loaded before the test began.
fn loads(_: &Context) -> Outcome {
    Ok(())
}

fn opens(context: &Context) -> Outcome {
    // Not closed: that is what other tests are about.
    mem::forget(context.open("db")?);
    Ok(())
}

fn create_free(context: &Context) -> Outcome {
    let mut instances = Vec::new();
    for n in 0..8 {
        match clean(context.plugin.create(), "create")? {
            Some(instance) => instances.push(instance),
            None => fail!("create returned NULL for instance {n}"),
        }
    }
    // The first ones first, the others from the end.
    for instance in instances.drain(..4).collect::<Vec<_>>() {
        clean(instance.free(), "free")?;
    }
    while let Some(instance) = instances.pop() {
        clean(instance.free(), "free")?;
    }
    Ok(())
}

fn close_free(context: &Context) -> Outcome {
    context.open("empty")?.shut()?;
    let store = context.open("full")?;
    fill(&store, "", 100)?;
    store.shut()
}

fn new_is_empty(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.expect(b"", None)?;
    store.expect(b"key", None)?;
    store.expect_all(&Records::new())?;
    store.shut()
}

/// Stores `n` records and returns them.
fn fill(store: &Store, prefix: &str, n: usize) -> Outcome<Records> {
    let mut records = Records::new();
    for i in 0..n {
        let (key, value) = (format!("{prefix}key {i}"), format!("{prefix}value {i}").repeat(i % 9));
        store.put(key.as_bytes(), value.as_bytes())?;
        records.insert(key.into(), value.into());
    }
    Ok(records)
}

fn two_instances(context: &Context) -> Outcome {
    let (one, two) = (context.open("one")?, context.open("two")?);
    let first = fill(&one, "first ", 50)?;
    let mut second = fill(&two, "second ", 60)?;
    one.put(b"both", b"1")?;
    two.put(b"both", b"2")?;
    one.remove(b"both")?;
    second.insert(b"both".to_vec(), b"2".to_vec());
    one.expect_all(&first)?;
    two.expect_all(&second)?;
    one.shut()?;
    two.shut()
}

fn one_of_two_closed(context: &Context) -> Outcome {
    let (one, two) = (context.open("one")?, context.open("two")?);
    fill(&one, "first ", 30)?;
    let second = fill(&two, "second ", 30)?;
    one.shut()?;
    two.expect_all(&second)?;
    let one = context.open("one")?;
    one.put(b"again", b"1")?;
    two.expect_all(&second)?;
    two.shut()?;
    one.expect(b"again", Some(b"1"))?;
    one.shut()
}

fn same_path_twice(context: &Context) -> Outcome {
    let path = context.path("db");
    let first = context.open_at(&path)?;
    let mut records = fill(&first, "", 30)?;
    match context.try_open(&context.location(&path))? {
        Err(reason) => {
            ensure!(!reason.is_empty(), "the second open was refused without a reason");
        }
        Ok(second) => second.shut()?,
    }
    first.put(b"after", b"it")?;
    records.insert(b"after".to_vec(), b"it".to_vec());
    first.expect_all(&records)?;
    first.shut()?;
    if context.is_durable() {
        let again = context.open_at(&path)?;
        again.expect_all(&records)?;
        again.shut()?;
    }
    Ok(())
}

fn other_threads(context: &Context) -> Outcome {
    let store = elsewhere(|| context.open("db"))?;
    let records = elsewhere(|| fill(&store, "", 20))?;
    elsewhere(|| store.expect_all(&records))?;
    elsewhere(|| store.shut())
}

/// Does something on a thread of its own.
fn elsewhere<T: Send>(work: impl FnOnce() -> Outcome<T> + Send) -> Outcome<T> {
    match thread::scope(|scope| scope.spawn(work).join()) {
        Ok(outcome) => outcome,
        Err(_) => fail!("the kit's thread panicked"),
    }
}
