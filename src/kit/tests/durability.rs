//! What is stored is there after close, and after a kill.

use crate::kit::{
    Need, Outcome, Test,
    context::Context,
    crash::{self, Through},
    ensure,
    store::{Records, text},
};

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "durability_reopen",
        about: "records of many sizes are there after close and open",
        needs: &[Need::Durable],
        run: reopen,
    },
    Test {
        name: "durability_reopen_often",
        about: "opening and closing without a write changes nothing",
        needs: &[Need::Durable],
        run: reopen_often,
    },
    Test {
        name: "durability_last_write",
        about: "the last set, update or del before close is not lost",
        needs: &[Need::Durable],
        run: last_write,
    },
    Test {
        name: "durability_deleted",
        about: "what was deleted does not come back by opening",
        needs: &[Need::Durable],
        run: deleted,
    },
    Test {
        name: "durability_scan_deleted",
        about: "what was deleted in a scan does not come back by opening",
        needs: &[Need::Durable, Need::Slot("iterator_del")],
        run: scan_deleted,
    },
    Test {
        name: "durability_empty",
        about: "a database that was never written, or emptied, opens empty",
        needs: &[Need::Durable],
        run: empty,
    },
    Test {
        name: "durability_kill",
        about: "kill -9 while set, update and del run: what was acknowledged is there",
        needs: &[Need::Durable],
        run: |context| crash::rounds(context, Through::Calls, 1),
    },
    Test {
        name: "durability_kill_threads",
        about: "kill -9 while 4 threads write: what was acknowledged is there",
        needs: &[Need::Durable],
        run: |context| crash::rounds(context, Through::Calls, 4),
    },
    Test {
        name: "durability_kill_batch",
        about: "kill -9 while batches run: each is there whole, or not at all",
        needs: &[Need::Durable, Need::Slot("batch")],
        run: |context| crash::rounds(context, Through::Batch, 2),
    },
    Test {
        name: "durability_kill_sync",
        about: "kill -9 while values are set and synced: what was acknowledged is there",
        needs: &[Need::Durable, Need::Slot("sync")],
        run: |context| crash::rounds(context, Through::Sync, 2),
    },
    Test {
        name: "durability_second_process",
        about: "a second process that opens the database is refused, or does no harm",
        needs: &[Need::Durable],
        run: second_process,
    },
];

/// Sizes around those at which engines do something else.
const SIZES: [usize; 14] =
    [0, 1, 7, 8, 100, 255, 256, 1000, 4095, 4096, 4097, 65_535, 65_536, 300_000];

/// Writes many records, some of them again, some of them gone; what is there.
fn fill(context: &Context, name: &str) -> Outcome<Records> {
    let store = context.open(name)?;
    let mut random = context.random();
    let mut records = Records::new();
    for n in 0..400 {
        let key = format!("record {}", random.below(200)).into_bytes();
        if n % 5 == 4 {
            store.remove(&key)?;
            records.remove(&key);
            continue;
        }
        let value = random.bytes(SIZES[n % SIZES.len()]);
        store.put(&key, &value)?;
        records.insert(key, value);
    }
    store.shut()?;
    Ok(records)
}

fn reopen(context: &Context) -> Outcome {
    let records = fill(context, "many")?;
    let store = context.open("many")?;
    store.expect_all(&records)?;
    store.shut()
}

fn reopen_often(context: &Context) -> Outcome {
    let records = fill(context, "often")?;
    for _ in 0..10 {
        context.open("often")?.shut()?;
    }
    let store = context.open("often")?;
    store.expect_all(&records)?;
    store.shut()
}

fn last_write(context: &Context) -> Outcome {
    let mut wanted: Option<Vec<u8>> = None;
    for turn in 0..24 {
        let store = context.open("last")?;
        store
            .expect(b"last", wanted.as_deref())
            .map_err(|stop| stop.told(&format!("after close and open, {turn} writes in")))?;
        let value = format!("write {turn}").into_bytes();
        match turn % 3 {
            0 => store.put(b"last", &value)?,
            1 => ensure!(store.replace(b"last", &value, |_| true)?, "update failed"),
            _ => ensure!(store.remove(b"last")?, "del of a record returned false"),
        }
        wanted = (turn % 3 != 2).then_some(value);
        store.shut()?;
    }
    Ok(())
}

fn deleted(context: &Context) -> Outcome {
    let store = context.open("deleted")?;
    let key = |n: usize| format!("record {n}").into_bytes();
    for n in 0..100 {
        store.put(&key(n), b"first")?;
        store.put(&key(n), b"second")?;
    }
    for n in 0..90 {
        ensure!(store.remove(&key(n))?, "del of {} returned false", text(&key(n)));
    }
    store.shut()?;
    let left: Records = (90..100).map(|n| (key(n), b"second".to_vec())).collect();
    // Twice: a cleaning that the first open does is seen by the second.
    for _ in 0..2 {
        let store = context.open("deleted")?;
        for n in 0..90 {
            store.expect(&key(n), None)?;
        }
        store.expect_all(&left)?;
        store.shut()?;
    }
    Ok(())
}

fn scan_deleted(context: &Context) -> Outcome {
    let store = context.open("scanned")?;
    for n in 0..50 {
        store.put(format!("record {n}").as_bytes(), b"value")?;
    }
    store.for_each(&mut |current| {
        current.del(&mut crate::host::raw::Cas::agree());
        0
    });
    store.expect_all(&Records::new())?;
    store.shut()?;
    let store = context.open("scanned")?;
    store.expect_all(&Records::new())?;
    store.shut()
}

fn empty(context: &Context) -> Outcome {
    context.open("empty")?.shut()?;
    let store = context.open("empty")?;
    store.expect_all(&Records::new())?;
    store.put(b"only", b"one")?;
    ensure!(store.remove(b"only")?, "del of a record returned false");
    store.shut()?;
    let store = context.open("empty")?;
    store.expect_all(&Records::new())?;
    store.shut()
}

fn second_process(context: &Context) -> Outcome {
    let store = context.open(crash::DATABASE)?;
    let mut wanted = Records::new();
    for n in 0..100 {
        let (key, value) = (format!("record {n}").into_bytes(), b"first".to_vec());
        store.put(&key, &value)?;
        wanted.insert(key, value);
    }
    crash::second(context)?;
    for n in 0..100 {
        let (key, value) = (format!("record {n}").into_bytes(), b"after the second".to_vec());
        store.put(&key, &value)?;
        wanted.insert(key, value);
    }
    store.expect_all(&wanted)?;
    store.shut()?;
    let store = context.open(crash::DATABASE)?;
    store.expect_all(&wanted)?;
    store.shut()
}
