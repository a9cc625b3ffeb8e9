//! What the engine's threads meet at: atomics, locks, and the threads themselves.
//!
//! All of it is the standard library's, and parking_lot's locks. So that tests can
//! decide who goes on when, the same names are shuttle's or loom's in tests that
//! are built with `--cfg kumo_shuttle` or `--cfg kumo_loom`.

#[cfg(all(test, any(kumo_loom, kumo_shuttle)))]
mod boxed;
#[cfg(all(test, kumo_loom))]
mod by_loom;
#[cfg(all(test, kumo_shuttle))]
mod by_shuttle;
#[cfg(all(test, any(kumo_loom, kumo_shuttle)))]
mod locks;
#[cfg(not(all(test, any(kumo_loom, kumo_shuttle))))]
mod real;

#[cfg(all(test, kumo_loom))]
pub(crate) use by_loom::*;
#[cfg(all(test, kumo_shuttle))]
pub(crate) use by_shuttle::*;
#[cfg(not(all(test, any(kumo_loom, kumo_shuttle))))]
pub(crate) use real::*;
// No one waits at them: what is made once is made without a look at others.
pub(crate) use std::sync::{Arc, OnceLock};

/// Whether loom tries every value that a load may have: then there must be very
/// few of them.
pub(crate) const IS_LOOM: bool = cfg!(all(test, kumo_loom));

/// Whether every step counts, since all orders of steps are tried: then what there
/// are many of is few.
pub(crate) const IS_MODEL: bool = cfg!(all(test, any(kumo_loom, kumo_shuttle)));

/// A number that may stand in mapped memory.
#[derive(Default)]
#[repr(transparent)]
pub(crate) struct Count(pub atomic::AtomicU32);
