//! Loads a plugin and says exactly what is wrong with a bad one.

use super::{
    find::{PATH_VARIABLE, find, trusted},
    services::{HOST, clear_error, line, take_error},
    storage::Storage,
    table::Table,
    zone_symbols,
};
use ::kumo_plugin::abi::{
    KUMO_ABI_VERSION, KUMO_THREAD_PARALLEL, kumo_plugin, kumo_plugin_init_fn, kumo_storage_init_fn,
    kumo_storage_op,
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::{
    error::Error,
    ffi::OsStr,
    mem::offset_of,
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
pub struct Plugin {
    name: Arc<str>,
    description: Option<String>,
    table: Table,
    described: bool,
}

impl Plugin {
    /// Finds, loads and checks the plugin that `name` means: a path, or a name
    /// to look for.
    pub fn load(name: &str) -> Result<Self, LoadError> {
        let path = find(name)
            .map_err(|directories| LoadError::NotFound { name: name.to_owned(), directories })?;
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
        // SAFETY: the caller's promise.
        let op = unsafe { init() };
        let name = path.display().to_string();
        let table = Table::check(&op).map_err(|slot| null_slot(&name, slot))?;
        Ok(Self { name: name.into(), description: None, table, described: false })
    }

    /// # Safety
    /// `init` keeps the contract, and its library is never unloaded.
    unsafe fn described(init: kumo_plugin_init_fn, origin: &str) -> Result<Self, LoadError> {
        let unfit = |reason: String| LoadError::Unfit { plugin: origin.to_owned(), reason };
        clear_error();
        // SAFETY: the caller's promise; the host's services live for ever.
        let plugin = unsafe { init(KUMO_ABI_VERSION, &HOST) };
        if plugin.is_null() {
            let reason = take_error().map_or("it does not say why".to_owned(), |f| f.text);
            return Err(unfit(format!("kumo_plugin_init gives up: {reason}")));
        }
        // The size comes first and says how much of the rest is there.
        // SAFETY: the contract: at least the size can be read.
        let size = unsafe { (&raw const (*plugin).struct_size).read() };
        let least = offset_of!(kumo_plugin, op) + size_of::<kumo_storage_op>();
        if size < least {
            return Err(unfit(format!(
                "its kumo_plugin has {size} bytes and the contract's first version {least}; \
                 set struct_size to sizeof(kumo_plugin)"
            )));
        }
        // SAFETY: as many bytes as this host knows of are there.
        let plugin = unsafe { plugin.read() };
        if plugin.abi_version == 0 || plugin.abi_version > KUMO_ABI_VERSION {
            return Err(unfit(format!(
                "it needs version {} of the contract and this host speaks {KUMO_ABI_VERSION}; \
                 use a newer kumo, or compile the plugin with this kumo's header",
                plugin.abi_version
            )));
        }
        if plugin.thread_model != KUMO_THREAD_PARALLEL {
            return Err(unfit(format!(
                "it declares thread model {}, which this host does not know; \
                 {KUMO_THREAD_PARALLEL} is parallel",
                plugin.thread_model
            )));
        }
        // SAFETY: the contract: NULL or C strings that live for ever.
        let (name, version, description) =
            unsafe { (line(plugin.name), line(plugin.version), line(plugin.description)) };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        {
            return Err(unfit(format!(
                "its name is {name:?}; a name has letters, digits, _ and - only"
            )));
        }
        let table = Table::check(&plugin.op).map_err(|slot| null_slot(origin, slot))?;
        let description = Some(format!("{name} {version}: {description}"));
        Ok(Self { name: name.into(), description, table, described: true })
    }

    /// The plugin's name; a classic one's is its path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name, version and description, where it says them.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Opens a database: what the user typed, parameters included.
    pub fn open(&self, location: &OsStr) -> Result<Storage, LoadError> {
        Storage::open(self.name.clone(), self.table, self.described, location)
    }
}

/// What the dynamic linker said: it stands behind libloading's own words.
fn linker_words(error: &libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn null_slot(plugin: &str, slot: &str) -> LoadError {
    LoadError::Unfit {
        plugin: plugin.to_owned(),
        reason: format!("its table has NULL for {slot}; only updatev may be NULL"),
    }
}
