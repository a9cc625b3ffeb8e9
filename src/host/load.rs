//! Loads a plugin and says exactly what is wrong with a bad one.

use super::{
    describe,
    find::{PATH_VARIABLE, find, trusted},
    guard::guarded,
    params::Param,
    services::{HOST, clear_error, take_error},
    storage::Storage,
    table::Table,
    threads::Threads,
    zone_symbols,
};
use ::kumo_plugin::abi::{KUMO_ABI_VERSION, kumo_plugin_init_fn, kumo_storage_init_fn};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::{
    error::Error,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why there is no storage.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No such library.
    #[error(
        "no plugin {name:?}: neither {name} nor lib{name}.so is in {}; give its path, \
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
        "{}: not a plugin: it exports neither kumo_plugin_init nor kumo_storage_init; \
         define one of them, extern \"C\" and visible", .path.display()
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

fn list(directories: &[PathBuf]) -> String {
    directories.iter().map(|d| d.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A plugin that has been loaded and checked. It is never unloaded.
#[derive(Clone)]
pub struct Plugin(pub(super) Arc<Loaded>);

/// What is known of a plugin.
pub(super) struct Loaded {
    pub name: String,
    pub about: Option<About>,
    pub table: Table,
    pub threads: Threads,
    pub caps: u64,
    pub params: Vec<Param>,
}

/// What a described plugin says of itself.
#[derive(Clone, Debug)]
pub struct About {
    /// The version of the engine.
    pub version: String,
    /// One line on what it is.
    pub description: String,
    /// The version of the contract that it was compiled for.
    pub abi_version: u32,
}

impl Plugin {
    /// Finds, loads and checks the plugin that `name` means: a path, or a name
    /// to look for.
    pub fn load(name: &str) -> Result<Self, LoadError> {
        let path = Self::find(name)?;
        trusted(&path).map_err(|reason| LoadError::NotTrusted { path: path.clone(), reason })?;
        zone_symbols::keep();
        // Everything is resolved now, nothing is offered to other libraries,
        // and it stays: what it left behind (threads, finalizers) may run on.
        let flags = RTLD_NOW | RTLD_LOCAL | libc::RTLD_NODELETE;
        // SAFETY: loading runs the library's constructors; that is what the
        // user asked for, and the file's owner has been checked.
        let library = unsafe { Library::open(Some(&path), flags) }.map_err(|error| {
            LoadError::NotALibrary { path: path.clone(), reason: linker_words(&error) }
        })?;

        // SAFETY: the contract gives the symbol this type.
        if let Ok(init) = unsafe { library.get::<kumo_plugin_init_fn>(b"kumo_plugin_init\0") } {
            // SAFETY: the symbol is the contract's, and the library stays.
            return unsafe { Self::described(*init, &path.display().to_string()) };
        }
        // SAFETY: the contract gives the symbol this type.
        match unsafe { library.get::<kumo_storage_init_fn>(b"kumo_storage_init\0") } {
            // SAFETY: the symbol is the contract's, and the library stays.
            Ok(init) => unsafe { Self::classic(*init, &path) },
            Err(_) => Err(LoadError::NoSymbol { path }),
        }
    }

    /// The library that `name` means.
    pub fn find(name: &str) -> Result<PathBuf, LoadError> {
        find(name).map_err(|directories| LoadError::NotFound { name: name.to_owned(), directories })
    }

    /// A plugin that is linked into this executable.
    ///
    /// # Safety
    /// `init` keeps the contract of `kumo_plugin_init`.
    pub(super) unsafe fn linked(init: kumo_plugin_init_fn) -> Result<Self, LoadError> {
        // SAFETY: the caller's promise.
        unsafe { Self::described(init, "the built-in engine") }
    }

    /// # Safety
    /// `init` keeps the contract, and its library is never unloaded.
    unsafe fn classic(init: kumo_storage_init_fn, path: &Path) -> Result<Self, LoadError> {
        let name = path.display().to_string();
        // SAFETY: the caller's promise.
        let op = guarded(&name, "kumo_storage_init", || unsafe { init() });
        let table = Table::classic(&op).map_err(|slot| {
            unfit(&name, format!("its table has NULL for {slot}; only updatev may be NULL"))
        })?;
        let threads = Threads::Parallel;
        Ok(Self(Arc::new(Loaded { name, about: None, table, threads, caps: 0, params: vec![] })))
    }

    /// # Safety
    /// `init` keeps the contract, and its library is never unloaded.
    unsafe fn described(init: kumo_plugin_init_fn, origin: &str) -> Result<Self, LoadError> {
        clear_error();
        // SAFETY: the caller's promise; the host's services live for ever.
        let plugin =
            guarded(origin, "kumo_plugin_init", || unsafe { init(KUMO_ABI_VERSION, &HOST) });
        if plugin.is_null() {
            let reason = take_error().map_or("it does not say why".to_owned(), |f| f.text);
            return Err(unfit(origin, format!("kumo_plugin_init gives up: {reason}")));
        }
        // SAFETY: the contract: a description that lives for ever.
        let loaded = unsafe { describe::loaded(plugin) };
        loaded.map(|loaded| Self(Arc::new(loaded))).map_err(|reason| unfit(origin, reason))
    }

    /// The plugin's name; a classic one's is its path.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What it says of itself, where it does.
    pub fn about(&self) -> Option<&About> {
        self.0.about.as_ref()
    }

    /// The parameters that it takes. A classic one does not say.
    pub fn params(&self) -> &[Param] {
        &self.0.params
    }

    /// What it promises, or says that it cannot: `KUMO_CAP_...` bits.
    pub fn caps(&self) -> u64 {
        self.0.caps
    }

    /// Its thread model: parallel, serialized or single.
    pub fn thread_model(&self) -> &'static str {
        self.0.threads.name()
    }

    /// The names of the optional operations that it has.
    pub fn operations(&self) -> Vec<&'static str> {
        self.0.table.optional()
    }

    /// Opens a database: what the user typed, parameters included.
    pub fn open(&self, location: &OsStr) -> Result<Storage, LoadError> {
        Storage::open(Arc::clone(&self.0), location)
    }
}

fn unfit(plugin: &str, reason: String) -> LoadError {
    LoadError::Unfit { plugin: plugin.to_owned(), reason }
}

/// What the dynamic linker said: it stands behind libloading's own words.
fn linker_words(error: &libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}
