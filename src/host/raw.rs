//! Raw access to a plugin's table, for the kit that tests plugins.
//!
//! [`Storage`](super::Storage) hides what a plugin does behind what a caller
//! wants to know. Here every call shows exactly what came of it: NULL or not,
//! the number that was returned, whether `set_error` was called, how often the
//! comparison was asked, how many finalizers there are. The host's rules hold
//! all the same: the thread model, the guard, no call before `open` or after
//! `close`.

mod calls;
mod instance;
mod machine;
mod memory;
mod pins;
mod scan;
mod slots;
mod tail;
pub(super) mod trace;

pub use calls::Cas;
pub use instance::{Database, Instance};
pub use machine::{heap_in_use, ignore_file_size_signal, limit_memory};
pub use memory::{Fenced, Sparse};
pub use pins::{Value, Zone};
pub use scan::Current;
pub use trace::{doing, tell_crashes};

use super::{
    Failure, LoadError, Plugin,
    guard::guarded,
    services::{clear_error, take_error},
    threads::Threads,
};
use slots::Slots;
use std::{path::PathBuf, sync::Arc};

/// A plugin whose table can be called slot by slot.
#[derive(Clone)]
pub struct RawPlugin(Arc<Parts>);

struct Parts {
    plugin: Plugin,
    slots: Slots,
    path: PathBuf,
}

/// What a call returned, and what it reported.
#[derive(Debug)]
pub struct Answer<R> {
    /// What the function returned.
    pub said: R,
    /// What it handed to `set_error`, if it did.
    pub error: Option<Failure>,
}

/// What crosses to the plugin's thread and back.
struct Carried<T>(T);

// SAFETY: while the other thread has it, the one that sent it waits: it is
// never used by two.
unsafe impl<T> Send for Carried<T> {}

impl<T> Carried<T> {
    fn open(self) -> T {
        self.0
    }
}

impl RawPlugin {
    /// Finds, loads and checks a plugin, as [`Plugin::load`] does.
    pub fn load(name: &str) -> Result<Self, LoadError> {
        let plugin = Plugin::load(name)?;
        let path = Plugin::find(name)?;
        let slots = slots::read(&path)?;
        Ok(Self(Arc::new(Parts { plugin, slots, path })))
    }

    /// The plugin, as the host has it.
    pub fn plugin(&self) -> &Plugin {
        &self.0.plugin
    }

    /// Whether it describes itself (`kumo_plugin_init`).
    pub fn is_described(&self) -> bool {
        self.0.plugin.about().is_some()
    }

    /// Whether the slot of this name, one of those that may be NULL, is there.
    pub fn has(&self, slot: &str) -> bool {
        self.0.slots.has(slot)
    }

    /// The slots of the table that `kumo_storage_init` returns which are NULL and
    /// may not be, in a classic plugin or beside a description. None: there is no
    /// such function.
    pub fn classic_nulls(&self) -> Answer<Option<Vec<&'static str>>> {
        slots::classic_nulls(self)
    }

    fn threads(&self) -> &Threads {
        &self.0.plugin.0.threads
    }

    /// Makes a call where and when the thread model allows it.
    fn call<R>(&self, operation: &'static str, call: impl FnOnce() -> R) -> Answer<R> {
        let carried = Carried(call);
        let run = move || {
            let call = carried.open();
            let _here = trace::enter(operation);
            clear_error();
            let said = guarded(self.0.plugin.name(), operation, call);
            Carried(Answer { said, error: take_error() })
        };
        self.threads().run(run).open()
    }
}
