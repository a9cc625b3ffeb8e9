//! How the stores are opened.

use crate::Health;

/// What a write that d-engine takes for durable survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// A loss of power, as far as the plugin's sync sees to that: the log is synced
    /// before an entry counts, the vote before it is given.
    #[default]
    Disk,
    /// A kill of the process, not a loss of power: the system writes to the disk
    /// when it likes. A cluster that loses power as a whole may lose what it
    /// acknowledged.
    Process,
}

/// How stores are opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The plugin's parameters as they stand behind a path: `#name=value#...`.
    pub params: String,
    /// What a write survives.
    pub durability: Durability,
    /// Where the stores of a node say that they have failed.
    pub health: Health,
}
