//! The optional operations.

mod batch;
mod many;
mod repair;
mod seek;
mod upkeep;

use crate::kit::{Need, Test};
use kumo_plugin::abi::KUMO_CAP_ORDERED;

const SEEK: &[Need] = &[Need::Slot("seek"), Need::Cap(KUMO_CAP_ORDERED, "ordered")];
const GETV: &[Need] = &[Need::Slot("getv")];
const BATCH: &[Need] = &[Need::Slot("batch")];
const REPAIR: &[Need] = &[Need::Slot("repair"), Need::Durable];
const UPDATEV: &[Need] = &[Need::Slot("updatev")];

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "tail_sync",
        about: "sync succeeds, also twice and with nothing to do, and changes nothing",
        needs: &[Need::Slot("sync")],
        run: upkeep::sync,
    },
    Test {
        name: "tail_stats",
        about: "stats have names of letters, digits and _, each once, and values on a line",
        needs: &[Need::Slot("stats")],
        run: upkeep::stats,
    },
    Test {
        name: "tail_verify",
        about: "verify finds no fault in a healthy database, and counts what it reports",
        needs: &[Need::Slot("verify")],
        run: upkeep::verify,
    },
    Test {
        name: "tail_compact",
        about: "compact changes no record, and none that was read before",
        needs: &[Need::Slot("compact")],
        run: upkeep::compact,
    },
    Test {
        name: "tail_compact_beside",
        about: "reads and writes go on while compact runs, and lose nothing",
        needs: &[Need::Slot("compact")],
        run: upkeep::compact_beside,
    },
    Test {
        name: "tail_repair",
        about: "a repair of a healthy database has all of its records, and leaves it as it is",
        needs: REPAIR,
        run: repair::whole,
    },
    Test {
        name: "tail_repair_refused",
        about: "repair replaces nothing, and makes nothing of nothing",
        needs: REPAIR,
        run: repair::refused,
    },
    Test {
        name: "tail_seek",
        about: "seek shows what is not below the key, in order",
        needs: SEEK,
        run: seek::from_everywhere,
    },
    Test {
        name: "tail_seek_stop",
        about: "seek stops where it is told to, and returns what it was told",
        needs: SEEK,
        run: seek::stop,
    },
    Test {
        name: "tail_getv",
        about: "getv finds what get finds, in the order of the keys, misses among them",
        needs: GETV,
        run: many::getv,
    },
    Test {
        name: "tail_getv_edges",
        about: "getv of no key, of one key twice, of empty keys and values",
        needs: GETV,
        run: many::getv_edges,
    },
    Test {
        name: "tail_getv_pinned",
        about: "values of getv live as long as their zone",
        needs: GETV,
        run: many::getv_pinned,
    },
    Test {
        name: "tail_updatev",
        about: "updatev stores all, and returns how many",
        needs: UPDATEV,
        run: many::updatev,
    },
    Test {
        name: "tail_updatev_twice",
        about: "of a key that comes twice in updatev, the later value stays",
        needs: UPDATEV,
        run: many::updatev_twice,
    },
    Test {
        name: "tail_batch",
        about: "batch carries out puts and deletes",
        needs: BATCH,
        run: batch::puts_and_deletes,
    },
    Test {
        name: "tail_batch_order",
        about: "of the changes of one key in a batch, the last one holds",
        needs: BATCH,
        run: batch::order,
    },
    Test {
        name: "tail_batch_edges",
        about: "an empty batch, and deletes of what is absent, are no failure",
        needs: BATCH,
        run: batch::edges,
    },
    Test {
        name: "tail_batch_atomic",
        about: "who has seen one change of a batch sees them all",
        needs: BATCH,
        run: batch::atomic,
    },
];
