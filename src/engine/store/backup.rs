//! Backups: the engine writes the copy, the host checks it and never leaves
//! half of one.

use super::Shared;
use crate::{
    engine::Backup,
    host::{ErrorCode, Failure},
};
use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::TryLockError,
    time::Instant,
};

/// Splits `path#parameters` at the first `#`.
fn split(location: &OsStr) -> (&Path, &OsStr) {
    let bytes = location.as_bytes();
    let end = bytes.iter().position(|&byte| byte == b'#').unwrap_or(bytes.len());
    let (path, params) = bytes.split_at(end);
    (Path::new(OsStr::from_bytes(path)), OsStr::from_bytes(params))
}

/// `path` with `text` behind it.
fn with(path: &Path, text: impl AsRef<OsStr>) -> OsString {
    let mut longer = path.as_os_str().to_owned();
    longer.push(text);
    longer
}

/// Where a backup goes.
fn target(location: &OsStr, suffix: &str) -> Result<PathBuf, Failure> {
    let bad = |what: &str| {
        Err(Failure::new(
            ErrorCode::Invalid,
            format!("the suffix {suffix:?} {what}; use letters and digits, a date for example"),
        ))
    };
    if suffix.is_empty() {
        return bad("is empty");
    }
    if suffix.bytes().all(|byte| byte == b'.') {
        return bad("is dots alone");
    }
    if let Some(odd) = suffix.chars().find(|c| matches!(c, '/' | '#') || c.is_control()) {
        return bad(&format!("has a {odd:?}"));
    }
    if suffix.ends_with(".tmp") {
        return bad("ends in .tmp, as a backup that is not finished does");
    }
    if suffix.len() > 100 {
        return bad("is longer than 100 bytes");
    }
    let path = with(split(location).0, format!("-{suffix}"));
    // What is told to the operator should not depend on where the server runs.
    std::path::absolute(&path)
        .map_err(|error| Failure::new(ErrorCode::Io, format!("{}: {error}", path.display())))
}

/// Removes what a failed backup left, if it left anything.
fn remove(path: &OsStr) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!("cannot remove {}: {error}", Path::new(path).display());
    }
}

impl Shared {
    /// Writes a copy beside the database, opens it to count its items, and
    /// returns when it is safe on the disk.
    pub fn backup(&self, suffix: &str) -> Result<Backup, Failure> {
        let path = target(&self.location, suffix)?;
        let _one_at_a_time = match self.backing_up.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(
                    ErrorCode::Busy,
                    "a backup is under way already; wait until it is done",
                ));
            }
        };
        if fs::symlink_metadata(&path).is_ok() {
            return Err(Failure::new(
                ErrorCode::Invalid,
                format!("{} exists; choose another suffix, or remove it", path.display()),
            ));
        }
        let began = Instant::now();
        if let Err(failure) = self.storage.backup(&path, &self.location_of(&path)) {
            // The name is reserved for this by the contract of `backup`.
            remove(&with(&path, ".tmp"));
            return Err(failure);
        }
        match self.check(&path) {
            Ok((records, bytes)) => Ok(Backup { path, records, bytes, took: began.elapsed() }),
            Err(failure) => {
                remove(path.as_os_str());
                Err(failure)
            }
        }
    }

    /// How a copy at `path` is opened: with the database's own parameters.
    fn location_of(&self, path: &Path) -> OsString {
        with(path, split(&self.location).1)
    }

    /// Opens the copy as a database: its items and its size.
    fn check(&self, path: &Path) -> Result<(u64, u64), Failure> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            Failure::new(ErrorCode::Io, format!("{what} {}: {error}", path.display()))
        };
        let bytes = fs::metadata(path).map_err(|e| failed("the engine did not write", &e))?.len();
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        File::open(parent)
            .and_then(|directory| directory.sync_all())
            .map_err(|e| failed("cannot sync the directory of", &e))?;
        let copy = self
            .plugin
            .open(&self.location_of(path))
            .map_err(|e| failed("the backup cannot be opened:", &e))?;
        let records = copy.rnum()?.saturating_sub(self.own.hidden());
        Ok((records, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_stands_beside_the_database_without_its_parameters() {
        let path = target(OsStr::new("/dir/kumo.db#sync=none#a=b"), "20261120").unwrap();
        assert_eq!(path, Path::new("/dir/kumo.db-20261120"));
        let relative = target(OsStr::new("kumo.db"), "x").unwrap();
        assert!(relative.is_absolute() && relative.ends_with("kumo.db-x"));
    }

    #[test]
    fn a_suffix_that_leaves_the_directory_or_the_name_is_refused() {
        for suffix in ["", "a.tmp", ".", "..", "a/b", "../x", "/", "a#b", "a\0b", "a\nb"] {
            assert!(target(OsStr::new("kumo.db"), suffix).is_err(), "{suffix:?}");
        }
    }
}
