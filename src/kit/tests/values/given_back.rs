//! Values end when their zone is cleared, once, and with their memory.

use super::{Held, SIZES, hold, store_value, value};
use crate::{
    host::raw::{Zone, heap_in_use},
    kit::{Outcome, Stop, context::Context, ensure, store::Store},
};

pub fn finalized_once(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in 0..SIZES.len() {
        store_value(&store, n)?;
    }
    // What is given back twice makes the allocator end the process, or takes a
    // value away from the next one who holds it.
    for _ in 0..50 {
        let mut zone = Zone::new(&store);
        for n in 0..SIZES.len() {
            hold(&store, &zone, n)?;
        }
        zone.clear();
        let again = (0..SIZES.len()).map(|n| hold(&store, &zone, n));
        let again = again.collect::<Outcome<Vec<_>>>()?;
        again.iter().try_for_each(|held| held.check("a zone was cleared and used again"))?;
    }
    store.shut()
}

/// Fails if `work`, many times, leaves more memory in use than a part of what it
/// read.
fn no_growth(what: &str, mut work: impl FnMut() -> Outcome<usize>) -> Outcome {
    const TIMES: usize = 300;
    // Caches fill first.
    for _ in 0..20 {
        work()?;
    }
    let Some(before) = heap_in_use() else {
        return Err(Stop::Skipped("libc does not count its memory here".to_owned()));
    };
    let mut read = 0;
    for _ in 0..TIMES {
        read += work()?;
    }
    let growth = heap_in_use().unwrap_or(before).saturating_sub(before);
    ensure!(
        growth < read as u64 / 4,
        "{what} {TIMES} times, {read} bytes in all, left {growth} bytes allocated"
    );
    Ok(())
}

pub fn not_leaked(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in [4, 5, 6] {
        store_value(&store, n)?;
    }
    for n in [4, 5, 6] {
        no_growth("get and clear", || {
            let zone = Zone::new(&store);
            Ok(hold(&store, &zone, n)?.wanted.len())
        })?;
    }
    store.shut()
}

/// `get` with a zone that takes no finalizer: it fails, or needs none.
fn get_refused(context: &Context, store: &Store, n: usize) -> Outcome {
    let mut zone = Zone::refusing(store);
    let answer = store.get(&n.to_le_bytes(), &zone);
    match answer.said {
        Some(found) => {
            let held = Held { found, wanted: value(n) };
            held.check("a get whose finalizer the zone refused")?;
            store.put(&n.to_le_bytes(), b"overwritten")?;
            held.check("a get whose finalizer the zone refused, and an overwrite")?;
            store_value(store, n)?;
        }
        None => ensure!(
            answer.error.is_some() || !context.plugin.is_described(),
            "get returned NULL for a record that is there, without set_error"
        ),
    }
    zone.clear();
    Ok(())
}

pub fn refused(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in 0..SIZES.len() {
        store_value(&store, n)?;
        get_refused(context, &store, n)?;
        store.expect(&n.to_le_bytes(), Some(&value(n)))?;
    }
    store.shut()
}

pub fn refused_not_leaked(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store_value(&store, 6)?;
    no_growth("get with a zone that takes no finalizer", || {
        get_refused(context, &store, 6)?;
        Ok(SIZES[6])
    })?;
    store.shut()
}
