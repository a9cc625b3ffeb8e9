//! The databases that are measured.

#[cfg(feature = "rust-peers")]
mod fjall;
#[allow(unsafe_code)]
mod foreign;
pub mod kumo;
#[cfg(feature = "rust-peers")]
mod redb;

use ::kumo::bench::Target;
use ::kumo::host::{ErrorCode, Failure};
use anyhow::{Result, bail};
use std::{fmt::Display, path::Path};

/// An open database.
pub trait Peer: Target + Send {
    /// Returns when all that was written is on the disk.
    fn sync(&self) -> Result<(), Failure>;

    /// Closes it, as one does who wants to open it again.
    fn close(self: Box<Self>) -> Result<()>;
}

/// The engine's name in the results, with its promise.
pub const OURS: &str = "tchdb_like";
/// Whom the ratios are to.
pub const REFERENCE: &str = "tokyocabinet";
/// The peer with the same checksum as ours.
pub const CHECKED: &str = "tkrzw-crc32";

/// A name, and what it stands for.
pub struct Entry {
    pub name: &'static str,
    pub text: &'static str,
    pub version: fn() -> String,
    open: fn(&Path, u64) -> Result<Box<dyn Peer>>,
}

/// All that this build has.
pub fn all() -> Vec<Entry> {
    let mut all = kumo::entries();
    all.extend(foreign::entries());
    #[cfg(feature = "rust-peers")]
    all.extend([redb::entry(), fjall::entry()]);
    all
}

/// Opens a database in a directory, for about so many records.
pub fn open(name: &str, directory: &Path, records: u64) -> Result<Box<dyn Peer>> {
    match all().iter().find(|entry| entry.name == name) {
        Some(entry) => (entry.open)(directory, records),
        None => bail!("there is no {name}; there are {}", names(&all())),
    }
}

/// Their names, for people.
pub fn names(entries: &[Entry]) -> String {
    entries.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ")
}

/// A failure in a peer's words.
fn failure(error: impl Display) -> Failure {
    Failure::new(ErrorCode::Other, error.to_string())
}
