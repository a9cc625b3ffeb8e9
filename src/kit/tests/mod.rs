//! The tests, in groups.

mod backup;
mod cas;
mod concurrency;
mod describe;
mod durability;
mod full;
mod io;
mod iteration;
mod life;
mod operations;
mod property;
mod resources;
mod tail;
mod values;

use super::{Need, Outcome, Test, context::Context};

/// Every test, in the order in which they run.
pub fn all() -> impl Iterator<Item = &'static Test> {
    [
        life::TESTS,
        operations::TESTS,
        cas::TESTS,
        values::TESTS,
        iteration::TESTS,
        concurrency::TESTS,
        durability::TESTS,
        backup::TESTS,
        full::TESTS,
        io::TESTS,
        resources::TESTS,
        describe::TESTS,
        tail::TESTS,
        property::TESTS,
    ]
    .into_iter()
    .flatten()
}

/// A test that any plugin can be put to.
const fn test(name: &'static str, about: &'static str, run: fn(&Context) -> Outcome) -> Test {
    with(name, about, &[], run)
}

/// A test that a plugin must have something for.
const fn with(
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    run: fn(&Context) -> Outcome,
) -> Test {
    Test { name, about, needs, run }
}
