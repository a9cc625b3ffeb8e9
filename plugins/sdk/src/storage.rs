//! The trait that an engine implements.

use crate::error::Error;
use std::{
    ffi::CStr,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// The host's comparison: shown the record's present value, it says whether
/// the write or the delete goes ahead.
///
/// Call it while nothing else can change the record, once for a record that
/// exists and never for one that does not. It does not enter the storage.
pub type CasProc<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// Where a database is: what the user typed, its parameters split off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The path without the parameters.
    pub path: PathBuf,
    /// The parameters of `path#name=value#name=value`, in order.
    pub params: Vec<(String, String)>,
}

impl Location {
    /// Splits `path#name=value#name=value`. An error where a parameter has no
    /// `=`.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        use std::os::unix::ffi::OsStrExt;
        let mut parts = text.split(|&byte| byte == b'#');
        let path = Path::new(std::ffi::OsStr::from_bytes(parts.next().unwrap_or_default()));
        let mut params = Vec::new();
        for part in parts {
            let part = String::from_utf8_lossy(part);
            let Some((name, value)) = part.split_once('=') else {
                return Err(Error::invalid(format!(
                    "the parameter {part:?} has no value: write PATH#name=value"
                )));
            };
            params.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self { path: path.to_owned(), params })
    }
}

/// A value that `get` found.
pub enum Value<'a> {
    /// Bytes that stay where they are for as long as the storage is open.
    Borrowed(&'a [u8]),
    /// Bytes that are the host's from now on.
    Owned(Vec<u8>),
    /// Bytes that stay where they are until this is dropped, on any thread: an
    /// `Arc<[u8]>`, a guard into a mapping.
    Pinned(Box<dyn AsRef<[u8]> + Send>),
}

/// A record during a scan.
pub trait Entry {
    /// The record's key.
    fn key(&self) -> &[u8];
    /// The record's value.
    fn value(&self) -> &[u8];
    /// Deletes the record if it is still there and `proc` agrees. False: it
    /// did not, or the record is gone.
    fn del(&mut self, proc: CasProc<'_>) -> Result<bool, Error>;
}

/// A storage engine.
///
/// Methods are called from many threads at once. Keys and values hold any byte
/// and may be empty. A panic in a method is caught and becomes the error of
/// that call.
pub trait Storage: Send + Sync + Sized + 'static {
    /// The engine's name: letters, digits, `_` and `-`.
    const NAME: &'static CStr;
    /// The engine's version.
    const VERSION: &'static CStr;
    /// One line on what the engine is.
    const DESCRIPTION: &'static CStr;

    /// Opens the database, making it where there is none.
    fn open(location: &Location) -> Result<Self, Error>;

    /// Closes the database. Dropping follows, so what `drop` does need not be
    /// done here; this is for what can fail.
    fn close(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Finds a value; None where there is none.
    fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error>;

    /// Copies as much of the start of a value as fits into `head`, and returns
    /// how many bytes those are; None where there is no such key.
    fn get_header(&self, key: &[u8], head: &mut [u8]) -> Result<Option<usize>, Error> {
        Ok(self.get(key)?.map(|value| {
            let bytes: &[u8] = match &value {
                Value::Borrowed(bytes) => bytes,
                Value::Owned(bytes) => bytes,
                Value::Pinned(bytes) => (**bytes).as_ref(),
            };
            let len = bytes.len().min(head.len());
            head[..len].copy_from_slice(&bytes[..len]);
            len
        }))
    }

    /// Stores a value, whether the key is there or not.
    fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error>;

    /// Deletes a record if it is there and `proc` agrees, in one step. False:
    /// it is not there (`proc` has not been called), or `proc` refused.
    fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error>;

    /// Stores a value if the key is absent (`proc` has not been called) or
    /// `proc` agrees, in one step. False: `proc` refused.
    fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error>;

    /// The number of records.
    fn rnum(&self) -> u64;

    /// Writes a copy of the database, a consistent point in time: to `dst` with
    /// `.tmp` behind it, which is synced and renamed to `dst`. Nothing is left
    /// behind on failure.
    fn backup(&self, dst: &Path) -> Result<(), Error>;

    /// Shows every record to `visit` until that breaks off.
    fn for_each(
        &self,
        visit: &mut dyn FnMut(&mut dyn Entry) -> ControlFlow<()>,
    ) -> Result<(), Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_split_from_the_path() {
        let location = Location::parse(b"a/b.db#sync=none#cap=5=5").unwrap();
        assert_eq!(location.path, Path::new("a/b.db"));
        let params: Vec<_> = location.params.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(params, [("sync", "none"), ("cap", "5=5")]);
        assert_eq!(Location::parse(b"plain").unwrap().params, []);
        let error = Location::parse(b"x.db#oops").unwrap_err();
        assert!(error.text().contains("\"oops\""), "{error}");
    }
}
