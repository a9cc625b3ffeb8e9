//! Measures plugins in this process, through the host's table: `kumoctl plugin
//! bench`; and, for `benches/`, other databases too. Above `host`, beside
//! `engine`; no sockets.
//!
//! Absolute figures drift with whatever else a machine does. So two plugins are
//! measured in turns, round by round, and what counts is the ratio of each
//! round, its median and its spread. The first round of each warms up and is
//! dropped.

mod compare;
mod data;
mod phases;
mod target;

pub use compare::{Contender, Measured, Spread, compare, steps};
pub use data::{KEY_SIZE, MIN_VALUE_SIZE, Orders, Values, key};
pub use phases::{Phase, Round};
pub use target::{Session, Target};

use crate::host::{Failure, LoadError};
use std::{io, path::PathBuf};

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many records are stored, below 2^31.
    pub records: u32,
    /// The numbers of threads, each measured for itself.
    pub threads: Vec<usize>,
    /// The sizes of values, each measured for itself.
    pub sizes: Vec<usize>,
    /// How many rounds count.
    pub rounds: usize,
    /// Where the databases are made, each in a new directory that is removed.
    pub directory: PathBuf,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A plugin cannot open a database.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A call failed, or answered wrongly.
    #[error("{plugin}: {phase}: {failure}")]
    Call {
        /// The plugin's name.
        plugin: String,
        /// What was being measured.
        phase: Phase,
        /// What went wrong.
        failure: Failure,
    },
    /// No directory for a database.
    #[error("no directory for a database in {}: {error}", .directory.display())]
    Directory {
        /// Where.
        directory: PathBuf,
        /// The system's words.
        error: io::Error,
    },
}
