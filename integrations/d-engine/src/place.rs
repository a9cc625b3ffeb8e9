//! A directory of a store's, which one process has at a time, whatever its plugin
//! does about that.

use d_engine::Error;
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// A directory, locked.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    // The lock, until it is closed.
    _lock: File,
}

impl Place {
    /// Makes the directory where there is none, and locks it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |doing: &str, error: io::Error| {
            Error::Fatal(format!("cannot {doing} {}: {error}", path.display()))
        };
        fs::create_dir_all(path).map_err(|error| failed("make", error))?;
        // What is in it is lost with it where power fails.
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_directory(parent).map_err(|error| failed("sync the directory of", error))?;
        }
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join("LOCK"))
            .map_err(|error| failed("lock", error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(Error::Fatal(format!("{} is in use by another process", path.display())))
            }
            Err(TryLockError::Error(error)) => Err(failed("lock", error)),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Returns when names made and removed in a directory are on the disk.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
