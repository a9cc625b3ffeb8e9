//! The kit: named tests that take any plugin, and say what is wrong with it.
//!
//! It stands beside `engine`, over `host`. Every test runs in a process of its
//! own (`child`), with a directory and a time limit of its own, so that a crash
//! or a hang is a failed test and not the end of the run (`run`).
//!
//! - `tests`: the tests, in groups
//! - `place`, `context`, `store`: what a test works with
//! - `memcached`: the tests of engines of memcached's interface, and what they work with
//! - `crash`: the process that a test kills, and what must be left of it
//! - `disk`: a process whose disk fails
//! - `linear`: whether a history of calls has an order that explains it
//! - `options`: the parameters for `open`
//! - `together`: many threads
//! - `taken`: what a process has taken and must give back
//! - `script`, `shrink`: sequences of operations as text, and shorter ones
//! - `report`: the results, as lines, JSON and JUnit

mod child;
mod context;
mod crash;
mod disk;
mod linear;
mod memcached;
mod options;
mod place;
mod random;
pub mod report;
mod run;
mod script;
mod settings;
mod shrink;
mod store;
mod taken;
mod tests;
mod together;

pub use child::child;
pub use options::refused_options;
pub use run::{Done, Verdict, replay, run};
pub use script::Script;
pub use settings::{Family, Settings};

use context::Context;

/// A test, as it is chosen and shown.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Its name: the group, and what it is about.
    pub name: &'static str,
    /// What it checks, in one line.
    pub about: &'static str,
}

/// The tests of a family, in the order in which they run.
pub fn all(family: Family) -> Vec<Listed> {
    match family {
        Family::Plugin => {
            tests::all().map(|test| Listed { name: test.name, about: test.about }).collect()
        }
        Family::Engine => {
            memcached::all().map(|test| Listed { name: test.name, about: test.about }).collect()
        }
    }
}

/// A test of plugins.
struct Test {
    name: &'static str,
    about: &'static str,
    /// What a plugin must have, or it is skipped.
    needs: &'static [Need],
    run: fn(&Context) -> Outcome,
}

/// What a test asks of a plugin that not every plugin has.
#[derive(Clone, Copy)]
enum Need {
    /// What is stored outlives the process: not `KUMO_CAP_VOLATILE`.
    Durable,
    /// A capability, and what it is called.
    Cap(u64, &'static str),
    /// A slot that may be NULL.
    Slot(&'static str),
    /// A description: not a classic plugin.
    Described,
}

/// How a test ends before its end.
#[derive(Debug)]
enum Stop {
    Failed(String),
    Skipped(String),
}

impl Stop {
    /// The same, with what it happened after or in.
    pub fn told(self, place: &str) -> Self {
        match self {
            Self::Failed(reason) => Self::Failed(format!("{place}: {reason}")),
            skipped => skipped,
        }
    }
}

/// What a test comes to.
type Outcome<T = ()> = Result<T, Stop>;

impl From<std::io::Error> for Stop {
    /// A failure of the machine's, not of the plugin's; but no test has passed.
    fn from(error: std::io::Error) -> Self {
        Self::Failed(format!("the kit itself failed: {error}"))
    }
}

/// Ends a test as failed, with a reason.
macro_rules! fail {
    ($($reason:tt)*) => {
        return Err($crate::kit::Stop::Failed(format!($($reason)*)))
    };
}
use fail;

/// Ends a test as failed, with a reason, unless something holds.
macro_rules! ensure {
    ($holds:expr, $($reason:tt)*) => {
        if !$holds {
            $crate::kit::fail!($($reason)*);
        }
    };
}
use ensure;
