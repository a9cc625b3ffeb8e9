//! An open database, behind a table.

use super::{
    error::LoadError,
    failure::Failure,
    guard::guarded,
    plugin::{Loaded, Plugin},
    portable::Gate,
    services::{clear_error, line, take_error},
};
use kumo_plugin::{ErrorCode, zone::Zone};
use libc::{c_char, c_void};
use std::{
    cell::OnceCell,
    ffi::{CString, OsStr},
    os::unix::ffi::OsStrExt,
    slice,
    sync::Arc,
};

/// An open database. Closed when the last clone, and the last value read
/// through a [`Pins`], is gone.
#[derive(Clone)]
pub struct Storage(pub(super) Arc<Opened>);

pub(super) struct Opened {
    pub plugin: Arc<Loaded>,
    data: *mut c_void,
    /// For an engine without a backup of its own: where writes are seen.
    pub gate: Option<Gate>,
}

// SAFETY: every call goes through the plugin's `Threads`, which keep its thread
// model.
unsafe impl Send for Opened {}
// SAFETY: as for Send.
unsafe impl Sync for Opened {}

/// What keeps values that were read where they are: the zone whose finalizers
/// give them back. It belongs to one storage, the first that it is used with.
#[derive(Default)]
pub struct Pins {
    zone: Zone,
    // Behind the zone, so that it is dropped after: finalizers run while the
    // storage is open.
    storage: OnceCell<Storage>,
}

impl Pins {
    /// Pins that hold nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives back every value.
    pub fn clear(&mut self) {
        match self.storage.get() {
            // Values of an engine that is not parallel are copies, so what runs
            // here may run on any thread.
            Some(Storage(it)) => {
                guarded(&it.plugin.name, "a finalizer", || self.zone.clear());
            }
            None => self.zone.clear(),
        }
    }

    /// Keeps bytes until the pins are cleared.
    pub fn keep(&self, bytes: Vec<u8>) -> Result<&[u8], Failure> {
        let held = Box::into_raw(Box::new(bytes));
        if !self.hold_until_cleared(drop_bytes, held.cast()) {
            // SAFETY: nobody has taken it.
            drop(unsafe { Box::from_raw(held) });
            return Err(Failure::new(ErrorCode::Memory, "no memory to hold a value"));
        }
        // SAFETY: it lives until the pins are cleared, which takes them
        // exclusively, and nobody writes to it.
        Ok(unsafe { &*held })
    }

    /// Memory that is there until the pins are cleared; NULL where there is none.
    pub(super) fn malloc(&self, size: usize) -> *mut c_void {
        // SAFETY: nobody else uses the zone meanwhile: it is one thread's.
        unsafe { &mut *self.zone.as_ptr() }.malloc(size)
    }

    /// Has `release` called with `data` when the pins are cleared; false: there
    /// is no memory, and it will not be.
    pub(super) fn hold_until_cleared(
        &self,
        release: unsafe extern "C-unwind" fn(*mut c_void),
        data: *mut c_void,
    ) -> bool {
        // SAFETY: as above.
        unsafe { &mut *self.zone.as_ptr() }.push_finalizer(release, data)
    }

    /// Makes these the pins of a storage.
    pub(super) fn hold(&self, storage: &Storage) -> Result<&Zone, Failure> {
        let holder = self.storage.get_or_init(|| storage.clone());
        if Arc::ptr_eq(&holder.0, &storage.0) {
            Ok(&self.zone)
        } else {
            Err(Failure::other("these pins belong to another storage"))
        }
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A finalizer for bytes that pins keep.
unsafe extern "C-unwind" fn drop_bytes(held: *mut c_void) {
    // SAFETY: `keep` has put it there, and a finalizer runs once.
    drop(unsafe { Box::from_raw(held.cast::<Vec<u8>>()) });
}

/// A slice as C takes it. Its length has been checked to fit.
pub(super) fn c_bytes(bytes: &[u8]) -> (*const c_char, u32) {
    (bytes.as_ptr().cast(), bytes.len() as u32)
}

/// The bytes at `data`.
///
/// # Safety
/// `data` is NULL or has `len` bytes that stay readable for `'a`.
pub(super) unsafe fn slice_at<'a>(data: *const c_char, len: usize) -> &'a [u8] {
    if data.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(data.cast(), len) }
}

/// Refuses lengths that the table cannot express.
pub(super) fn check(key: &[u8], value: &[u8]) -> Result<(), Failure> {
    if u32::try_from(key.len()).is_err() || u32::try_from(value.len()).is_err() {
        return Err(Failure::new(ErrorCode::Invalid, "keys and values have at most 4 GiB - 1"));
    }
    Ok(())
}

impl Opened {
    /// What `create` returned: the first argument of every function.
    pub fn data(&self) -> *mut c_void {
        self.data
    }

    /// Makes a call where and when the plugin's thread model allows it.
    #[inline]
    pub fn call<R: Send>(
        &self,
        operation: &'static str,
        call: impl FnOnce(&Self) -> R + Send,
    ) -> R {
        self.plugin.threads.run(|| self.here(operation, call))
    }

    /// Makes a call here and now: what errors earlier ones reported is
    /// forgotten, and nothing unwinds.
    #[inline]
    pub fn here<R>(&self, operation: &'static str, call: impl FnOnce(&Self) -> R) -> R {
        clear_error();
        guarded(&self.plugin.name, operation, || call(self))
    }

    /// Why the call that has just returned failed: what it reported, or the
    /// text of the table's `error`. To be asked within the same `call`.
    pub fn failure(&self, operation: &'static str) -> Failure {
        if let Some(failure) = take_error() {
            return failure;
        }
        // SAFETY: `data` is open; the text is NULL or a C string.
        let text = self.plugin.table.error.map(|error| unsafe { line(error(self.data)) });
        let text = text.filter(|text| !text.is_empty());
        let text = text.as_deref().unwrap_or("no reason given");
        Failure::other(format!("{operation} failed in {}: {text}", self.plugin.name))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let failure = self.call("close", |it| {
            // SAFETY: `data` is open, this is the last reference, and every
            // zone that holds a value of it also holds a reference.
            unsafe { (it.plugin.table.close)(it.data) };
            take_error()
        });
        if let Some(failure) = failure {
            tracing::error!("closing failed in {}: {failure}", self.plugin.name);
        }
        // SAFETY: closed, and freed once.
        self.call("free", |it| unsafe { (it.plugin.table.free)(it.data) });
    }
}

/// A pointer of the plugin's, on its way between threads.
struct Handle(*mut c_void);

// SAFETY: it is only passed on; who uses it keeps the thread model.
unsafe impl Send for Handle {}

impl Plugin {
    /// Opens a database: what the user typed, parameters included.
    pub fn open(&self, location: &OsStr) -> Result<Storage, LoadError> {
        Storage::open(Arc::clone(&self.0), location)
    }
}

impl Storage {
    pub(super) fn open(plugin: Arc<Loaded>, location: &OsStr) -> Result<Self, LoadError> {
        let failed = |reason: String| LoadError::Open {
            plugin: plugin.name.clone(),
            location: location.to_string_lossy().into_owned(),
            reason,
        };
        let path = CString::new(location.as_bytes())
            .map_err(|_| failed("the path has a NUL byte".to_owned()))?;
        plugin.check_parameters(location).map_err(failed)?;
        let opened = plugin.threads.run(|| {
            clear_error();
            guarded(&plugin.name, "open", || create_and_open(&plugin, &path).map(Handle))
        });
        let data = opened.map_err(failed)?.0;
        let gate = plugin.table.backup.is_none().then(Gate::default);
        Ok(Self(Arc::new(Opened { plugin, data, gate })))
    }

    /// The name of the plugin.
    pub fn plugin(&self) -> &str {
        &self.0.plugin.name
    }
}

fn create_and_open(plugin: &Loaded, path: &CString) -> Result<*mut c_void, String> {
    let table = &plugin.table;
    // SAFETY: the table was checked.
    let data = unsafe { (table.create)() };
    if data.is_null() {
        return Err(take_error().map_or("create returned NULL".to_owned(), |f| f.text));
    }
    clear_error();
    // SAFETY: `data` is new; the path is a C string.
    if unsafe { (table.open)(data, path.as_ptr()) } {
        return Ok(data);
    }
    let reported = take_error().map(|failure| failure.text);
    // SAFETY: `data` has not been freed; NULL or a C string.
    let reason = reported.or_else(|| table.error.map(|error| unsafe { line(error(data)) }));
    // SAFETY: freed once; close is not called after a failed open.
    unsafe { (table.free)(data) };
    Err(reason.filter(|text| !text.is_empty()).unwrap_or("no reason given".to_owned()))
}
