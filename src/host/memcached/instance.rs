//! An engine, from create_instance to destroy.

use super::{
    abi::{self, Code, INTERFACE, engine_handle, engine_handle_v1},
    api::{self, Services},
};
use crate::host::{error::LoadError, guard::guarded, services::line};
use std::{
    ffi::CString,
    path::Path,
    ptr::{self, NonNull},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// The most features of an engine's that are read.
const MAX_FEATURES: u32 = 64;

/// A library that exports `create_instance`.
pub struct Module {
    name: String,
    create: abi::create_instance,
}

/// An engine that has been created, and is destroyed when the last reference
/// goes.
pub struct Instance {
    pub(super) name: String,
    pub(super) handle: NonNull<engine_handle>,
    pub(super) table: Table,
    /// The functions that are there and never called.
    uncalled: Vec<&'static str>,
}

// SAFETY: the interface says that every function may be called from any thread.
unsafe impl Send for Instance {}
// SAFETY: as for Send.
unsafe impl Sync for Instance {}

/// The engines that live.
static INSTANCES: AtomicUsize = AtomicUsize::new(0);

macro_rules! table {
    ($($required:ident)*; $($optional:ident)*) => {
        /// The functions of an engine that are called.
        pub(super) struct Table {
            $(pub $required: abi::$required,)*
            $(pub $optional: Option<abi::$optional>,)*
        }

        impl Table {
            /// Err: a function that is required, and NULL.
            fn new(all: &engine_handle_v1) -> Result<Self, &'static str> {
                Ok(Self {
                    $($required: all.$required.ok_or(stringify!($required))?,)*
                    $($optional: all.$optional,)*
                })
            }

            /// The names of the optional functions that are there.
            fn optional(&self) -> Vec<&'static str> {
                let all = [$((stringify!($optional), self.$optional.is_some()),)*];
                all.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
            }
        }
    };
}

table! {
    get_info initialize destroy allocate remove release get store flush get_stats reset_stats
    item_set_cas get_item_info;
    arithmetic unknown_command errinfo
}

impl Module {
    /// # Safety
    /// `create` keeps the contract of `create_instance`, and its library is
    /// never unloaded.
    pub(in crate::host) unsafe fn new(path: &Path, create: abi::create_instance) -> Self {
        Self { name: path.display().to_string(), create }
    }

    /// The library's path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates an engine, without initializing it, and checks its table.
    pub fn create(&self) -> Result<Instance, LoadError> {
        let mut handle = ptr::null_mut();
        let code = guarded(&self.name, "create_instance", || {
            // SAFETY: the promise of `new`; the server's tables live for ever.
            unsafe { (self.create)(INTERFACE, api::server, &mut handle) }
        });
        let unfit = |reason: String| LoadError::unfit(&self.name, reason);
        if code != Code::SUCCESS {
            return Err(unfit(match code {
                Code::ENOTSUP => format!(
                    "it does not support version {INTERFACE} of memcached's engine interface; \
                     compile it with include/memcached/engine.h"
                ),
                code => format!("create_instance failed: {code}"),
            }));
        }
        let Some(handle) = NonNull::new(handle) else {
            return Err(unfit("create_instance succeeded and gave no handle".to_owned()));
        };
        // SAFETY: the contract: every handle begins with its version.
        let interface = unsafe { handle.as_ref() }.interface;
        let table = handle.cast::<engine_handle_v1>();
        let destroy = || {
            // SAFETY: in every version destroy stands where it stands in this one.
            if let Some(destroy) = unsafe { (&raw const (*table.as_ptr()).destroy).read() } {
                // SAFETY: it is destroyed once, and nothing of it is used again.
                guarded(&self.name, "destroy", || unsafe { destroy(handle.as_ptr(), false) });
            }
            api::forget(handle.as_ptr());
        };
        if interface != INTERFACE {
            destroy();
            return Err(unfit(format!(
                "it answers with version {interface} of memcached's engine interface, and \
                 this host speaks {INTERFACE}; compile it with include/memcached/engine.h"
            )));
        }
        // SAFETY: the contract: the table of version 1.
        let all = unsafe { table.read() };
        match Table::new(&all) {
            Ok(table) => {
                let (name, uncalled) = (self.name.clone(), uncalled(&all));
                INSTANCES.fetch_add(1, Relaxed);
                Ok(Instance { name, handle, table, uncalled })
            }
            Err(slot) => {
                destroy();
                Err(unfit(format!(
                    "its table has NULL for {slot}; include/memcached/engine.h names the \
                     functions that may be NULL"
                )))
            }
        }
    }

    /// Creates and initializes an engine. The configuration is handed on as it
    /// is; by custom it is `key=value;key=value`.
    pub fn start(
        &self,
        config: Option<&str>,
        services: Services,
    ) -> Result<Arc<Instance>, LoadError> {
        let failed = |reason: String| LoadError::unfit(&self.name, reason);
        let config = config.map(CString::new).transpose();
        let config = config.map_err(|_| failed("the configuration has a NUL byte".to_owned()))?;
        api::offer(services);
        let instance = self.create()?;
        let handle = instance.handle.as_ptr();
        let config = config.as_ref().map_or(ptr::null(), |config| config.as_ptr());
        let code = guarded(&self.name, "initialize", || {
            // SAFETY: created, and not yet initialized; NULL or a C string.
            unsafe { (instance.table.initialize)(handle, config) }
        });
        if code != Code::SUCCESS {
            return Err(failed(format!("it does not start: initialize failed: {code}")));
        }
        api::serve(handle);
        Ok(Arc::new(instance))
    }
}

impl Instance {
    /// The version of the interface that every engine has here.
    pub const INTERFACE: u64 = INTERFACE;

    /// The library's path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the optional functions that it has.
    pub fn optional(&self) -> Vec<&'static str> {
        self.table.optional()
    }

    /// The functions that it has, and that are never called.
    pub fn uncalled(&self) -> &[&'static str] {
        &self.uncalled
    }

    /// What it says of itself; it must be initialized. None: get_info is NULL's.
    pub fn about(&self) -> Option<About> {
        guarded(&self.name, "get_info", || {
            // SAFETY: it has been initialized.
            let info = unsafe { (self.table.get_info)(self.handle.as_ptr()) };
            // SAFETY: NULL, or a description that stays until destroy.
            let about = unsafe { info.as_ref() }?;
            // SAFETY: NULL or a C string.
            let description = unsafe { line(about.description) };
            let features = (0..about.num_features.min(MAX_FEATURES)).map(|number| {
                // SAFETY: so many features stand behind the description.
                let feature = unsafe {
                    &*(&raw const (*info).features).cast::<abi::feature_info>().add(number as usize)
                };
                // SAFETY: NULL or a C string.
                let description = unsafe { line(feature.description) };
                Feature { number: feature.feature, description }
            });
            Some(About { description, features: features.collect() })
        })
    }
}

/// What an engine says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// A line on what it is.
    pub description: String,
    /// What it can do.
    pub features: Vec<Feature>,
}

/// What an engine can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// `ENGINE_FEATURE_...`
    pub number: u32,
    /// The engine's words for it, or none.
    pub description: String,
}

impl Feature {
    /// The number of `ENGINE_FEATURE_CAS`.
    pub const CAS: u32 = 0;
    /// The number of `ENGINE_FEATURE_PERSISTENT_STORAGE`.
    pub const PERSISTENT_STORAGE: u32 = 1;
}

impl std::fmt::Display for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match FEATURES.get(self.number as usize) {
            _ if !self.description.is_empty() => f.write_str(&self.description),
            Some(name) => f.write_str(name),
            None => write!(f, "feature {:#x}", self.number),
        }
    }
}

/// The names of the functions that are there and never called.
fn uncalled(all: &engine_handle_v1) -> Vec<&'static str> {
    let known = [
        ("get_stats_struct", all.get_stats_struct.is_some()),
        ("aggregate_stats", all.aggregate_stats.is_some()),
        ("tap_notify", all.tap_notify.is_some()),
        ("get_tap_iterator", all.get_tap_iterator.is_some()),
    ];
    known.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
}

/// The features that have a number.
const FEATURES: [&str; 7] = [
    "compare and swap",
    "persistent storage",
    "secondary engine",
    "access control",
    "multi tenancy",
    "LRU",
    "vbuckets",
];

impl Drop for Instance {
    fn drop(&mut self) {
        let handle = self.handle.as_ptr();
        api::withdraw(handle);
        guarded(&self.name, "destroy", || {
            // SAFETY: the last reference: no call is under way, every item has
            // been released, and nothing of it is used again.
            unsafe { (self.table.destroy)(handle, false) }
        });
        api::forget(handle);
        if INSTANCES.fetch_sub(1, Relaxed) == 1 {
            // What the last one has not taken back went with it.
            api::forget_extensions();
        }
    }
}
