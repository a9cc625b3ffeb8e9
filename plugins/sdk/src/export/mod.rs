//! From the trait to C: the symbols of a plugin, its description, its table.
//!
//! The functions of the table stand in `records` (one key at a time, and the
//! life cycle), `scan`, and `whole` (the database as a whole, and many keys
//! at once).

mod check;
mod memory;
mod records;
mod scan;
mod whole;

use crate::{
    abi::{KUMO_ABI_VERSION, kumo_host, kumo_plugin, kumo_storage_op},
    describe::{Caps, ThreadModel},
    error::Error,
    guard,
    param::Param,
    services::set_host,
    storage::Storage,
};
use libc::{c_char, c_void};
use std::marker::PhantomData;

/// Defines the symbols that a host looks for in a plugin: `kumo_plugin_init`,
/// and `kumo_storage_init` for hosts that only know classic modules. Use it
/// once, in a crate of type `cdylib`.
#[macro_export]
macro_rules! export {
    ($engine:ty) => {
        #[unsafe(no_mangle)]
        #[allow(missing_docs, unsafe_code)]
        pub extern "C" fn kumo_storage_init() -> $crate::abi::kumo_storage_op {
            $crate::export::table::<$engine>()
        }

        // SAFETY (of the attribute): the name is the contract's.
        #[unsafe(no_mangle)]
        #[allow(missing_docs, unsafe_code)]
        pub unsafe extern "C-unwind" fn kumo_plugin_init(
            host_abi: u32,
            host: *const $crate::abi::kumo_host,
        ) -> *const $crate::abi::kumo_plugin {
            // SAFETY: the host's promises are passed on.
            unsafe { $crate::export::plugin_init::<$engine>(host_abi, host) }
        }
    };
}

/// The table of an engine for a host that only knows classic modules: whole but
/// for `updatev`. What the engine does not have, the SDK does in its place:
/// `rnum` counts, `backup` fails with a text that says so, `iterator_del`
/// deletes at once or when the scan has ended. Such a host calls from many
/// threads at once, so `create` refuses where that may not be.
pub const fn table<S: Storage>() -> kumo_storage_op {
    const { Table::<S>::CLASSIC }
}

/// What `kumo_plugin_init` does. A host that links an engine calls it too.
///
/// # Safety
/// `host` is NULL or points to a [`kumo_host`] that lives as long as the
/// process.
pub unsafe extern "C-unwind" fn plugin_init<S: Storage>(
    _host_abi: u32,
    host: *const kumo_host,
) -> *const kumo_plugin {
    set_host(host);
    const { &Table::<S>::PLUGIN }
}

/// What `create` returns a pointer to: the engine, while it is open.
struct Instance<S>(Option<S>);

/// The C functions around an engine.
///
/// In all of them: `data` is what `create` returned; the pointers are the
/// host's, valid during the call; `open` and `close` run while no other call on
/// the instance does. That is the contract in [`abi`](crate::abi).
struct Table<S>(PhantomData<S>);

/// A slot that is NULL where the engine has no such operation.
const fn slot<F: Copy>(there: bool, function: F) -> Option<F> {
    if there { Some(function) } else { None }
}

impl<S: Storage> Table<S> {
    const CLASSIC: kumo_storage_op = {
        check::check::<S>();
        let reentrant = S::CAPS.has(Caps::REENTRANT_SCAN);
        kumo_storage_op {
            create: Some(Self::create_classic),
            free: Some(Self::free),
            open: Some(Self::open),
            close: Some(Self::close),
            get: Some(Self::get),
            get_header: Some(Self::get_header),
            set: Some(Self::set),
            del: Some(Self::del),
            update: Some(Self::update),
            updatev: slot(S::OPTIONAL.updatev.is_some(), Self::updatev),
            rnum: Some(Self::rnum),
            backup: Some(Self::backup),
            error: Some(Self::error),
            for_each: Some(Self::for_each),
            iterator_key: Some(Self::iterator_key),
            iterator_val: Some(Self::iterator_val),
            iterator_keylen: Some(Self::iterator_keylen),
            iterator_vallen: Some(Self::iterator_vallen),
            iterator_release_key: Some(Self::iterator_release_key),
            iterator_release_val: Some(Self::iterator_release_val),
            iterator_del: Some(if reentrant { Self::iterator_del } else { Self::del_later }),
            iterator_del_force: Some(if reentrant {
                Self::iterator_del_force
            } else {
                Self::del_force_later
            }),
        }
    };

    const PLUGIN: kumo_plugin = {
        let has = S::OPTIONAL;
        let reentrant = S::CAPS.has(Caps::REENTRANT_SCAN);
        kumo_plugin {
            struct_size: size_of::<kumo_plugin>(),
            abi_version: KUMO_ABI_VERSION,
            thread_model: S::THREADS as u32,
            caps: S::CAPS.bits(),
            name: S::NAME.as_ptr(),
            version: S::VERSION.as_ptr(),
            description: S::DESCRIPTION.as_ptr(),
            params: Param::as_c(S::PARAMS),
            params_num: S::PARAMS.len(),
            op: kumo_storage_op {
                create: Some(Self::create),
                get_header: slot(has.get_header.is_some(), Self::get_header),
                rnum: slot(has.rnum.is_some(), Self::rnum),
                backup: slot(has.backup.is_some(), Self::backup),
                iterator_del: slot(reentrant, Self::iterator_del),
                iterator_del_force: slot(reentrant, Self::iterator_del_force),
                ..Self::CLASSIC
            },
            sync: slot(has.sync.is_some(), Self::sync),
            stats: slot(has.stats.is_some(), Self::stats),
            verify: slot(has.verify.is_some(), Self::verify),
            compact: slot(has.compact.is_some(), Self::compact),
            seek: slot(has.seek.is_some(), Self::seek),
            getv: slot(has.getv.is_some(), Self::getv),
            batch: slot(has.batch.is_some(), Self::batch),
            repair: slot(S::OPTIONAL.repair.is_some(), Self::repair),
        }
    };

    /// The open engine behind `data`.
    ///
    /// # Safety
    /// `data` came from `create` and has not been freed.
    unsafe fn storage<'a>(data: *mut c_void) -> Result<&'a S, Error> {
        // SAFETY: the caller's promise.
        let instance = unsafe { &*data.cast::<Instance<S>>() };
        instance.0.as_ref().ok_or_else(|| Error::invalid("the storage is not open"))
    }

    unsafe extern "C-unwind" fn error(_data: *mut c_void) -> *const c_char {
        guard::last_error()
    }

    /// For a host that does not know of thread models.
    unsafe extern "C-unwind" fn create_classic() -> *mut c_void {
        guard::entry("create", std::ptr::null_mut(), || {
            if S::THREADS != ThreadModel::Parallel {
                let error = Error::unsupported(format!(
                    "{} does not bear calls from many threads at once; it needs a host that \
                     knows kumo_plugin_init",
                    S::NAME.to_string_lossy()
                ));
                crate::log(crate::LogLevel::Error, error.text());
                return Err(error);
            }
            Ok(Self::new_instance())
        })
    }

    unsafe extern "C-unwind" fn create() -> *mut c_void {
        Self::new_instance()
    }

    fn new_instance() -> *mut c_void {
        Box::into_raw(Box::new(Instance::<S>(None))).cast()
    }
}

/// What an engine does not have.
fn lacks(operation: &str) -> Error {
    Error::unsupported(format!("this engine has no {operation}"))
}
