//! The tests that take any engine of memcached's engine interface
//! (`include/memcached/engine.h`). Same runner, another contract.
//!
//! - `context`: what a test is given
//! - `client`: a client, with calls that fail the test when they are answered
//!   wrongly
//! - `killed`: the process that a test kills
//! - the other files: the tests, in groups

mod arithmetic;
mod blocking;
mod cas;
mod client;
mod connections;
mod context;
mod counts;
mod durable;
mod expiry;
mod flush;
mod histories;
mod item;
mod keys;
mod killed;
mod life;
mod resources;
mod stats;
mod store;
mod threads;
mod touch;

pub(super) use killed::{ROLE, write};

use super::{Outcome, Stop, place::Place};
use context::{Context, Engine};
use std::mem;

/// A test of engines.
pub(super) struct Test {
    pub name: &'static str,
    pub about: &'static str,
    /// What an engine must have, or it is skipped.
    needs: &'static [Need],
    run: Run,
}

/// What a test asks of an engine that not every engine has.
#[derive(Clone, Copy)]
enum Need {
    /// Items have a CAS unique.
    Cas,
    /// What is stored outlives the process: `ENGINE_FEATURE_PERSISTENT_STORAGE`.
    Durable,
    /// Expiries are heeded.
    Times,
    /// A function that may be NULL.
    Slot(&'static str),
}

/// How a test is run.
#[derive(Clone, Copy)]
enum Run {
    /// It starts and destroys engines by itself.
    Alone(fn(&Context) -> Outcome),
    /// It is given one, which is destroyed when it is done.
    Served(fn(&Context, &Engine) -> Outcome),
}

/// A test that is given an engine.
const fn served(
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    run: fn(&Context, &Engine) -> Outcome,
) -> Test {
    Test { name, about, needs, run: Run::Served(run) }
}

/// A test that starts its engines by itself.
const fn alone(
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    run: fn(&Context) -> Outcome,
) -> Test {
    Test { name, about, needs, run: Run::Alone(run) }
}

/// Every test, in the order in which they run.
pub(super) fn all() -> impl Iterator<Item = &'static Test> {
    [
        life::TESTS,
        item::TESTS,
        store::TESTS,
        keys::TESTS,
        cas::TESTS,
        arithmetic::TESTS,
        touch::TESTS,
        expiry::TESTS,
        flush::TESTS,
        stats::TESTS,
        blocking::TESTS,
        connections::TESTS,
        threads::TESTS,
        durable::TESTS,
        resources::TESTS,
    ]
    .into_iter()
    .flatten()
}

/// Runs the test that the place is for. None: there is none of this name.
pub(super) fn run(place: Place) -> Option<Outcome> {
    let test = all().find(|test| test.name == place.test)?;
    Some(Context::new(place).and_then(|context| one(&context, test)))
}

fn one(context: &Context, test: &Test) -> Outcome {
    match test.run {
        Run::Alone(run) => {
            if !test.needs.is_empty() {
                let engine = context.start()?;
                engine.meets(test.needs)?;
                engine.destroy()?;
            }
            run(context)
        }
        Run::Served(run) => {
            let engine = context.start()?;
            engine.meets(test.needs)?;
            match run(context, &engine) {
                // Broken as it is, it is left alone.
                Err(failed @ Stop::Failed(_)) => {
                    mem::forget(engine);
                    Err(failed)
                }
                outcome => outcome.and(engine.destroy()),
            }
        }
    }
}
