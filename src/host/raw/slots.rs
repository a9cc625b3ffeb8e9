//! The slots of a plugin's table, those included that the host does without.

use super::{Answer, RawPlugin};
use crate::host::LoadError;
use ::kumo_plugin::abi::{
    KUMO_ABI_VERSION, kumo_plugin, kumo_plugin_init_fn, kumo_storage_init_fn, kumo_storage_op,
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::{mem::MaybeUninit, path::Path, ptr};

/// A plugin's table and its tail.
pub(super) struct Slots {
    pub op: kumo_storage_op,
    /// The description, of which only the tail is used; NULL members for a
    /// classic plugin.
    pub tail: kumo_plugin,
}

/// A library that [`Plugin::load`](crate::host::Plugin::load) has loaded.
fn open(path: &Path) -> Result<Library, libloading::Error> {
    let flags = RTLD_NOW | RTLD_LOCAL | libc::RTLD_NODELETE;
    // SAFETY: it is loaded already, so nothing runs.
    unsafe { Library::open(Some(path), flags) }
}

/// Reads the table of a library that [`Plugin::load`](crate::host::Plugin::load)
/// has loaded and found good.
pub(super) fn read(path: &Path) -> Result<Slots, LoadError> {
    let no_symbol = || LoadError::NoSymbol { path: path.to_owned() };
    let library = open(path).map_err(|_| no_symbol())?;

    // SAFETY: zeros are a kumo_plugin: NULLs and Nones.
    let mut tail = unsafe { MaybeUninit::<kumo_plugin>::zeroed().assume_init() };
    // SAFETY: the contract gives the symbol this type.
    if let Ok(init) = unsafe { library.get::<kumo_plugin_init_fn>(b"kumo_plugin_init\0") } {
        // SAFETY: the contract; the host's services live for ever.
        let plugin = unsafe { init(KUMO_ABI_VERSION, &crate::host::services::HOST) };
        if plugin.is_null() {
            return Err(no_symbol());
        }
        // SAFETY: as many bytes as its size says can be read, and the size has
        // been checked; zeros stand for the rest.
        unsafe {
            let size = (&raw const (*plugin).struct_size).read().min(size_of::<kumo_plugin>());
            ptr::copy_nonoverlapping(plugin.cast::<u8>(), (&raw mut tail).cast(), size);
        }
        return Ok(Slots { op: tail.op, tail });
    }
    // SAFETY: the contract gives the symbol this type.
    let init = unsafe { library.get::<kumo_storage_init_fn>(b"kumo_storage_init\0") };
    // SAFETY: the contract.
    let op = unsafe { init.map_err(|_| no_symbol())?() };
    Ok(Slots { op, tail })
}

/// What a host that knows only classic plugins finds in a library that is
/// loaded: the slots that are NULL, of those that may not be. None: it exports no
/// `kumo_storage_init`.
pub(super) fn classic_nulls(plugin: &RawPlugin) -> Answer<Option<Vec<&'static str>>> {
    let none = Answer { said: None, error: None };
    let Ok(library) = open(&plugin.0.path) else { return none };
    // SAFETY: the contract gives the symbol this type.
    let init = unsafe { library.get::<kumo_storage_init_fn>(b"kumo_storage_init\0") };
    let Ok(init) = init else { return none };
    // SAFETY: the symbol is the contract's, and the library stays.
    let answer = plugin.call("kumo_storage_init", || unsafe { init() });
    Answer { said: Some(nulls(&answer.said)), error: answer.error }
}

/// The slots of a table that are NULL, but for `updatev`.
fn nulls(op: &kumo_storage_op) -> Vec<&'static str> {
    macro_rules! nulls {
        ($($slot:ident)*) => {
            [$((stringify!($slot), op.$slot.is_none())),*]
        };
    }
    let all = nulls![create free open close get get_header set del update rnum backup error
        for_each iterator_key iterator_val iterator_keylen iterator_vallen iterator_release_key
        iterator_release_val iterator_del iterator_del_force];
    all.into_iter().filter_map(|(slot, is_null)| is_null.then_some(slot)).collect()
}

impl Slots {
    /// Whether a slot that may be NULL is there; true for those that may not.
    pub fn has(&self, slot: &str) -> bool {
        let (op, tail) = (&self.op, &self.tail);
        match slot {
            "get_header" => op.get_header.is_some(),
            "updatev" => op.updatev.is_some(),
            "rnum" => op.rnum.is_some(),
            "backup" => op.backup.is_some(),
            "error" => op.error.is_some(),
            "iterator_release_key" => op.iterator_release_key.is_some(),
            "iterator_release_val" => op.iterator_release_val.is_some(),
            "iterator_del" => op.iterator_del.is_some(),
            "iterator_del_force" => op.iterator_del_force.is_some(),
            "sync" => tail.sync.is_some(),
            "stats" => tail.stats.is_some(),
            "verify" => tail.verify.is_some(),
            "compact" => tail.compact.is_some(),
            "seek" => tail.seek.is_some(),
            "getv" => tail.getv.is_some(),
            "batch" => tail.batch.is_some(),
            "repair" => tail.repair.is_some(),
            _ => true,
        }
    }
}

/// A slot that has been checked: [`Plugin::load`](crate::host::Plugin::load)
/// refuses tables without the required ones, and [`Slots::has`] is asked before
/// an optional one is called.
macro_rules! slot {
    ($slot:expr) => {
        match $slot {
            Some(function) => function,
            None => unreachable!("the slot {} is NULL: ask `has` first", stringify!($slot)),
        }
    };
}
pub(super) use slot;
