//! What `get` hands out: it stays as it is until its zone is cleared, and ends
//! then, once.

mod given_back;

use super::test;
use crate::{
    host::raw::{Value, Zone},
    kit::{
        Outcome, Test,
        context::Context,
        ensure, fail,
        store::{Store, clean, text},
    },
};
use given_back::{finalized_once, not_leaked, refused, refused_not_leaked};
use std::thread;

pub(super) const TESTS: &[Test] = &[
    test("values_after_overwrite", "a value stays when its record is overwritten", overwritten),
    test("values_after_delete", "a value stays when its record is deleted", deleted),
    test("values_among_others", "a value stays while other values are read", among_others),
    test("values_in_traffic", "values stay while other records come and go", in_traffic),
    test("values_same_twice", "one record's value, twice in one zone", same_twice),
    test("values_many_in_zone", "a thousand values in one zone", many),
    test("values_zones_in_any_order", "zones end in any order", any_order),
    test("values_other_thread", "a zone may be cleared on another thread", other_thread),
    test("values_finalized_once", "a cleared zone gives each value back once", finalized_once),
    test("values_not_leaked", "what was read is given back when its zone is cleared", not_leaked),
    test("values_refused_finalizer", "get fails where the zone takes no finalizer", refused),
    test("values_refused_not_leaked", "and gives the memory back at once", refused_not_leaked),
];

/// The sizes of most tests: some that engines treat apart.
const SIZES: [usize; 8] = [0, 1, 15, 24, 100, 1000, 5000, 200_000];

/// A value for a number.
fn value(n: usize) -> Vec<u8> {
    let len = SIZES[n % SIZES.len()];
    (0..len).map(|i| (n * 31 + i * 7) as u8).collect()
}

/// `get`, which must find what `value` says.
fn hold<'z>(store: &Store, zone: &'z Zone<'_>, n: usize) -> Outcome<Held<'z>> {
    let key = n.to_le_bytes();
    let Some(found) = clean(store.get(&key, zone), "get")? else {
        fail!("get of {} found nothing", text(&key));
    };
    let held = Held { found, wanted: value(n) };
    held.check("get")?;
    Ok(held)
}

fn store_value(store: &Store, n: usize) -> Outcome {
    store.put(&n.to_le_bytes(), &value(n))
}

/// A value, and what it must be.
struct Held<'z> {
    found: Value<'z>,
    wanted: Vec<u8>,
}

impl Held<'_> {
    /// It is what it was.
    fn check(&self, after: &str) -> Outcome {
        ensure!(
            self.found.len() == self.wanted.len(),
            "after {after} a value of {} bytes has length {}",
            self.wanted.len(),
            self.found.len()
        );
        let now = self.found.bytes();
        ensure!(
            now == self.wanted,
            "after {after}, and before its zone was cleared, the value {} was {}",
            text(&self.wanted),
            text(&now)
        );
        Ok(())
    }
}

fn overwritten(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in 0..SIZES.len() {
        store_value(&store, n)?;
        let zone = Zone::new(&store);
        let held = hold(&store, &zone, n)?;
        for (times, len) in [0, 1, held.wanted.len(), 3000].into_iter().enumerate() {
            store.put(&n.to_le_bytes(), &vec![0xee; len])?;
            held.check(&format!("{} overwrites of the record", times + 1))?;
        }
    }
    store.shut()
}

fn deleted(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in 0..SIZES.len() {
        store_value(&store, n)?;
        let zone = Zone::new(&store);
        let held = hold(&store, &zone, n)?;
        ensure!(store.remove(&n.to_le_bytes())?, "del did not find a record");
        held.check("its record was deleted")?;
        // What takes the place of what was freed.
        for more in 0..20_usize {
            store.put(&(1000 + more).to_le_bytes(), &vec![0xee; held.wanted.len()])?;
        }
        held.check("its record was deleted, and others were written")?;
    }
    store.shut()
}

fn among_others(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in 0..40 {
        store_value(&store, n)?;
    }
    for n in 1..40 {
        let (zone, others) = (Zone::new(&store), Zone::new(&store));
        let held = hold(&store, &zone, n)?;
        hold(&store, &zone, n - 1)?;
        held.check("another get into the same zone")?;
        hold(&store, &others, (n + 7) % 40)?;
        drop(others);
        held.check("another get, whose zone was cleared")?;
    }
    store.shut()
}

fn in_traffic(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut random = context.random();
    for n in 0..32 {
        store_value(&store, n)?;
    }
    let zone = Zone::new(&store);
    let held = (0..32).map(|n| hold(&store, &zone, n)).collect::<Outcome<Vec<_>>>()?;
    for _ in 0..600 {
        let key = random.below(64).to_le_bytes();
        if random.one_in(3) {
            store.remove(&key)?;
        } else {
            let len = random.below(3000);
            store.put(&key, &vec![0xee; len])?;
        }
    }
    held.iter().try_for_each(|held| held.check("600 writes and deletes"))?;
    drop(held);
    drop(zone);
    store.shut()
}

fn same_twice(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in 0..SIZES.len() {
        store_value(&store, n)?;
        let zone = Zone::new(&store);
        let (one, two) = (hold(&store, &zone, n)?, hold(&store, &zone, n)?);
        store.put(&n.to_le_bytes(), b"overwritten")?;
        one.check("the record was overwritten")?;
        two.check("the record was overwritten")?;
    }
    store.shut()
}

fn many(context: &Context) -> Outcome {
    let store = context.open("db")?;
    // Without the largest: this is about the number.
    let numbers: Vec<_> = (0..1000).filter(|n| n % SIZES.len() != 7).collect();
    for &n in &numbers {
        store_value(&store, n)?;
    }
    let mut zone = Zone::new(&store);
    for _ in 0..3 {
        let held = numbers.iter().map(|&n| hold(&store, &zone, n)).collect::<Outcome<Vec<_>>>()?;
        held.iter().try_for_each(|held| held.check("a thousand gets into one zone"))?;
        drop(held);
        // A zone that was cleared is used again.
        zone.clear();
        ensure!(zone.finalizers() == 0, "a cleared zone has finalizers");
    }
    drop(zone);
    store.shut()
}

fn any_order(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in 0..24 {
        store_value(&store, n)?;
    }
    for order in 0..3 {
        let zones: Vec<_> = (0..24).map(|_| Zone::new(&store)).collect();
        let held = zones.iter().enumerate().map(|(n, zone)| hold(&store, zone, n));
        let held = held.collect::<Outcome<Vec<_>>>()?;
        held.iter().try_for_each(|held| held.check("more gets, each with a zone"))?;
        drop(held);
        let mut zones: Vec<_> = zones.into_iter().map(Some).collect();
        for n in 0..24 {
            let next = [n, 23 - n, n * 7 % 24][order];
            drop(zones[next].take());
        }
    }
    for n in 0..24_usize {
        store.expect(&n.to_le_bytes(), Some(&value(n)))?;
    }
    store.shut()
}

fn other_thread(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in 0..SIZES.len() {
        store_value(&store, n)?;
    }
    for n in 0..64 {
        let zone = Zone::new(&store);
        hold(&store, &zone, n % SIZES.len())?;
        let cleared = thread::scope(|scope| scope.spawn(move || drop(zone)).join());
        ensure!(cleared.is_ok(), "the kit's thread panicked");
    }
    store.shut()
}
