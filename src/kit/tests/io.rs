//! A disk that fails: system calls that answer with EIO.

use crate::kit::{
    Need, Outcome, Test,
    context::Context,
    disk::{DATABASE, Failing, RECORDS, change, record, run},
    ensure,
    store::Records,
};

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "io_write_error",
        about: "a change that cannot be written fails and says so; what was acknowledged is there",
        needs: &[Need::Durable],
        run: writes,
    },
    Test {
        name: "io_sync_error",
        about: "a sync that cannot be done fails and says so",
        needs: &[Need::Durable, Need::Slot("sync")],
        run: syncs,
    },
    Test {
        name: "io_read_error",
        about: "a record that cannot be read is an error, not a miss",
        needs: &[Need::Durable, Need::Described],
        run: reads,
    },
];

/// Makes the database that the other process opens.
fn begin(context: &Context) -> Outcome<Records> {
    let store = context.open(DATABASE)?;
    let records: Records = (0..RECORDS).map(record).collect();
    for (key, value) in &records {
        store.put(key, value)?;
    }
    store.shut()?;
    Ok(records)
}

/// What was acknowledged must be there, and nothing else, once the disk is well.
fn changes(context: &Context, failing: Failing) -> Outcome {
    let mut records = begin(context)?;
    let lines = run(context, failing)?;
    ensure!(lines.len() == RECORDS, "the kit itself failed: {lines:?}");
    for (number, line) in lines.iter().enumerate() {
        match change(number) {
            _ if line != "true" => {}
            (key, Some(value)) => drop(records.insert(key, value)),
            (key, None) => drop(records.remove(&key)),
        }
    }
    let store = context.open(DATABASE)?;
    store.expect_all(&records).map_err(|stop| stop.told("opened again, when the disk is well"))?;
    store.shut()
}

fn writes(context: &Context) -> Outcome {
    changes(context, Failing::Writes)
}

fn syncs(context: &Context) -> Outcome {
    changes(context, Failing::Syncs)
}

fn reads(context: &Context) -> Outcome {
    let records = begin(context)?;
    run(context, Failing::Reads)?;
    let store = context.open(DATABASE)?;
    store.expect_all(&records)?;
    store.shut()
}
