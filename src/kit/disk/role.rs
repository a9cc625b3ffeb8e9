//! The process: what it does while its disk fails.

use super::Failing;
use crate::{
    host::raw::{Answer, Cas, Zone},
    kit::{
        Outcome, Stop,
        context::Context,
        ensure, fail,
        store::{Store, text, why},
    },
};

/// What begins the line of a reason to skip the test.
pub const SKIPPED: &str = "skipped: ";

/// What begins the line of a change; the plugin may print lines of its own.
pub const CHANGE: &str = "change: ";

/// The database.
pub const DATABASE: &str = "failing";

/// Records that are there before.
pub const RECORDS: usize = 60;

/// A key and its value.
pub fn record(number: usize) -> (Vec<u8>, Vec<u8>) {
    let size = 100 + number * 97 % 5000;
    (format!("record {number}").into_bytes(), vec![b'a' + (number % 26) as u8; size])
}

/// What the change of this number does: a new record, another value, a delete.
pub fn change(number: usize) -> (Vec<u8>, Option<Vec<u8>>) {
    let (key, mut value) = record(if number.is_multiple_of(3) { RECORDS + number } else { number });
    value.reverse();
    value.extend_from_slice(b" changed");
    (key, (number % 3 != 2).then_some(value))
}

/// Plays the role.
pub fn play(context: &Context, arguments: &[String]) -> Outcome {
    let failing = Failing::ALL.iter().find(|(_, name)| [*name] == *arguments);
    let Some(&(failing, _)) = failing else { fail!("there is no such failure: {arguments:?}") };
    let done = run(context, failing);
    if let Err(Stop::Skipped(reason)) = &done {
        println!("{SKIPPED}{reason}");
    }
    done
}

fn run(context: &Context, failing: Failing) -> Outcome {
    let store = context.open(DATABASE)?;
    failing.begin()?;
    match failing {
        Failing::Writes => changes(context, &store)?,
        Failing::Syncs => {
            let acknowledged = changes(context, &store)?;
            let answer = store.sync();
            // What has failed need not be synced.
            ensure!(
                acknowledged == 0 || !answer.said,
                "sync returned true, although the disk fails and {acknowledged} changes were \
                 acknowledged"
            );
            ensure!(answer.said || answer.error.is_some(), "sync failed, and said nothing");
            acknowledged
        }
        Failing::Reads => reads(&store)?,
    };
    // As if it were killed: there is nothing more to be learnt from a close.
    std::mem::forget(store);
    Ok(())
}

/// Changes records, and prints of each whether it was acknowledged; how many
/// were.
fn changes(context: &Context, store: &Store) -> Outcome<usize> {
    let mut acknowledged = 0;
    for number in 0..RECORDS {
        let (key, value) = change(number);
        let before = store.read(&key)?;
        let done = match &value {
            Some(value) => told(context, store.set(&key, value), "set")?,
            None => {
                let mut cas = Cas::agree();
                told(context, store.del(&key, &mut cas), "del")?
            }
        };
        let there = store.read(&key)?;
        ensure!(
            there == if done { value } else { before },
            "a change of {} {}, and a get does not show that",
            text(&key),
            if done { "succeeded" } else { "failed" }
        );
        acknowledged += usize::from(done);
        println!("{CHANGE}{done}");
    }
    Ok(acknowledged)
}

/// Whether a change was made; one that was not must have said why.
fn told(context: &Context, answer: Answer<bool>, operation: &str) -> Outcome<bool> {
    ensure!(
        answer.said || answer.error.is_some() || !context.plugin.is_described(),
        "{operation} failed for want of the disk, and did not call set_error"
    );
    ensure!(
        answer.said || answer.error.is_none() || !why(&answer).trim().is_empty(),
        "{operation} failed for want of the disk, with an empty text"
    );
    Ok(answer.said)
}

/// Reads every record: the value, or an error, but no miss.
fn reads(store: &Store) -> Outcome<usize> {
    for number in 0..RECORDS {
        let (key, value) = record(number);
        let zone = Zone::new(store);
        let answer = store.get(&key, &zone);
        match answer.said {
            Some(found) => {
                ensure!(found.bytes() == value, "get of {} shows what was not stored", text(&key))
            }
            None => ensure!(
                answer.error.is_some(),
                "get of {} failed for want of the disk, and looks like a miss",
                text(&key)
            ),
        }
    }
    let mut shown = 0;
    let answer = store.for_each(&mut |_| {
        shown += 1;
        0
    });
    ensure!(
        shown == RECORDS || answer.error.is_some(),
        "for_each showed {shown} of {RECORDS} records for want of the disk, and reported nothing"
    );
    Ok(shown)
}
