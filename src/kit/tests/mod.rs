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

use super::Test;

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
