//! An open database, behind a table.

use super::{
    casproc::Comparison,
    failure::Failure,
    load::LoadError,
    services::{clear_error, line, take_error},
    table::Table,
};
use kumo_plugin::{ErrorCode, zone::Zone};
use libc::{c_char, c_int, c_void};
use std::{
    cell::OnceCell,
    ffi::{CString, OsStr},
    mem,
    ops::ControlFlow,
    os::unix::ffi::OsStrExt,
    path::Path,
    process, slice,
    sync::Arc,
};

/// An open database. Closed when the last clone, and the last value read
/// through a [`Pins`], is gone.
#[derive(Clone)]
pub struct Storage(Arc<Opened>);

struct Opened {
    plugin: Arc<str>,
    table: Table,
    /// Whether the plugin reports errors, so that a NULL without one is a miss.
    described: bool,
    data: *mut c_void,
}

// SAFETY: the plugin's thread model is parallel: any thread may call.
unsafe impl Send for Opened {}
// SAFETY: as for Send.
unsafe impl Sync for Opened {}

/// What keeps values that were read where they are: the zone whose finalizers
/// give them back.
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
        self.zone.clear();
    }
}

/// What became of a delete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delete {
    /// The record is gone.
    Deleted,
    /// The comparison refused.
    Refused,
    /// There was no such record.
    Absent,
}

/// What became of an update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Update {
    /// The value is stored.
    Stored,
    /// The comparison refused.
    Refused,
}

/// A record during a scan.
pub struct Record<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

/// Ends the process when something unwinds out of a plugin: nothing after it
/// could be trusted.
struct NoUnwind<'a> {
    plugin: &'a str,
    operation: &'static str,
}

impl Drop for NoUnwind<'_> {
    fn drop(&mut self) {
        eprintln!(
            "kumo: an exception left {} of the plugin {}; ending the process, \
             since nothing after it can be trusted",
            self.operation, self.plugin
        );
        process::abort();
    }
}

/// Calls into a plugin: forgets earlier errors and lets nothing unwind.
#[inline]
fn enter<R>(plugin: &str, operation: &'static str, call: impl FnOnce() -> R) -> R {
    clear_error();
    let guard = NoUnwind { plugin, operation };
    let result = call();
    mem::forget(guard);
    result
}

/// A slice as C takes it. The length has been checked to fit.
fn c_bytes(bytes: &[u8]) -> (*const c_char, u32) {
    (bytes.as_ptr().cast(), bytes.len() as u32)
}

/// The bytes at `data`.
///
/// # Safety
/// `data` is NULL or has `len` bytes that stay readable for `'a`.
unsafe fn slice_at<'a>(data: *const c_char, len: usize) -> &'a [u8] {
    if data.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(data.cast(), len) }
}

impl Opened {
    fn enter<R>(&self, operation: &'static str, call: impl FnOnce() -> R) -> R {
        enter(&self.plugin, operation, call)
    }

    /// Why the call that has just returned failed: what it reported, or the
    /// text of the table's `error`.
    fn failure(&self, operation: &'static str) -> Failure {
        if let Some(failure) = take_error() {
            return failure;
        }
        let text = self.enter("error", || {
            // SAFETY: `data` is open; the text is NULL or a C string.
            unsafe { line((self.table.error)(self.data)) }
        });
        let text = if text.is_empty() { "no reason given" } else { &text };
        Failure::other(format!("{operation} failed in {}: {text}", self.plugin))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: `data` is open, this is the last reference, and every zone
        // that holds a value of it also holds a reference.
        self.enter("close", || unsafe { (self.table.close)(self.data) });
        if let Some(failure) = take_error() {
            tracing::error!("closing failed in {}: {failure}", self.plugin);
        }
        // SAFETY: closed, and freed once.
        self.enter("free", || unsafe { (self.table.free)(self.data) });
    }
}

impl Storage {
    pub(super) fn open(
        plugin: Arc<str>,
        table: Table,
        described: bool,
        location: &OsStr,
    ) -> Result<Self, LoadError> {
        let failed = |reason: String| LoadError::Open {
            plugin: plugin.to_string(),
            location: location.to_string_lossy().into_owned(),
            reason,
        };
        let path = CString::new(location.as_bytes())
            .map_err(|_| failed("the path has a NUL byte".to_owned()))?;
        // SAFETY: the table was checked.
        let data = enter(&plugin, "create", || unsafe { (table.create)() });
        if data.is_null() {
            let reason = take_error().map_or("create returned NULL".to_owned(), |f| f.text);
            return Err(failed(reason));
        }
        // SAFETY: `data` is new; the path is a C string.
        if !enter(&plugin, "open", || unsafe { (table.open)(data, path.as_ptr()) }) {
            let reason = take_error().map(|f| f.text).unwrap_or_else(|| {
                // SAFETY: `data` has not been freed; NULL or a C string.
                enter(&plugin, "error", || unsafe { line((table.error)(data)) })
            });
            // SAFETY: freed once; close is not called after a failed open.
            enter(&plugin, "free", || unsafe { (table.free)(data) });
            let reason = if reason.is_empty() { "no reason given".to_owned() } else { reason };
            return Err(failed(reason));
        }
        Ok(Self(Arc::new(Opened { plugin, table, described, data })))
    }

    /// The name of the plugin.
    pub fn plugin(&self) -> &str {
        &self.0.plugin
    }

    /// Finds a value. It stays where it is until the pins are cleared.
    pub fn get<'a>(&self, key: &[u8], pins: &'a Pins) -> Result<Option<&'a [u8]>, Failure> {
        let it = &*self.0;
        let holder = pins.storage.get_or_init(|| self.clone());
        if !Arc::ptr_eq(&holder.0, &self.0) {
            return Err(Failure::other("these pins belong to another storage"));
        }
        check(key, &[])?;
        let (key, keylen) = c_bytes(key);
        let mut len = 0;
        // SAFETY: `data` is open; the zone is this thread's.
        let value = it.enter("get", || unsafe {
            (it.table.get)(it.data, key, keylen, &mut len, pins.zone.as_ptr())
        });
        if value.is_null() {
            return take_error().map_or(Ok(None), Err);
        }
        // SAFETY: the contract: the value lives until the zone is cleared,
        // which takes the pins exclusively; and they keep the storage open.
        Ok(Some(unsafe { slice_at(value, len as usize) }))
    }

    /// Copies as much of the start of a value as fits into `head`; None where
    /// there is no such key.
    pub fn get_header<'a>(
        &self,
        key: &[u8],
        head: &'a mut [u8],
    ) -> Result<Option<&'a [u8]>, Failure> {
        let it = &*self.0;
        check(key, head)?;
        let (key, keylen) = c_bytes(key);
        let room = head.len();
        // SAFETY: `data` is open; `head` has `room` bytes.
        let copied = it.enter("get_header", || unsafe {
            (it.table.get_header)(it.data, key, keylen, head.as_mut_ptr().cast(), room as u32)
        });
        if copied < 0 {
            return take_error().map_or(Ok(None), Err);
        }
        if let Some(failure) = take_error() {
            return Err(failure);
        }
        // Two of the original modules say 0 for "not there"; a record of the
        // host's is never empty.
        Ok((copied > 0).then(|| &head[..room.min(copied as usize)]))
    }

    /// Stores a value.
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        let it = &*self.0;
        check(key, value)?;
        let ((key, keylen), (val, vallen)) = (c_bytes(key), c_bytes(value));
        // SAFETY: `data` is open.
        let stored =
            it.enter("set", || unsafe { (it.table.set)(it.data, key, keylen, val, vallen) });
        if stored { Ok(()) } else { Err(it.failure("set")) }
    }

    /// Deletes a record if `ask`, shown its value, agrees.
    pub fn del(&self, key: &[u8], ask: &mut dyn FnMut(&[u8]) -> bool) -> Result<Delete, Failure> {
        let it = &*self.0;
        check(key, &[])?;
        let (key, keylen) = c_bytes(key);
        let mut cas = Comparison::new(ask);
        let (proc, casdata) = (cas.proc(), cas.data());
        // SAFETY: `data` is open; the comparison outlives the call.
        let deleted =
            it.enter("del", || unsafe { (it.table.del)(it.data, key, keylen, proc, casdata) });
        match (deleted, cas.asked, cas.agreed) {
            (true, ..) => Ok(Delete::Deleted),
            (false, true, false) => Ok(Delete::Refused),
            (false, true, true) => Err(it.failure("del")),
            (false, false, _) => take_error().map_or(Ok(Delete::Absent), Err),
        }
    }

    /// Stores a value if there is none yet, or if `ask`, shown the present
    /// one, agrees.
    pub fn update(
        &self,
        key: &[u8],
        value: &[u8],
        ask: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Update, Failure> {
        let it = &*self.0;
        check(key, value)?;
        let ((key, keylen), (val, vallen)) = (c_bytes(key), c_bytes(value));
        let mut cas = Comparison::new(ask);
        let (proc, casdata) = (cas.proc(), cas.data());
        // SAFETY: `data` is open; the comparison outlives the call.
        let stored = it.enter("update", || unsafe {
            (it.table.update)(it.data, key, keylen, val, vallen, proc, casdata)
        });
        match (stored, cas.asked, cas.agreed) {
            (true, ..) => Ok(Update::Stored),
            (false, true, false) => Ok(Update::Refused),
            (false, ..) => Err(it.failure("update")),
        }
    }

    /// The number of records, tombstones and the host's own included.
    pub fn rnum(&self) -> u64 {
        let it = &*self.0;
        // SAFETY: `data` is open.
        it.enter("rnum", || unsafe { (it.table.rnum)(it.data) })
    }

    /// Writes a copy of the database to `dst`.
    pub fn backup(&self, dst: &Path) -> Result<(), Failure> {
        let it = &*self.0;
        let dst = CString::new(dst.as_os_str().as_bytes())
            .map_err(|_| Failure::new(ErrorCode::Invalid, "the path has a NUL byte"))?;
        // SAFETY: `data` is open; the path is a C string.
        let done = it.enter("backup", || unsafe { (it.table.backup)(it.data, dst.as_ptr()) });
        if done { Ok(()) } else { Err(it.failure("backup")) }
    }

    /// Shows every record to `visit` until that breaks off.
    pub fn for_each(
        &self,
        visit: &mut dyn FnMut(Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let it = &*self.0;
        let mut scan = Scan { table: &it.table, plugin: &it.plugin, visit, stopped: false };
        let user = (&raw mut scan).cast();
        // SAFETY: `data` is open; the scan outlives the call.
        let said =
            it.enter("for_each", || unsafe { (it.table.for_each)(it.data, user, Some(show)) });
        if said >= 0 || scan.stopped {
            return take_error().map_or(Ok(()), Err);
        }
        Err(it.failure("for_each"))
    }

    /// Whether a failure that the engine does not report can be told from a
    /// miss.
    pub fn reports_errors(&self) -> bool {
        self.0.described
    }
}

/// Refuses lengths that the table cannot express.
fn check(key: &[u8], value: &[u8]) -> Result<(), Failure> {
    if u32::try_from(key.len()).is_err() || u32::try_from(value.len()).is_err() {
        return Err(Failure::new(ErrorCode::Invalid, "keys and values have at most 4 GiB - 1"));
    }
    Ok(())
}

/// A scan under way.
struct Scan<'a> {
    table: &'a Table,
    plugin: &'a str,
    visit: &'a mut dyn FnMut(Record<'_>) -> ControlFlow<()>,
    stopped: bool,
}

unsafe extern "C-unwind" fn show(user: *mut c_void, iterator_data: *mut c_void) -> c_int {
    // SAFETY: for_each made it, and the table's call has not returned.
    let scan = unsafe { &mut *user.cast::<Scan<'_>>() };
    if scan.stopped {
        // The engine goes on although it was told to stop.
        return -1;
    }
    let guard = NoUnwind { plugin: scan.plugin, operation: "a scan" };
    // SAFETY: the contract: valid during the callback.
    let (key, value) = unsafe {
        let t = scan.table;
        (
            slice_at((t.iterator_key)(iterator_data), (t.iterator_keylen)(iterator_data)),
            slice_at((t.iterator_val)(iterator_data), (t.iterator_vallen)(iterator_data)),
        )
    };
    scan.stopped = (scan.visit)(Record { key, value }).is_break();
    mem::forget(guard);
    if scan.stopped { -1 } else { 0 }
}
