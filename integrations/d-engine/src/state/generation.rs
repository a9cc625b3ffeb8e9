//! The databases of a state machine, one after the other: a snapshot is put beside
//! the state that it replaces, and takes its place in one step.
//!
//! ```text
//! CURRENT     the number of the one that holds
//! 3/state     its database
//! ```
//!
//! What else has a number is left over, from a kill or from what was replaced.

use super::tree;
use crate::{options::Options, place::sync_directory, table::Table};
use d_engine::Error;
use kumo::host::Plugin;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The name of a database within its directory.
const NAME: &str = "state";

/// A database, and its number.
pub struct Generation {
    // Shared with a backup that is being written.
    pub table: Arc<Table>,
    pub number: u64,
}

/// Where the databases are.
pub struct Generations {
    plugin: Plugin,
    options: Options,
    path: PathBuf,
}

impl Generations {
    pub fn new(plugin: &Plugin, path: &Path, options: &Options) -> Self {
        Self { plugin: plugin.clone(), options: options.clone(), path: path.to_owned() }
    }

    /// Opens the one that holds, or the first; removes what is left over.
    pub fn open(&self) -> Result<Generation, Error> {
        let number = match fs::read_to_string(self.current()) {
            Ok(text) => text.trim().parse().map_err(|_| {
                Error::Fatal(format!("{} is damaged: not a number", self.current().display()))
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(self.failed("read", error)),
        };
        self.remove_all_but(number).map_err(|error| self.failed("tidy", error))?;
        fs::create_dir_all(self.directory(number))
            .and_then(|()| sync_directory(&self.path))
            .map_err(|error| self.failed("make", error))?;
        self.open_number(number)
    }

    /// Begins the next one: a copy of the database at `copy`, or an empty one. It
    /// holds once it is [`switch`](Self::switch)ed to.
    pub fn next(&self, to: u64, copy: Option<&Path>) -> Result<Generation, Error> {
        let number = to + 1;
        let make = || {
            self.remove(number)?;
            fs::create_dir(self.directory(number))?;
            match copy {
                Some(copy) => tree::copy(copy, &self.directory(number).join(NAME)),
                None => Ok(()),
            }
        };
        make().map_err(|error| self.failed("make a new state in", error))?;
        self.open_number(number)
    }

    /// Makes one hold that is complete and synced.
    pub fn switch(&self, to: &Generation) -> Result<(), Error> {
        let write = || {
            sync_directory(&self.directory(to.number))?;
            sync_directory(&self.path)?;
            let new = self.path.join("CURRENT.tmp");
            let mut file = File::create(&new)?;
            writeln!(file, "{}", to.number)?;
            file.sync_all()?;
            fs::rename(&new, self.current())?;
            sync_directory(&self.path)
        };
        write().map_err(|error| self.failed("replace the state in", error))
    }

    /// Removes one that holds no more, and is closed.
    pub fn remove(&self, number: u64) -> io::Result<()> {
        tree::remove(&self.directory(number))
    }

    fn open_number(&self, number: u64) -> Result<Generation, Error> {
        let path = self.directory(number).join(NAME);
        let table = Table::open(&self.plugin, path, &self.options)?;
        Ok(Generation { table: Arc::new(table), number })
    }

    fn remove_all_but(&self, number: u64) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            match name.to_str().and_then(|name| name.parse().ok()) {
                Some(other) if other != number => self.remove(other)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn directory(&self, number: u64) -> PathBuf {
        self.path.join(number.to_string())
    }

    fn current(&self) -> PathBuf {
        self.path.join("CURRENT")
    }

    fn failed(&self, doing: &str, error: io::Error) -> Error {
        Error::Fatal(format!("cannot {doing} {}: {error}", self.path.display()))
    }
}

impl Generation {
    /// Where a backup goes within a directory.
    pub fn backup_path(directory: &Path) -> PathBuf {
        directory.join(NAME)
    }
}
