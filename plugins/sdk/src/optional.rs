//! The operations that an engine may have beside those of the trait.

use crate::{error::Error, storage::Visit, value::Value};
use std::{fmt::Display, path::Path};

/// A put or a delete, for [`Optional::batch`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<'a> {
    /// Store the value, second, under the key, first.
    Put(&'a [u8], &'a [u8]),
    /// Delete the key, if it is there.
    Delete(&'a [u8]),
}

/// The operations that an engine may have: the functions that carry them out.
///
/// An engine names those that it has, and takes the rest from
/// [`NONE`](Self::NONE):
///
/// ```ignore
/// const OPTIONAL: Optional<Self> =
///     Optional { rnum: Some(Self::rnum), sync: Some(Self::sync), ..Optional::NONE };
/// ```
///
/// What is named is in the table that the host gets, and nothing else is: there
/// is no second place to keep in step. A method that was written and not named
/// is dead code, which the compiler reports.
#[allow(clippy::type_complexity)] // the types are the documentation
pub struct Optional<S> {
    /// Copies as much of the start of a value as fits, and returns how many
    /// bytes those are; None where there is no such key. Without it the host
    /// gets the value.
    pub get_header: Option<fn(&S, key: &[u8], head: &mut [u8]) -> Result<Option<usize>, Error>>,

    /// Stores records in order, each as `set` does, adding one to `stored` for
    /// each: so the host knows how far it came when it fails. A key may come
    /// twice. Without it the host sets one after the other.
    pub updatev:
        Option<fn(&S, records: &[(&[u8], &[u8])], stored: &mut usize) -> Result<(), Error>>,

    /// The number of records. It is asked often. Without it the host counts by
    /// a scan.
    pub rnum: Option<fn(&S) -> Result<u64, Error>>,

    /// Writes a copy of the database, a consistent point in time: to `dst` with
    /// `.tmp` behind it, which is synced and given the name `dst`, whose directory
    /// is synced. What stands at `dst` already is not replaced, and nothing is
    /// left behind on failure. A `.tmp` that is there already was left by a backup
    /// that was killed: it is removed first, and not written over, since it may
    /// be another name of a finished one. Reads and writes go on meanwhile, or the engine
    /// is [`BACKUP_BLOCKS`](crate::Caps::BACKUP_BLOCKS). Without it the host
    /// opens a second instance at the copy's name and fills it.
    pub backup: Option<fn(&S, dst: &Path) -> Result<(), Error>>,

    /// Returns when everything that was written before is as safe as the engine
    /// can make it; [`DURABLE_SYNC`](crate::Caps::DURABLE_SYNC) says that it
    /// then survives a loss of power. Reads and writes go on.
    pub sync: Option<fn(&S) -> Result<(), Error>>,

    /// Calls `add(name, value)` for every statistic; names have letters, digits
    /// and `_`.
    pub stats: Option<fn(&S, add: &mut dyn FnMut(&str, &dyn Display)) -> Result<(), Error>>,

    /// Checks everything that is stored, and calls `report` for every fault,
    /// with one line of text. It repairs nothing. An error: the check itself
    /// failed. Reads and writes go on.
    pub verify: Option<fn(&S, report: &mut dyn FnMut(&str)) -> Result<(), Error>>,

    /// Gives back the space of what has been deleted and overwritten. Reads and
    /// writes go on, and values that were read before stay where they are.
    pub compact: Option<fn(&S) -> Result<(), Error>>,

    /// As `for_each`, in the order of the keys, from the first key that is not
    /// below `from`. The engine is [`ORDERED`](crate::Caps::ORDERED).
    pub seek: Option<fn(&S, from: &[u8], visit: Visit<'_>) -> Result<(), Error>>,

    /// `get` for many keys: a value or None for each of them, in their order.
    pub getv: Option<for<'a> fn(&'a S, keys: &[&[u8]]) -> Result<Vec<Option<Value<'a>>>, Error>>,

    /// Carries out puts and deletes, in order, all or none: also when the
    /// process is killed in the middle, and to other threads at once. A key may
    /// come several times. A batch that is too large for the engine is
    /// [`ErrorCode::Invalid`](crate::ErrorCode::Invalid). An error: none.
    pub batch: Option<fn(&S, changes: &[Change<'_>]) -> Result<(), Error>>,

    /// Salvages what is whole of the damaged database `from`, which is only read,
    /// into a new one at `to`, written and named as by [`backup`](Self::backup).
    /// Calls `report` for everything that is lost, with one line of text, and
    /// returns the number of records in the new database. An error: there is
    /// none.
    pub repair:
        Option<fn(from: &Path, to: &Path, report: &mut dyn FnMut(&str)) -> Result<u64, Error>>,
}

impl<S> Optional<S> {
    /// None of them.
    pub const NONE: Self = Self {
        get_header: None,
        updatev: None,
        rnum: None,
        backup: None,
        sync: None,
        stats: None,
        verify: None,
        compact: None,
        seek: None,
        getv: None,
        batch: None,
        repair: None,
    };
}
