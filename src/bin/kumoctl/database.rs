//! A database that this program opens itself, without a server.

use crate::{plugin_bench::option, plugin_probe::plugin};
use anyhow::{Context, Result, bail};
use kumo::{engine::store::offline::Offline, host::Plugin};
use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// The engine, for a command on files.
#[derive(clap::Args)]
pub struct Library {
    /// The database's engine: a library's path or name, or built-in
    #[arg(short = 'E', long, value_name = "LIB", default_value = "built-in")]
    storage: String,
}

impl Library {
    /// The plugin.
    pub fn plugin(&self) -> Result<Plugin> {
        // An engine's warnings go to stderr, as the server's log does.
        let log = tracing_subscriber::fmt().with_writer(std::io::stderr).without_time();
        let _ = log.with_target(false).with_max_level(tracing::Level::WARN).try_init();
        plugin(&self.storage)
    }
}

/// The engine, and how it opens a database.
#[derive(clap::Args)]
pub struct Engine {
    #[command(flatten)]
    library: Library,

    /// A parameter of the engine (kumoctl plugin info); may be given several times
    #[arg(short = 'e', long = "opt", value_name = "NAME=VALUE", value_parser = option)]
    options: Vec<String>,
}

impl Engine {
    /// The plugin.
    pub fn plugin(&self) -> Result<Plugin> {
        self.library.plugin()
    }

    /// The location of the database at `path`, as a plugin is told it.
    pub fn location(&self, path: &OsStr) -> OsString {
        let mut location = path.to_owned();
        for option in &self.options {
            location.push("#");
            location.push(option);
        }
        location
    }

    /// Opens a database that is there.
    pub fn open(&self, path: &OsStr) -> Result<Offline> {
        must_exist(path)?;
        self.open_or_make(path)
    }

    /// Opens a database, which the engine makes if there is none.
    pub fn open_or_make(&self, path: &OsStr) -> Result<Offline> {
        Ok(Offline::open(&self.plugin()?, &self.location(path))?)
    }
}

/// Refuses to go on without a database: an engine would make a new one.
pub fn must_exist(path: &OsStr) -> Result<()> {
    let file = file(path);
    match fs::symlink_metadata(file) {
        Ok(_) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("no database at {}", file.display())),
    }
}

/// Refuses to write over something.
pub fn must_not_exist(path: &Path) -> Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        bail!("{} is there already; name another file, or remove it", path.display());
    }
    Ok(())
}

/// The file of a database, without the parameters behind its name.
pub fn file(path: &OsStr) -> &Path {
    let bytes = path.as_bytes();
    let end = bytes.iter().position(|&byte| byte == b'#').unwrap_or(bytes.len());
    Path::new(OsStr::from_bytes(&bytes[..end]))
}

/// `path` with `text` behind it.
pub fn with(path: &Path, text: &str) -> PathBuf {
    let mut longer = path.as_os_str().to_owned();
    longer.push(text);
    longer.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_go_behind_the_path_and_are_no_part_of_the_file() {
        let library = Library { storage: "built-in".to_owned() };
        let engine = Engine { library, options: vec!["b=2".to_owned()] };
        let location = engine.location(OsStr::new("dir/a.db#a=1"));
        assert_eq!(location, "dir/a.db#a=1#b=2");
        assert_eq!(file(&location), Path::new("dir/a.db"));
        assert_eq!(with(file(&location), ".dump"), Path::new("dir/a.db.dump"));
    }
}
