//! From the trait to the table: the C functions around a [`Storage`].
//!
//! Every function catches panics and reports failures twice: to the host, by
//! `set_error`, and in the text that the table's `error` returns.

use crate::{
    abi::{
        KUMO_ABI_VERSION, KUMO_THREAD_PARALLEL, LogLevel, kumo_host, kumo_plugin,
        kumo_storage_casproc, kumo_storage_op, kumo_storage_visit,
    },
    error::{Error, ErrorCode},
    services::{c_text, log, set_error, set_host},
    storage::{Entry, Location, Storage, Value},
    zone::msgpack_zone,
};
use libc::{c_char, c_int, c_void};
use std::{
    any::Any,
    cell::RefCell,
    ffi::{CStr, CString, OsStr},
    marker::PhantomData,
    ops::ControlFlow,
    os::unix::ffi::OsStrExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    ptr, slice,
};

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

/// The table of an engine.
pub const fn table<S: Storage>() -> kumo_storage_op {
    Table::<S>::OP
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
    &Table::<S>::PLUGIN
}

/// What `create` returns a pointer to: the engine, while it is open.
struct Instance<S>(Option<S>);

/// What a `for_each` callback is shown: C sees a pointer to it.
struct Shown<'a>(&'a mut dyn Entry);

thread_local! {
    /// The text that the table's `error` returns.
    static LAST_ERROR: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// Reports a failure to the host and keeps its text for `error`.
fn fail(error: &Error) {
    set_error(error);
    LAST_ERROR.set(Some(c_text(error.text())));
}

/// What a panic says.
fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}

/// Runs an operation so that neither an error nor a panic leaves it: either
/// becomes `failed`, reported.
fn entry<R>(operation: &str, failed: R, run: impl FnOnce() -> Result<R, Error>) -> R {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(done)) => done,
        Ok(Err(error)) => {
            fail(&error);
            failed
        }
        Err(payload) => {
            let text = format!("panic in {operation}: {}", panic_text(&*payload));
            log(LogLevel::Error, &text);
            fail(&Error::new(ErrorCode::Other, text));
            failed
        }
    }
}

/// The bytes at `data`, which may be NULL where there are none.
///
/// # Safety
/// `len` bytes at `data` stay readable for `'a`.
unsafe fn bytes<'a>(data: *const c_char, len: usize) -> &'a [u8] {
    if len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(data.cast(), len) }
}

/// A C casproc as a closure. No proc agrees to everything.
///
/// # Safety
/// `proc` may be called with `casdata` while the closure lives.
unsafe fn cas(proc: kumo_storage_casproc, casdata: *mut c_void) -> impl FnMut(&[u8]) -> bool {
    move |old| match proc {
        // SAFETY: the caller's promise; `old` is readable during the call.
        Some(call) => unsafe { call(casdata, old.as_ptr().cast(), old.len()) },
        None => true,
    }
}

/// Moves bytes into the zone: a copy that lives until the zone is cleared.
///
/// # Safety
/// `zone` is a zone that no one else uses during the call.
unsafe fn copy_into(zone: *mut msgpack_zone, from: &[u8]) -> Result<*const c_char, Error> {
    // SAFETY: the caller's promise. A byte more, so that no length is refused
    // for being 0.
    let memory = unsafe { &mut *zone }.malloc(from.len() + 1).cast::<u8>();
    if memory.is_null() {
        return Err(no_memory(from.len()));
    }
    // SAFETY: the memory is new and long enough.
    unsafe { ptr::copy_nonoverlapping(from.as_ptr(), memory, from.len()) };
    Ok(memory.cast())
}

fn no_memory(len: usize) -> Error {
    Error::new(ErrorCode::Memory, format!("no memory for {len} bytes"))
}

/// Gives `owner` to the zone, which drops it when it is cleared.
///
/// # Safety
/// `zone` is a zone that no one else uses during the call.
unsafe fn hand_over<T>(zone: *mut msgpack_zone, owner: Box<T>) -> Result<(), Error> {
    unsafe extern "C-unwind" fn drop_it<T>(owner: *mut c_void) {
        // SAFETY: hand_over made the pointer, and a finalizer runs once.
        let owner = unsafe { Box::from_raw(owner.cast::<T>()) };
        entry("a finalizer", (), || {
            drop(owner);
            Ok(())
        });
    }
    let owner = Box::into_raw(owner).cast::<c_void>();
    // SAFETY: the caller's promise.
    if unsafe { &mut *zone }.push_finalizer(drop_it::<T>, owner) {
        return Ok(());
    }
    // SAFETY: the finalizer was not registered, so this is the only owner.
    unsafe { drop_it::<T>(owner) };
    Err(no_memory(size_of::<T>()))
}

struct Table<S>(PhantomData<S>);

// In all of these: `data` is what `create` returned; the pointers are the
// host's, valid during the call; `close` and `open` run while no other call on
// the instance does. That is the contract in `abi`.
impl<S: Storage> Table<S> {
    const OP: kumo_storage_op = kumo_storage_op {
        create: Some(Self::create),
        free: Some(Self::free),
        open: Some(Self::open),
        close: Some(Self::close),
        get: Some(Self::get),
        get_header: Some(Self::get_header),
        set: Some(Self::set),
        del: Some(Self::del),
        update: Some(Self::update),
        updatev: None,
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
        iterator_del: Some(Self::iterator_del),
        iterator_del_force: Some(Self::iterator_del_force),
    };

    const PLUGIN: kumo_plugin = kumo_plugin {
        struct_size: size_of::<kumo_plugin>(),
        abi_version: KUMO_ABI_VERSION,
        thread_model: KUMO_THREAD_PARALLEL,
        caps: 0,
        name: S::NAME.as_ptr(),
        version: S::VERSION.as_ptr(),
        description: S::DESCRIPTION.as_ptr(),
        params: ptr::null(),
        params_num: 0,
        op: Self::OP,
        sync: None,
        stats: None,
        verify: None,
        compact: None,
        seek: None,
        getv: None,
        batch: None,
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

    unsafe extern "C-unwind" fn create() -> *mut c_void {
        Box::into_raw(Box::new(Instance::<S>(None))).cast()
    }

    unsafe extern "C-unwind" fn free(data: *mut c_void) {
        entry("free", (), || {
            // SAFETY: made by create, and freed once.
            drop(unsafe { Box::from_raw(data.cast::<Instance<S>>()) });
            Ok(())
        });
    }

    unsafe extern "C-unwind" fn open(data: *mut c_void, path: *const c_char) -> bool {
        entry("open", false, || {
            // SAFETY: path is a C string.
            let location = Location::parse(unsafe { CStr::from_ptr(path) }.to_bytes())?;
            let storage = S::open(&location)?;
            // SAFETY: no other call is under way.
            unsafe { &mut *data.cast::<Instance<S>>() }.0 = Some(storage);
            Ok(true)
        })
    }

    unsafe extern "C-unwind" fn close(data: *mut c_void) {
        entry("close", (), || {
            // SAFETY: no other call is under way.
            let storage = unsafe { &mut *data.cast::<Instance<S>>() }.0.take();
            storage.map_or(Ok(()), |storage| storage.close())
        });
    }

    unsafe extern "C-unwind" fn get(
        data: *mut c_void,
        key: *const c_char,
        keylen: u32,
        result_vallen: *mut u32,
        zone: *mut msgpack_zone,
    ) -> *const c_char {
        entry("get", ptr::null(), || {
            // SAFETY: the contract.
            let (storage, key) = unsafe { (Self::storage(data)?, bytes(key, keylen as usize)) };
            let Some(value) = storage.get(key)? else { return Ok(ptr::null()) };
            let found: *const [u8] = match value {
                Value::Borrowed(bytes) => bytes,
                Value::Owned(bytes) => {
                    let bytes = Box::new(bytes);
                    let found: *const [u8] = bytes.as_slice();
                    // SAFETY: the zone is this call's.
                    unsafe { hand_over(zone, bytes)? };
                    found
                }
                Value::Pinned(pin) => {
                    let found: *const [u8] = (*pin).as_ref();
                    // SAFETY: the zone is this call's.
                    unsafe { hand_over(zone, Box::new(pin))? };
                    found
                }
            };
            let len = u32::try_from(found.len())
                .map_err(|_| Error::invalid("the value is longer than 4 GiB"))?;
            // SAFETY: the host's memory for the length.
            unsafe { result_vallen.write(len) };
            Ok(found.cast())
        })
    }

    unsafe extern "C-unwind" fn get_header(
        data: *mut c_void,
        key: *const c_char,
        keylen: u32,
        result_val: *mut c_char,
        vallen: u32,
    ) -> i32 {
        entry("get_header", -1, || {
            // SAFETY: the contract.
            let (storage, key) = unsafe { (Self::storage(data)?, bytes(key, keylen as usize)) };
            let len = vallen.min(i32::MAX as u32) as usize;
            let head: &mut [u8] = if len == 0 {
                &mut []
            } else {
                // SAFETY: the host's memory, `vallen` bytes of it.
                unsafe { slice::from_raw_parts_mut(result_val.cast(), len) }
            };
            Ok(storage.get_header(key, head)?.map_or(-1, |copied| copied as i32))
        })
    }

    unsafe extern "C-unwind" fn set(
        data: *mut c_void,
        key: *const c_char,
        keylen: u32,
        val: *const c_char,
        vallen: u32,
    ) -> bool {
        entry("set", false, || {
            // SAFETY: the contract.
            unsafe {
                let (key, val) = (bytes(key, keylen as usize), bytes(val, vallen as usize));
                Self::storage(data)?.set(key, val)?;
            }
            Ok(true)
        })
    }

    unsafe extern "C-unwind" fn del(
        data: *mut c_void,
        key: *const c_char,
        keylen: u32,
        proc: kumo_storage_casproc,
        casdata: *mut c_void,
    ) -> bool {
        entry("del", false, || {
            // SAFETY: the contract.
            unsafe {
                let key = bytes(key, keylen as usize);
                Self::storage(data)?.del(key, &mut cas(proc, casdata))
            }
        })
    }

    unsafe extern "C-unwind" fn update(
        data: *mut c_void,
        key: *const c_char,
        keylen: u32,
        val: *const c_char,
        vallen: u32,
        proc: kumo_storage_casproc,
        casdata: *mut c_void,
    ) -> bool {
        entry("update", false, || {
            // SAFETY: the contract.
            unsafe {
                let (key, val) = (bytes(key, keylen as usize), bytes(val, vallen as usize));
                Self::storage(data)?.update(key, val, &mut cas(proc, casdata))
            }
        })
    }

    unsafe extern "C-unwind" fn rnum(data: *mut c_void) -> u64 {
        // SAFETY: the contract.
        entry("rnum", 0, || Ok(unsafe { Self::storage(data)? }.rnum()))
    }

    unsafe extern "C-unwind" fn backup(data: *mut c_void, dstpath: *const c_char) -> bool {
        entry("backup", false, || {
            // SAFETY: the contract; dstpath is a C string.
            let (storage, dst) =
                unsafe { (Self::storage(data)?, CStr::from_ptr(dstpath).to_bytes()) };
            storage.backup(Path::new(OsStr::from_bytes(dst)))?;
            Ok(true)
        })
    }

    unsafe extern "C-unwind" fn error(_data: *mut c_void) -> *const c_char {
        LAST_ERROR.with_borrow(|last| last.as_deref().unwrap_or(c"no error").as_ptr())
    }

    unsafe extern "C-unwind" fn for_each(
        data: *mut c_void,
        user: *mut c_void,
        func: kumo_storage_visit,
    ) -> c_int {
        entry("for_each", -1, || {
            // SAFETY: the contract.
            let storage = unsafe { Self::storage(data)? };
            let func = func.ok_or_else(|| Error::invalid("for_each was given no function"))?;
            let mut answer = 0;
            storage.for_each(&mut |entry| {
                if answer < 0 {
                    // It was told to stop, and goes on.
                    return ControlFlow::Break(());
                }
                let mut shown = Shown(entry);
                // SAFETY: the host's function and its argument.
                let said = unsafe { func(user, (&raw mut shown).cast()) };
                if said < 0 {
                    answer = said;
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
            Ok(answer)
        })
    }

    /// The record that a callback was shown.
    ///
    /// # Safety
    /// `iterator_data` is what for_each's callback was given, and it still runs.
    unsafe fn shown<'a>(iterator_data: *mut c_void) -> &'a mut Shown<'a> {
        // SAFETY: the caller's promise.
        unsafe { &mut *iterator_data.cast() }
    }

    unsafe extern "C-unwind" fn iterator_key(iterator_data: *mut c_void) -> *const c_char {
        entry("iterator_key", ptr::null(), || {
            // SAFETY: the contract.
            Ok(unsafe { Self::shown(iterator_data) }.0.key().as_ptr().cast())
        })
    }

    unsafe extern "C-unwind" fn iterator_val(iterator_data: *mut c_void) -> *const c_char {
        entry("iterator_val", ptr::null(), || {
            // SAFETY: the contract.
            Ok(unsafe { Self::shown(iterator_data) }.0.value().as_ptr().cast())
        })
    }

    unsafe extern "C-unwind" fn iterator_keylen(iterator_data: *mut c_void) -> usize {
        // SAFETY: the contract.
        entry("iterator_keylen", 0, || Ok(unsafe { Self::shown(iterator_data) }.0.key().len()))
    }

    unsafe extern "C-unwind" fn iterator_vallen(iterator_data: *mut c_void) -> usize {
        // SAFETY: the contract.
        entry("iterator_vallen", 0, || Ok(unsafe { Self::shown(iterator_data) }.0.value().len()))
    }

    unsafe extern "C-unwind" fn iterator_release_key(
        iterator_data: *mut c_void,
        zone: *mut msgpack_zone,
    ) -> *const c_char {
        // SAFETY: the contract.
        entry("iterator_release_key", ptr::null(), || unsafe {
            copy_into(zone, Self::shown(iterator_data).0.key())
        })
    }

    unsafe extern "C-unwind" fn iterator_release_val(
        iterator_data: *mut c_void,
        zone: *mut msgpack_zone,
    ) -> *const c_char {
        // SAFETY: the contract.
        entry("iterator_release_val", ptr::null(), || unsafe {
            copy_into(zone, Self::shown(iterator_data).0.value())
        })
    }

    unsafe extern "C-unwind" fn iterator_del(
        iterator_data: *mut c_void,
        proc: kumo_storage_casproc,
        casdata: *mut c_void,
    ) -> bool {
        // SAFETY: the contract.
        entry("iterator_del", false, || unsafe {
            Self::shown(iterator_data).0.del(&mut cas(proc, casdata))
        })
    }

    unsafe extern "C-unwind" fn iterator_del_force(iterator_data: *mut c_void) -> bool {
        entry("iterator_del_force", false, || {
            // SAFETY: the contract.
            unsafe { Self::shown(iterator_data) }.0.del(&mut |_| true)
        })
    }
}
