//! What memcached's commands mean, whatever is behind them.
//!
//! [`Engine`] and [`Client`] are the boundary between the protocol and the
//! storage: the server knows nothing below them. [`store`] implements them over
//! the table of a plugin, [`mcengine`] over an engine of memcached's.

pub mod mcengine;
pub(crate) mod number;
pub mod store;

use crate::host::{ErrorCode, Failure, Pins};
use std::{
    os::fd::BorrowedFd,
    path::PathBuf,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

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
    /// The expiry as the client gave it: see [`Client::touch`].
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

impl Delta {
    /// What it makes of a number.
    fn of(self, number: u64) -> u64 {
        match self {
            Self::Incr(by) => number.wrapping_add(by),
            Self::Decr(by) => number.saturating_sub(by),
        }
    }
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

/// Why a command has no answer of its own.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// It failed. The text is for the client, behind `SERVER_ERROR`, and for the
    /// log.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// What the client asks for cannot be: for it alone, behind `CLIENT_ERROR`.
    #[error("{0}")]
    Refused(&'static str),
    /// The answer comes later. The same call is to be made again when
    /// [`Client::poll_ready`] says so, and no other before it.
    #[error("the answer comes later")]
    Later,
    /// The connection is to be closed.
    #[error("the engine closes the connection")]
    Disconnect,
}

/// What a command answers.
pub type Answer<T> = Result<T, Unanswered>;

/// Work on a database as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep {
    /// What was written is to be on the disk.
    Sync,
    /// The space of what is gone is to be given back.
    Compact,
    /// Everything is to be checked.
    Verify,
}

impl Upkeep {
    /// Its name, in the contract and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Compact => "compact",
            Self::Verify => "verify",
        }
    }
}

/// A storage engine.
pub trait Engine: Send + Sync {
    /// A client has connected, by this socket. What is returned stands for it,
    /// and is dropped when it is gone, before the socket is closed.
    fn connect(self: Arc<Self>, socket: BorrowedFd<'_>) -> Answer<Box<dyn Client>>;

    /// Writes a copy of the database beside it, with `-suffix` behind its
    /// name. Returns when the copy is complete; reads and writes go on.
    fn backup(&self, suffix: &str) -> Result<Backup, Failure>;

    /// Does work on the whole database, while reads and writes go on; shows
    /// `report` what is damaged. A failure of kind
    /// [`Unsupported`](ErrorCode::Unsupported): it cannot.
    fn upkeep(&self, _work: Upkeep, _report: &mut (dyn FnMut(&str) + Send)) -> Result<(), Failure> {
        Err(Failure::new(
            ErrorCode::Unsupported,
            "an engine of memcached's interface has no upkeep",
        ))
    }
}

/// The commands of memcached, for one client of an engine's: it makes one call
/// at a time.
pub trait Client {
    /// Finds an item. Its data stays where it is until the pins are cleared.
    fn get<'a>(&mut self, key: &[u8], pins: &'a Pins) -> Answer<Lookup<'a>>;

    /// Finds several items, in the order of the keys: the first at least, and
    /// where there are fewer than keys, the others are to be asked for again.
    fn get_many<'a>(&mut self, keys: &[&[u8]], pins: &'a Pins) -> Answer<Vec<Lookup<'a>>>;

    /// Finds an item and gives it a new expiry.
    fn get_and_touch<'a>(&mut self, key: &[u8], exptime: i32, pins: &'a Pins)
    -> Answer<Lookup<'a>>;

    /// The storage commands.
    fn store(&mut self, mode: Mode, item: &NewItem<'_>) -> Answer<Stored>;

    /// Deletes an item; false where there is none.
    fn delete(&mut self, key: &[u8]) -> Answer<bool>;

    /// incr and decr.
    fn arithmetic(&mut self, key: &[u8], delta: Delta) -> Answer<Arithmetic>;

    /// Gives an item a new expiry; false where there is none. `exptime` is as
    /// the client gave it: 0 for never, up to 30 days in seconds from now,
    /// larger a UNIX time, negative at once.
    fn touch(&mut self, key: &[u8], exptime: i32) -> Answer<bool>;

    /// Makes every item that is stored before now, or before `exptime`, if that
    /// is positive, invisible.
    fn flush(&mut self, exptime: i32) -> Answer<()>;

    /// What the engine reports under this name, as `stats` takes it: names and
    /// values. Without a name, what belongs to the general report, `curr_items`
    /// for one; under `storage`, all that it says of itself. None: it knows no
    /// such report.
    fn stats(&mut self, name: &[u8]) -> Answer<Option<Vec<(String, String)>>>;

    /// Sets the engine's own counters back.
    fn reset_stats(&mut self) {}

    /// Whether the call that was answered with [`Unanswered::Later`] is to be
    /// made again; the task is woken when it is.
    fn poll_ready(&mut self, _task: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
