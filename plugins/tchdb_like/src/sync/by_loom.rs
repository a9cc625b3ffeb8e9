//! Loom's, for parts that are small enough: it tries every order of steps, and
//! every value that a load may have by the rules of memory.

use std::cell::Cell;

pub(crate) use ::loom::hint;
pub(super) use ::loom::sync as standard_like;

pub(crate) use super::locks::{Condvar, Instant, Mutex, MutexGuard};

pub(crate) mod standard {
    pub(crate) use ::loom::sync::{Condvar, Mutex};
    pub(crate) use std::sync::PoisonError;
}

/// The threads of what is not tried out.
pub(crate) mod thread {
    pub(crate) use ::loom::thread::yield_now;
    pub(crate) use std::thread::{Builder, JoinHandle, available_parallelism, scope};
}

/// Loom knows `SeqCst` as a fence, and not at an access. So such an access is one
/// with `Acquire` and `Release`, which may be seen in more orders than there are.
pub(crate) mod atomic {
    use ::loom::sync::atomic as model;
    pub(crate) use ::loom::sync::atomic::fence;
    pub(crate) use std::sync::atomic::Ordering;
    use std::sync::atomic::Ordering::{AcqRel, Acquire, Release, SeqCst};

    fn loads(order: Ordering) -> Ordering {
        if order == SeqCst { Acquire } else { order }
    }

    fn stores(order: Ordering) -> Ordering {
        if order == SeqCst { Release } else { order }
    }

    fn both(order: Ordering) -> Ordering {
        if order == SeqCst { AcqRel } else { order }
    }

    // All types have what one of them needs.
    macro_rules! atomic {
        ($name:ident, $value:ty) => {
            #[derive(Default)]
            pub(crate) struct $name(model::$name);

            #[allow(dead_code)]
            impl $name {
                pub fn new(value: $value) -> Self {
                    Self(model::$name::new(value))
                }

                pub fn load(&self, order: Ordering) -> $value {
                    self.0.load(loads(order))
                }

                pub fn store(&self, value: $value, order: Ordering) {
                    self.0.store(value, stores(order));
                }

                pub fn swap(&self, value: $value, order: Ordering) -> $value {
                    self.0.swap(value, both(order))
                }

                pub fn compare_exchange(
                    &self,
                    from: $value,
                    to: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.0.compare_exchange(from, to, both(success), loads(failure))
                }
            }
        };
    }

    macro_rules! number {
        ($name:ident, $value:ty, $($method:ident)*) => {
            atomic!($name, $value);

            #[allow(dead_code)]
            impl $name {
                $(pub fn $method(&self, value: $value, order: Ordering) -> $value {
                    self.0.$method(value, both(order))
                })*

                pub fn fetch_update(
                    &self,
                    set: Ordering,
                    fetch: Ordering,
                    change: impl FnMut($value) -> Option<$value>,
                ) -> Result<$value, $value> {
                    self.0.fetch_update(both(set), loads(fetch), change)
                }

                pub fn into_inner(self) -> $value {
                    self.0.into_inner()
                }
            }
        };
    }

    atomic!(AtomicBool, bool);
    number!(AtomicU8, u8, fetch_add);
    number!(AtomicU32, u32, fetch_add fetch_sub fetch_or fetch_max);
    number!(AtomicU64, u64, fetch_add fetch_sub fetch_max);
    number!(AtomicUsize, usize, fetch_add fetch_sub);
}

/// Of what is mapped the index is loom's.
pub(crate) mod mapped {
    pub(crate) use super::super::boxed::Words;
    use ::loom::sync::atomic::{AtomicU32, AtomicU64, fence};
    use std::sync::atomic::Ordering::{self, Acquire, Release, SeqCst};

    pub(crate) type Counts = Words<super::super::Count>;

    /// A word of the index. Here what `SeqCst` means at a load is looked for: a
    /// fence before it, as some machines do it.
    #[derive(Default)]
    pub(crate) struct Word(AtomicU64);

    impl Word {
        pub fn load(&self, order: Ordering) -> u64 {
            if order != SeqCst {
                return self.0.load(order);
            }
            fence(SeqCst);
            self.0.load(Acquire)
        }

        pub fn store(&self, word: u64, order: Ordering) {
            self.0.store(word, order);
        }
    }

    /// The bytes of a chunk that are not atomics, and the time at which they change,
    /// are the machine's.
    pub(crate) fn step() {}

    // Beside each of its words an atomic of loom's, so that whoever sees a word
    // sees what was written before. Some words share one: there loom believes
    // more to be seen than must be.
    ::loom::lazy_static! {
        static ref WORDS: [AtomicU32; 16] = std::array::from_fn(|_| AtomicU32::new(0));
    }

    pub(crate) fn loads(at: usize) {
        WORDS[at / 4 % WORDS.len()].fetch_add(0, Acquire);
    }

    pub(crate) fn stores(at: usize) {
        WORDS[at / 4 % WORDS.len()].fetch_add(1, Release);
    }
}

::loom::thread_local! {
    static NUMBER: Cell<usize> = Cell::new(0);
}

pub(crate) fn thread_number() -> usize {
    NUMBER.with(Cell::get)
}

/// Says which number this thread has.
pub(crate) fn set_thread_number(number: usize) {
    NUMBER.with(|mine| mine.set(number));
}
