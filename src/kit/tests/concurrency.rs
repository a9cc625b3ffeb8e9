//! Many threads at once. A plugin that is not parallel is called as its thread
//! model wants, and must keep the same promises.

mod counters;
mod exclusion;
mod histories;
mod scans;
mod values;

use crate::kit::{
    Outcome, Test,
    together::{number_in, stamped, together},
};
use std::time::{Duration, Instant};

/// How long the threads of a test go on.
const WHILE: Duration = Duration::from_millis(400);

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "concurrency_values_2",
        about: "2 threads set, get and delete: no value is torn or another key's",
        needs: &[],
        run: |context| values::storm(context, 2),
    },
    Test {
        name: "concurrency_values_8",
        about: "8 threads set, get and delete: no value is torn or another key's",
        needs: &[],
        run: |context| values::storm(context, 8),
    },
    Test {
        name: "concurrency_values_64",
        about: "64 threads set, get and delete: no value is torn or another key's",
        needs: &[],
        run: |context| values::storm(context, 64),
    },
    Test {
        name: "concurrency_values_pinned",
        about: "a value that was read stays the same while others overwrite and delete it",
        needs: &[],
        run: values::pinned,
    },
    Test {
        name: "concurrency_old_or_new",
        about: "readers of a key that is overwritten see values in the order of the writes",
        needs: &[],
        run: values::old_or_new,
    },
    Test {
        name: "concurrency_instances",
        about: "two instances on two paths, used at once, keep apart",
        needs: &[],
        run: values::instances,
    },
    Test {
        name: "concurrency_counter_2",
        about: "2 threads count with update: no count is lost",
        needs: &[],
        run: |context| counters::count(context, 2),
    },
    Test {
        name: "concurrency_counter_64",
        about: "64 threads count with update: no count is lost",
        needs: &[],
        run: |context| counters::count(context, 64),
    },
    Test {
        name: "concurrency_add_once",
        about: "of many threads that add a key with update, one adds it",
        needs: &[],
        run: counters::add_once,
    },
    Test {
        name: "concurrency_del_once",
        about: "of many threads that delete a record, one deletes it",
        needs: &[],
        run: counters::del_once,
    },
    Test {
        name: "concurrency_rnum",
        about: "after many threads wrote, rnum and for_each agree with get",
        needs: &[],
        run: counters::counted,
    },
    Test {
        name: "concurrency_exclusion",
        about: "two procs of one key are never inside at once",
        needs: &[],
        run: exclusion::procs,
    },
    Test {
        name: "concurrency_exclusion_set",
        about: "no set happens between a proc and its write",
        needs: &[],
        run: exclusion::set_waits,
    },
    Test {
        name: "concurrency_linearizable_2",
        about: "histories of 2 threads on one key are linearizable",
        needs: &[],
        run: |context| histories::check(context, 2, 30),
    },
    Test {
        name: "concurrency_linearizable_8",
        about: "histories of 8 threads on one key are linearizable",
        needs: &[],
        run: |context| histories::check(context, 8, 9),
    },
    Test {
        name: "concurrency_scan",
        about: "scans end while others write, and show what stays exactly once",
        needs: &[],
        run: scans::beside_writes,
    },
];

/// Calls until the time is over.
fn for_a_while(mut work: impl FnMut() -> Outcome) -> Outcome {
    let end = Instant::now() + WHILE;
    while Instant::now() < end {
        work()?;
    }
    Ok(())
}
