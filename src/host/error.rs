//! Why there is no plugin, or no storage.

use super::find::PATH_VARIABLE;
use std::path::PathBuf;

/// Why there is no storage.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No such library.
    #[error(
        "no plugin {name:?}: none of {name}, {name}.so and lib{name}.so is in {}; give its path, \
         ./{name}, or set {PATH_VARIABLE}",
        list(.directories)
    )]
    NotFound {
        /// What was asked for.
        name: String,
        /// Where it was sought.
        directories: Vec<PathBuf>,
    },
    /// A library that a stranger could have written.
    #[error("{}: not loaded: {reason}", .path.display())]
    NotTrusted {
        /// The library.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The dynamic linker refuses it.
    #[error("{}: not a library that can be loaded: {reason}", .path.display())]
    NotALibrary {
        /// The file.
        path: PathBuf,
        /// The linker's words.
        reason: String,
    },
    /// A library, but not a plugin.
    #[error(
        "{}: not a plugin: it exports neither kumo_plugin_init nor kumo_storage_init, nor \
         create_instance as memcached's engines do; define one of them, extern \"C\" and \
         visible", .path.display()
    )]
    NoSymbol {
        /// The library.
        path: PathBuf,
    },
    /// A plugin that does not fit this host.
    #[error("{plugin}: {reason}")]
    Unfit {
        /// The plugin's name or path.
        plugin: String,
        /// What does not fit.
        reason: String,
    },
    /// A plugin whose `create` or `open` failed.
    #[error("{plugin} cannot open {location:?}: {reason}")]
    Open {
        /// The plugin's name or path.
        plugin: String,
        /// What was to be opened.
        location: String,
        /// The plugin's words.
        reason: String,
    },
}

impl LoadError {
    /// A plugin does not fit.
    pub(super) fn unfit(plugin: &str, reason: impl Into<String>) -> Self {
        Self::Unfit { plugin: plugin.to_owned(), reason: reason.into() }
    }
}

fn list(directories: &[PathBuf]) -> String {
    directories.iter().map(|d| d.display().to_string()).collect::<Vec<_>>().join(", ")
}
