//! What an engine says of itself beside its name: how it may be called, and
//! what it promises.

use crate::abi::{
    KUMO_CAP_BACKUP_BLOCKS, KUMO_CAP_DURABLE_SYNC, KUMO_CAP_ORDERED, KUMO_CAP_REENTRANT_SCAN,
    KUMO_CAP_VOLATILE, KUMO_THREAD_PARALLEL, KUMO_THREAD_SERIALIZED, KUMO_THREAD_SINGLE,
};

/// How the host may call an engine.
///
/// The trait asks for `Send + Sync` whatever is chosen: this is for engines
/// around a library that can bear no more than one call, or one thread. A
/// handle that must not leave its thread goes into a wrapper that sees to that,
/// such as the crate `send_wrapper`'s.
///
/// A host that only knows classic modules calls from many threads at once, so
/// there an engine that is not parallel refuses to start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum ThreadModel {
    /// Any number of calls at once, from any threads.
    Parallel = KUMO_THREAD_PARALLEL,
    /// One call at a time, from any threads. The drop of a pinned value is a
    /// call too.
    Serialized = KUMO_THREAD_SERIALIZED,
    /// One call at a time, all from one thread, which is not the one that
    /// loaded the plugin. The drop of a pinned value is a call too.
    Single = KUMO_THREAD_SINGLE,
}

/// What an engine promises, or says that it cannot: a set.
///
/// ```
/// use kumo_plugin::Caps;
/// const CAPS: Caps = Caps::ORDERED.and(Caps::REENTRANT_SCAN);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caps(u64);

impl Caps {
    /// Nothing in particular.
    pub const NONE: Self = Self(0);
    /// The data is in memory, and gone after `close`, a crash or a kill.
    pub const VOLATILE: Self = Self(KUMO_CAP_VOLATILE);
    /// `for_each` and `seek` show records in the order of their keys, byte by
    /// byte.
    pub const ORDERED: Self = Self(KUMO_CAP_ORDERED);
    /// After `sync`, what was written before survives a loss of power.
    pub const DURABLE_SYNC: Self = Self(KUMO_CAP_DURABLE_SYNC);
    /// Writes wait while `backup` runs.
    pub const BACKUP_BLOCKS: Self = Self(KUMO_CAP_BACKUP_BLOCKS);
    /// Any operation may be called while `for_each` shows a record, and several
    /// scans may run at once. It gives the table an `iterator_del`, which calls
    /// `del`.
    pub const REENTRANT_SCAN: Self = Self(KUMO_CAP_REENTRANT_SCAN);

    /// Both sets together.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in this set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The `KUMO_CAP_...` bits.
    pub const fn bits(self) -> u64 {
        self.0
    }
}
