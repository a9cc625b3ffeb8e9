//! Loads a plugin and says exactly what is wrong with a bad one.

use super::{
    describe,
    error::LoadError,
    find::{directories, find, trusted},
    guard::guarded,
    memcached,
    plugin::{Loaded, Plugin},
    services::{HOST, clear_error, take_error},
    table::Table,
    threads::Threads,
    zone_symbols,
};
use ::kumo_plugin::abi::{KUMO_ABI_VERSION, kumo_plugin_init_fn, kumo_storage_init_fn};
use libloading::os::unix::{self, RTLD_LOCAL, RTLD_NOW};
use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A library that can be served.
pub enum Library {
    /// A plugin with a table of kumo's, which is kumofs's.
    Plugin(Plugin),
    /// An engine of memcached's engine interface.
    Engine(memcached::Module),
}

impl Library {
    /// Finds and loads the library that `name` means: a path, or a name to look
    /// for. A plugin has been checked then.
    pub fn load(name: &str) -> Result<Self, LoadError> {
        let path = Plugin::find(name)?;
        trusted(&path).map_err(|reason| LoadError::NotTrusted { path: path.clone(), reason })?;
        zone_symbols::keep();
        // Everything is resolved now, nothing is offered to other libraries,
        // and it stays: what it left behind (threads, finalizers) may run on.
        let flags = RTLD_NOW | RTLD_LOCAL | libc::RTLD_NODELETE;
        // SAFETY: loading runs the library's constructors; that is what the
        // user asked for, and the file's owner has been checked.
        let library = unsafe { unix::Library::open(Some(&path), flags) }.map_err(|error| {
            LoadError::NotALibrary { path: path.clone(), reason: linker_words(&error) }
        })?;

        // SAFETY: the contract gives the symbol this type.
        if let Ok(init) = unsafe { library.get::<kumo_plugin_init_fn>(b"kumo_plugin_init\0") } {
            // SAFETY: the symbol is the contract's, and the library stays.
            return unsafe { Plugin::described(*init, &path.display().to_string()) }
                .map(Self::Plugin);
        }
        // SAFETY: the contract gives the symbol this type.
        if let Ok(init) = unsafe { library.get::<kumo_storage_init_fn>(b"kumo_storage_init\0") } {
            // SAFETY: the symbol is the contract's, and the library stays.
            return unsafe { Plugin::classic(*init, &path) }.map(Self::Plugin);
        }
        // SAFETY: memcached gives the symbol this type.
        match unsafe { library.get::<memcached::create_instance>(b"create_instance\0") } {
            // SAFETY: the symbol is memcached's, and the library stays.
            Ok(create) => Ok(Self::Engine(unsafe { memcached::Module::new(&path, *create) })),
            Err(_) => Err(LoadError::NoSymbol { path }),
        }
    }
}

impl Plugin {
    /// As [`Library::load`], where nothing but a plugin will do.
    pub fn load(name: &str) -> Result<Self, LoadError> {
        match Library::load(name)? {
            Library::Plugin(plugin) => Ok(plugin),
            Library::Engine(module) => Err(LoadError::unfit(
                module.name(),
                "it is an engine of memcached's interface, and has no table of kumo's; \
                 kumo-server -E serves it",
            )),
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
        unsafe { Self::described(init, "a linked engine") }
    }

    /// # Safety
    /// `init` keeps the contract, and its library is never unloaded.
    unsafe fn classic(init: kumo_storage_init_fn, path: &Path) -> Result<Self, LoadError> {
        let name = path.display().to_string();
        // SAFETY: the caller's promise.
        let op = guarded(&name, "kumo_storage_init", || unsafe { init() });
        let table = Table::classic(&op).map_err(|slot| {
            LoadError::unfit(
                &name,
                format!("its table has NULL for {slot}; only updatev may be NULL"),
            )
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
            return Err(LoadError::unfit(origin, format!("kumo_plugin_init gives up: {reason}")));
        }
        // SAFETY: the contract: a description that lives for ever.
        let loaded = unsafe { describe::loaded(plugin) };
        loaded
            .map(|loaded| Self(Arc::new(loaded)))
            .map_err(|reason| LoadError::unfit(origin, reason))
    }
}

/// What the dynamic linker said: it stands behind libloading's own words.
fn linker_words(error: &libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}
