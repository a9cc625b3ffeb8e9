//! The operations on a whole database.

use super::{
    failure::Failure,
    guard::guarded,
    services::{line, take_error},
    storage::{Storage, slice_at},
};
use kumo_plugin::{ErrorCode, abi::kumo_storage_visit};
use libc::{c_char, c_int, c_void};
use std::{ffi::CString, ops::ControlFlow, os::unix::ffi::OsStrExt, path::Path};

/// A record during a scan.
pub struct Record<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

/// What a scan shows its records to. It may run on another thread, and makes no
/// calls on the storage that it scans.
pub type Visit<'a> = &'a mut (dyn FnMut(Record<'_>) -> ControlFlow<()> + Send);

/// A scan under way.
struct Scan<'a> {
    storage: &'a Storage,
    visit: Visit<'a>,
    stopped: bool,
    /// A record was shown without a key or without a value.
    broken: bool,
}

impl Storage {
    /// The number of records, tombstones and the host's own included. Counted
    /// by a scan where the engine keeps no number.
    pub fn rnum(&self) -> Result<u64, Failure> {
        let Some(rnum) = self.0.plugin.table.rnum else {
            let mut count = 0;
            self.for_each(&mut |_| {
                count += 1;
                ControlFlow::Continue(())
            })?;
            return Ok(count);
        };
        self.0.call("rnum", |it| {
            // SAFETY: `data` is open.
            let count = unsafe { rnum(it.data()) };
            take_error().map_or(Ok(count), Err)
        })
    }

    /// Shows every record to `visit` until that breaks off.
    pub fn for_each(&self, visit: Visit<'_>) -> Result<(), Failure> {
        let for_each = self.0.plugin.table.for_each;
        // SAFETY: `data` is open, and the arguments are the scan's.
        self.scan("for_each", visit, |data, user, show| unsafe { for_each(data, user, show) })
    }

    /// As `for_each`, in the order of the keys, from the first that is not below
    /// `key`. None: the engine keeps no order.
    pub fn seek(&self, key: &[u8], visit: Visit<'_>) -> Result<Option<()>, Failure> {
        let Some(seek) = self.0.plugin.table.seek else { return Ok(None) };
        self.scan("seek", visit, |data, user, show| {
            // SAFETY: `data` is open, and the other arguments are the scan's.
            unsafe { seek(data, key.as_ptr().cast(), key.len(), user, show) }
        })
        .map(Some)
    }

    fn scan(
        &self,
        operation: &'static str,
        visit: Visit<'_>,
        scan: impl FnOnce(*mut c_void, *mut c_void, kumo_storage_visit) -> c_int + Send,
    ) -> Result<(), Failure> {
        self.0.call(operation, |it| {
            let mut state = Scan { storage: self, visit, stopped: false, broken: false };
            let said = scan(it.data(), (&raw mut state).cast(), Some(show));
            if state.broken {
                return Err(it.failure(operation));
            }
            if said >= 0 || state.stopped {
                return take_error().map_or(Ok(()), Err);
            }
            Err(it.failure(operation))
        })
    }

    /// Writes a copy of the database to `dst`, a consistent point in time. What
    /// stands there already is not replaced. `location` is how the copy is
    /// opened: `dst` and the parameters.
    pub fn backup(&self, dst: &Path, location: &std::ffi::OsStr) -> Result<(), Failure> {
        let Some(backup) = self.0.plugin.table.backup else {
            return super::portable::backup(self, dst, location);
        };
        let dst = CString::new(dst.as_os_str().as_bytes())
            .map_err(|_| Failure::new(ErrorCode::Invalid, "the path has a NUL byte"))?;
        self.0.call("backup", |it| {
            // SAFETY: `data` is open; the path is a C string.
            let done = unsafe { backup(it.data(), dst.as_ptr()) };
            if done { Ok(()) } else { Err(it.failure("backup")) }
        })
    }

    /// Returns when what was written before is as safe as the engine can make
    /// it. None: it has no such operation.
    pub fn sync(&self) -> Result<Option<()>, Failure> {
        self.optional("sync", self.0.plugin.table.sync)
    }

    /// Gives back the space of what has been deleted and overwritten. None: the
    /// engine has no such operation.
    pub fn compact(&self) -> Result<Option<()>, Failure> {
        self.optional("compact", self.0.plugin.table.compact)
    }

    fn optional(
        &self,
        operation: &'static str,
        function: Option<unsafe extern "C-unwind" fn(*mut c_void) -> bool>,
    ) -> Result<Option<()>, Failure> {
        let Some(function) = function else { return Ok(None) };
        self.0.call(operation, |it| {
            // SAFETY: `data` is open.
            if unsafe { function(it.data()) } { Ok(Some(())) } else { Err(it.failure(operation)) }
        })
    }

    /// The engine's statistics, names and values; none where it has no such
    /// operation.
    pub fn stats(&self) -> Result<Vec<(String, String)>, Failure> {
        let Some(stats) = self.0.plugin.table.stats else { return Ok(Vec::new()) };
        self.0.call("stats", |it| {
            let mut all: Vec<(String, String)> = Vec::new();
            // SAFETY: `data` is open; the list outlives the call.
            let done = unsafe { stats(it.data(), Some(add), (&raw mut all).cast()) };
            if done { Ok(all) } else { Err(it.failure("stats")) }
        })
    }

    /// Checks everything that is stored and shows every fault to `report`; how
    /// many there were. None: the engine has no such operation.
    pub fn verify(&self, report: &mut (dyn FnMut(&str) + Send)) -> Result<Option<u64>, Failure> {
        let Some(verify) = self.0.plugin.table.verify else { return Ok(None) };
        self.0.call("verify", |it| {
            let mut report = Report(report);
            // SAFETY: `data` is open; the report outlives the call.
            let faults = unsafe { verify(it.data(), Some(fault), (&raw mut report).cast()) };
            u64::try_from(faults).map(Some).map_err(|_| it.failure("verify"))
        })
    }
}

pub(super) struct Report<'a>(pub &'a mut (dyn FnMut(&str) + Send));

// Not C-unwind: a panic of ours ends the process rather than unwind through a
// plugin.
unsafe extern "C" fn add(user: *mut c_void, name: *const c_char, value: *const c_char) {
    // SAFETY: `stats` made it, and the table's call has not returned; NULL or C
    // strings.
    unsafe {
        let all = &mut *user.cast::<Vec<(String, String)>>();
        all.push((line(name), line(value)));
    }
}

pub(super) unsafe extern "C" fn fault(user: *mut c_void, text: *const c_char) {
    // SAFETY: `verify` made it, and the table's call has not returned; NULL or a
    // C string.
    unsafe { ((*user.cast::<Report<'_>>()).0)(&line(text)) };
}

unsafe extern "C-unwind" fn show(user: *mut c_void, iterator_data: *mut c_void) -> c_int {
    // SAFETY: `scan` made it, and the table's call has not returned.
    let scan = unsafe { &mut *user.cast::<Scan<'_>>() };
    if scan.stopped {
        // The engine goes on although it was told to stop.
        return -1;
    }
    let plugin = &scan.storage.0.plugin;
    guarded(&plugin.name, "a scan", || {
        let t = &plugin.table;
        // SAFETY: the contract: valid during the callback.
        let record = unsafe {
            let (keylen, vallen) =
                ((t.iterator_keylen)(iterator_data), (t.iterator_vallen)(iterator_data));
            let (key, value) = ((t.iterator_key)(iterator_data), (t.iterator_val)(iterator_data));
            // NULL is how the functions fail.
            let read = (!key.is_null() || keylen == 0) && (!value.is_null() || vallen == 0);
            read.then(|| Record { key: slice_at(key, keylen), value: slice_at(value, vallen) })
        };
        match record {
            Some(record) => scan.stopped = (scan.visit)(record).is_break(),
            None => (scan.stopped, scan.broken) = (true, true),
        }
        if scan.stopped { -1 } else { 0 }
    })
}
