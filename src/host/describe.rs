//! Reads what `kumo_plugin_init` returns.

use super::{
    params::declared,
    plugin::{About, Loaded},
    services::line,
    table::Table,
    threads::Threads,
};
use ::kumo_plugin::abi::{
    KUMO_ABI_VERSION, KUMO_THREAD_PARALLEL, KUMO_THREAD_SERIALIZED, KUMO_THREAD_SINGLE,
    kumo_plugin, kumo_storage_op,
};
use std::{
    mem::{MaybeUninit, offset_of},
    ptr,
};

/// The least that a description holds: everything up to the table.
const LEAST: usize = offset_of!(kumo_plugin, op) + size_of::<kumo_storage_op>();

/// Reads and checks a description. Err says what is wrong with it.
///
/// # Safety
/// The contract of `kumo_plugin_init`: as many bytes as `struct_size` says can
/// be read, and live for ever.
pub(super) unsafe fn loaded(plugin: *const kumo_plugin) -> Result<Loaded, String> {
    // SAFETY: the caller's promise.
    let plugin = unsafe { copied(plugin)? };
    if plugin.abi_version == 0 || plugin.abi_version > KUMO_ABI_VERSION {
        return Err(format!(
            "it needs version {} of the contract and this host speaks {KUMO_ABI_VERSION}; \
             use a newer kumo, or compile the plugin with this kumo's header",
            plugin.abi_version
        ));
    }
    // SAFETY: the contract: NULL or C strings.
    let (name, version, description) =
        unsafe { (line(plugin.name), line(plugin.version), line(plugin.description)) };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(format!("its name is {name:?}; a name has letters, digits, _ and - only"));
    }
    let table = Table::described(&plugin).map_err(|slot| {
        format!("its table has NULL for {slot}; the header names the slots that may be NULL")
    })?;
    let threads = Threads::new(plugin.thread_model, &name)
        .ok_or_else(|| {
            format!(
                "it declares thread model {}, which this host does not know; \
                 {KUMO_THREAD_PARALLEL} is parallel, {KUMO_THREAD_SERIALIZED} one call at a \
                 time, {KUMO_THREAD_SINGLE} one thread for all",
                plugin.thread_model
            )
        })?
        .map_err(|error| format!("no thread for it: {error}"))?;
    // SAFETY: the contract.
    let params = unsafe { declared(&plugin)? };
    let about = Some(About { version, description, abi_version: plugin.abi_version });
    Ok(Loaded { name, about, table, threads, caps: plugin.caps, params })
}

/// As much of a description as the plugin and this host both know of; the rest
/// is NULL.
///
/// # Safety
/// As for [`loaded`].
unsafe fn copied(plugin: *const kumo_plugin) -> Result<kumo_plugin, String> {
    // SAFETY: the size comes first and can be read.
    let size = unsafe { (&raw const (*plugin).struct_size).read() };
    if size < LEAST {
        return Err(format!(
            "its kumo_plugin has {size} bytes and the contract's first version {LEAST}; \
             set struct_size to sizeof(kumo_plugin)"
        ));
    }
    let mut copy = MaybeUninit::<kumo_plugin>::zeroed();
    let known = size.min(size_of::<kumo_plugin>());
    // SAFETY: so many bytes are there on both sides; a kumo_plugin of zeros is
    // valid, its pointers and functions being NULL and None.
    unsafe {
        ptr::copy_nonoverlapping(plugin.cast::<u8>(), copy.as_mut_ptr().cast(), known);
        Ok(copy.assume_init())
    }
}
