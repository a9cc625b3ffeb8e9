//! Engines that are linked into the executable.

use super::{error::LoadError, plugin::Plugin};
use kumo_plugin::{Storage, export::plugin_init};
use tchdb_like::TchdbLike;

impl Plugin {
    /// The built-in engine, which is reached through the same table as a loaded
    /// one.
    pub fn built_in() -> Result<Self, LoadError> {
        Self::linked_in::<TchdbLike>()
    }

    /// An engine in Rust that is linked in: reached through the same table as a
    /// loaded one.
    pub fn linked_in<S: Storage>() -> Result<Self, LoadError> {
        // SAFETY: the SDK's plugin_init keeps the contract.
        unsafe { Self::linked(plugin_init::<S>) }
    }
}
