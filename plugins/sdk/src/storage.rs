//! The trait that an engine implements.

use crate::{
    describe::{Caps, ThreadModel},
    error::Error,
    location::Location,
    optional::Optional,
    param::Param,
    value::Value,
};
use std::{ffi::CStr, ops::ControlFlow};

/// The host's comparison: shown the record's present value, it says whether
/// the write or the delete goes ahead.
///
/// Call it while nothing else can change the record, once for a record that
/// exists and never for one that does not. It is quick, and does not enter the
/// storage.
pub type CasProc<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// What a scan shows every record to: `visit(key, val)`. Once it has said
/// `Break`, the scan ends, and that is no error.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// A storage engine.
///
/// Keys and values hold any byte and may be empty. Unless the engine declares
/// otherwise, its methods are called from many threads at once. A method that
/// fails changes nothing, and says what failed, on what, and what to do. A
/// panic in a method is caught, logged, and becomes the error of that call.
///
/// [`guide`](crate::guide) takes an author through all of it.
pub trait Storage: Send + Sync + Sized + 'static {
    /// The engine's name: letters, digits, `_` and `-`.
    const NAME: &'static CStr;
    /// The engine's version.
    const VERSION: &'static CStr;
    /// One line on what the engine is.
    const DESCRIPTION: &'static CStr;

    /// How the host may call the engine.
    const THREADS: ThreadModel = ThreadModel::Parallel;
    /// What the engine promises, or says that it cannot.
    const CAPS: Caps = Caps::NONE;
    /// The parameters that [`open`](Self::open) takes behind the path.
    const PARAMS: &'static [Param] = &[];
    /// The operations beyond those of this trait that the engine has. What it
    /// does not have, the host does without.
    const OPTIONAL: Optional<Self> = Optional::NONE;

    /// Opens the database, making it where there is none. What is not the
    /// engine's own, or damaged, or in use by another process, is refused and
    /// left as it is.
    fn open(location: &Location) -> Result<Self, Error>;

    /// Closes the database. No other call is under way, and no value is held
    /// any more. Dropping follows, so this is only for what can fail.
    fn close(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Finds a value; None where there is none.
    fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error>;

    /// Stores a value, whether the key is there or not. When it returns, every
    /// later call finds the value, also after the process has been killed,
    /// unless the engine is [`Caps::VOLATILE`].
    fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error>;

    /// Deletes a record if it is there and `proc` agrees, in one step. False:
    /// it is not there (`proc` has not been called), or `proc` refused.
    fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error>;

    /// Stores a value if the key is absent (`proc` has not been called) or
    /// `proc` agrees, in one step. False: `proc` refused.
    fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error>;

    /// Shows every record to `visit` until that breaks off. A record that is
    /// there from the beginning to the end is shown once; one that is written
    /// or deleted meanwhile, once or not at all. A scan that cannot go on is an
    /// error: it does not end as if that were all.
    fn for_each(&self, visit: Visit<'_>) -> Result<(), Error>;
}
