//! The engine that is linked into the executables.

use super::{error::LoadError, plugin::Plugin};
use kumo_plugin::export::plugin_init;
use tchdb_like::TchdbLike;

impl Plugin {
    /// The built-in engine, which is reached through the same table as a loaded
    /// one.
    pub fn built_in() -> Result<Self, LoadError> {
        // SAFETY: the SDK's plugin_init keeps the contract.
        unsafe { Self::linked(plugin_init::<TchdbLike>) }
    }
}
