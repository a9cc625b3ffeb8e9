//! d-engine's stores over any storage plugin of kumo: the Raft log, the metadata
//! and the state machine. `README.md` says how to use them and what they promise.
//!
//! ```text
//! KumoStorageEngine    log      runs of entries, replaced in one write
//!                      meta     the term and the vote
//! KumoStateMachine     state    what has been applied, and snapshots of it
//!        table                  a database whose writes are all or none
//!        record                 keys and values, in kumofs's format
//! kumo::host                    the plugin
//! ```

mod changes;
mod engine;
mod health;
mod log;
mod meta;
mod options;
mod place;
mod record;
mod state;
mod table;

pub use engine::KumoStorageEngine;
pub use health::Health;
pub use kumo::host::Plugin;
pub use log::KumoLogStore;
pub use meta::KumoMetaStore;
pub use options::{Durability, Options};
pub use state::KumoStateMachine;
