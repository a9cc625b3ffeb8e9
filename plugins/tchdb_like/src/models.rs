//! Parts of the engine under loom: every order of steps, up to so many changes of
//! who goes on, and every value that a load may have by the rules of memory.

use loom::model::Builder;

mod core;
mod handshake;
mod table;

/// Runs a model in all ways that there are.
fn check(changes: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.max_branches = 100_000;
    builder.preemption_bound = Some(changes);
    builder.check(model);
}
