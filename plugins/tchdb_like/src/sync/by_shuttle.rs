//! Shuttle's: at each step a scheduler of its own says which thread goes on. All
//! orders of memory are `SeqCst` to it; the weaker ones are loom's.

pub(super) use ::shuttle::sync as standard_like;
pub(crate) use ::shuttle::{hint, sync::atomic};

pub(crate) use super::locks::{Condvar, Instant, Mutex, MutexGuard};

pub(crate) mod standard {
    pub(crate) use ::shuttle::sync::{Condvar, Mutex, PoisonError};
}

pub(crate) mod thread {
    pub(crate) use ::shuttle::thread::{Builder, JoinHandle, scope, yield_now};
    use std::{io, num::NonZero};

    pub(crate) fn available_parallelism() -> io::Result<NonZero<usize>> {
        Ok(NonZero::<usize>::MIN)
    }
}

/// The memory of mappings: atomics of the machine, with a step before each access.
pub(crate) mod mapped {
    use ::shuttle::sync::atomic::AtomicBool;
    use std::{
        cell::Cell,
        sync::atomic::{
            AtomicU64,
            Ordering::{self, SeqCst},
        },
    };

    thread_local! {
        /// Whether there are no steps: of all threads of a test.
        pub(super) static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    }

    /// Another thread may go on here.
    pub(crate) fn step() {
        if !IS_QUIET.get() {
            // Not `yield_now`: behind that it would nearly always be another one.
            AtomicBool::new(false).load(SeqCst);
        }
    }

    /// Counts of pins.
    pub(crate) type Counts = super::super::boxed::Words<super::super::Count>;

    pub(crate) fn loads(_at: usize) {
        step();
    }

    pub(crate) fn stores(_at: usize) {
        step();
    }

    #[repr(transparent)]
    pub(crate) struct Word(AtomicU64);

    impl Word {
        pub fn load(&self, order: Ordering) -> u64 {
            step();
            self.0.load(order)
        }

        pub fn store(&self, word: u64, order: Ordering) {
            step();
            self.0.store(word, order);
        }
    }
}

pub(crate) fn thread_number() -> usize {
    usize::from(::shuttle::current::me())
}

/// Does something that no other thread takes part in, and that is long: without
/// steps at the words of mappings.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    mapped::IS_QUIET.set(true);
    let done = work();
    mapped::IS_QUIET.set(false);
    done
}
