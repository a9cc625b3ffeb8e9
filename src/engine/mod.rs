//! What memcached's commands mean, whatever is behind them.
//!
//! [`Engine`] is the boundary between the protocol and the storage: the server
//! knows nothing below it. [`store`] implements it over the table of a plugin.

pub(crate) mod number;
pub mod store;

use crate::host::{Failure, Pins};
use std::{path::PathBuf, time::Duration};

/// An item that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The client's flags.
    pub flags: u32,
    /// The CAS unique.
    pub cas: u64,
    /// The client's data.
    pub data: &'a [u8],
}

/// What a lookup finds. The kinds of miss are told apart for the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// The item.
    Hit(Item<'a>),
    /// No such key.
    Miss,
    /// The item has expired.
    Expired,
    /// The item is older than the last flush.
    Flushed,
}

/// The storage commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Store.
    Set,
    /// Store if there is none.
    Add,
    /// Store if there is one.
    Replace,
    /// Put the data behind that of the item, whose flags and expiry stay.
    Append,
    /// Put the data before that of the item, whose flags and expiry stay.
    Prepend,
    /// Store if the item's CAS unique is still this one.
    Cas(u64),
}

/// An item to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewItem<'a> {
    /// The client's key, 1 to 250 bytes.
    pub key: &'a [u8],
    /// The client's flags.
    pub flags: u32,
    /// The expiry as the client gave it: see [`Engine::touch`].
    pub exptime: i32,
    /// The client's data.
    pub data: &'a [u8],
}

/// What a storage command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is stored.
    Stored,
    /// The condition of add, replace, append or prepend does not hold.
    NotStored,
    /// cas: the item has changed.
    Exists,
    /// cas: there is no item.
    NotFound,
    /// append, prepend: the item would be larger than the limit.
    TooLarge,
}

/// Up or down, for incr and decr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delta {
    /// Add, modulo 2^64.
    Incr(u64),
    /// Subtract, stopping at 0.
    Decr(u64),
}

/// What incr and decr answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// The new number.
    Number(u64),
    /// There is no item.
    NotFound,
    /// The item is not a decimal number of 64 bits.
    NonNumeric,
}

/// A backup that is complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Backup {
    /// The file.
    pub path: PathBuf,
    /// How many items it holds.
    pub records: u64,
    /// Its size.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
}

/// The commands of memcached. Any thread may call; an error's text is for the
/// client (behind `SERVER_ERROR`) and for the log.
pub trait Engine: Send + Sync {
    /// Finds an item. Its data stays where it is until the pins are cleared.
    fn get<'a>(&self, key: &[u8], pins: &'a Pins) -> Result<Lookup<'a>, Failure>;

    /// Finds several items, in the order of the keys.
    fn get_many<'a>(&self, keys: &[&[u8]], pins: &'a Pins) -> Result<Vec<Lookup<'a>>, Failure>;

    /// Finds an item and gives it a new expiry.
    fn get_and_touch<'a>(
        &self,
        key: &[u8],
        exptime: i32,
        pins: &'a Pins,
    ) -> Result<Lookup<'a>, Failure>;

    /// The storage commands.
    fn store(&self, mode: Mode, item: &NewItem<'_>) -> Result<Stored, Failure>;

    /// Deletes an item; false where there is none.
    fn delete(&self, key: &[u8]) -> Result<bool, Failure>;

    /// incr and decr.
    fn arithmetic(&self, key: &[u8], delta: Delta) -> Result<Arithmetic, Failure>;

    /// Gives an item a new expiry; false where there is none. `exptime` is as
    /// the client gave it: 0 for never, up to 30 days in seconds from now,
    /// larger a UNIX time, negative at once.
    fn touch(&self, key: &[u8], exptime: i32) -> Result<bool, Failure>;

    /// Makes every item that is stored before now, or before `exptime`, if that
    /// is positive, invisible.
    fn flush(&self, exptime: i32) -> Result<(), Failure>;

    /// How many items there are.
    fn items(&self) -> Result<u64, Failure>;

    /// What the storage engine says of itself: names and values.
    fn storage_stats(&self) -> Result<Vec<(String, String)>, Failure>;

    /// Writes a copy of the database beside it, with `-suffix` behind its
    /// name. Returns when the copy is complete; reads and writes go on.
    fn backup(&self, suffix: &str) -> Result<Backup, Failure>;
}
