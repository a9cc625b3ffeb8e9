//! A plugin: what is known of it.

use super::{params::Param, table::Table, threads::Threads};
use std::sync::Arc;

/// A plugin that has been loaded and checked. It is never unloaded.
#[derive(Clone)]
pub struct Plugin(pub(super) Arc<Loaded>);

/// What is known of a plugin.
pub(super) struct Loaded {
    pub name: String,
    pub about: Option<About>,
    pub table: Table,
    pub threads: Threads,
    pub caps: u64,
    pub params: Vec<Param>,
}

/// What a described plugin says of itself.
#[derive(Clone, Debug)]
pub struct About {
    /// The version of the engine.
    pub version: String,
    /// One line on what it is.
    pub description: String,
    /// The version of the contract that it was compiled for.
    pub abi_version: u32,
}

impl Plugin {
    /// The plugin's name; a classic one's is its path.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What it says of itself, where it does.
    pub fn about(&self) -> Option<&About> {
        self.0.about.as_ref()
    }

    /// The parameters that it takes. A classic one does not say.
    pub fn params(&self) -> &[Param] {
        &self.0.params
    }

    /// What it promises, or says that it cannot: `KUMO_CAP_...` bits.
    pub fn caps(&self) -> u64 {
        self.0.caps
    }

    /// Its thread model: parallel, serialized or single.
    pub fn thread_model(&self) -> &'static str {
        self.0.threads.name()
    }

    /// The names of the optional operations that it has.
    pub fn operations(&self) -> Vec<&'static str> {
        self.0.table.optional()
    }
}
