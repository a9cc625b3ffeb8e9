//! Loads a plugin and says exactly what is wrong with a bad one.

use super::{
    describe,
    error::LoadError,
    find::{directories, find, trusted},
    guard::guarded,
    plugin::{Loaded, Plugin},
    services::{HOST, clear_error, take_error},
    table::Table,
    threads::Threads,
    zone_symbols,
};
use ::kumo_plugin::abi::{KUMO_ABI_VERSION, kumo_plugin_init_fn, kumo_storage_init_fn};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
};

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

    /// Where a name without a slash is sought, in order.
    pub fn directories() -> Vec<PathBuf> {
        directories()
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
}

fn unfit(plugin: &str, reason: String) -> LoadError {
    LoadError::Unfit { plugin: plugin.to_owned(), reason }
}

/// What the dynamic linker said: it stands behind libloading's own words.
fn linker_words(error: &libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}
