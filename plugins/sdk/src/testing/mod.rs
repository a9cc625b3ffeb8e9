//! For an engine's tests: the engine behind its table, called as a host calls
//! it, in the test's own process.
//!
//! What is tested so is what a host gets, finalizers and error reports
//! included, and sanitizers see through all of it, since nothing is loaded.
//!
//! ```
//! # use kumo_plugin::testing::Engine;
//! # fn check<MyEngine: kumo_plugin::Storage>(path: &str) -> Result<(), kumo_plugin::Error> {
//! let engine = Engine::open::<MyEngine>(path)?;
//! engine.set(b"key", b"value")?;
//! assert_eq!(engine.get(b"key")?.as_deref(), Some(&b"value"[..]));
//! engine.close()
//! # }
//! ```
//!
//! Opening makes this module the host of every engine in the process: it is for
//! tests alone.

mod calls;
mod host;
mod scan;
mod whole;

pub use calls::Held;
pub use host::logged;
pub use scan::Record;

use crate::{
    abi::{KUMO_ABI_VERSION, kumo_plugin, kumo_storage_op},
    error::Error,
    export,
    storage::Storage,
};
use libc::c_void;
use std::ffi::{CStr, CString};

/// An open engine, behind its table. It is closed and freed when it is dropped.
///
/// A slot that is NULL is an `Unsupported` error. What a call reports is its
/// error, whatever it returned.
pub struct Engine {
    plugin: &'static kumo_plugin,
    op: kumo_storage_op,
    data: *mut c_void,
    open: bool,
}

// SAFETY: what stands behind the table is a Storage, which is Send.
unsafe impl Send for Engine {}
// SAFETY: as for Send; a Storage is Sync too.
unsafe impl Sync for Engine {}

impl Engine {
    /// Opens an engine as a host does that knows described plugins.
    pub fn open<S: Storage>(location: &str) -> Result<Self, Error> {
        let plugin = describe::<S>();
        Self::with(plugin, plugin.op, location)
    }

    /// Opens an engine as a host does that only knows classic modules.
    pub fn open_classic<S: Storage>(location: &str) -> Result<Self, Error> {
        Self::with(describe::<S>(), export::table::<S>(), location)
    }

    fn with(
        plugin: &'static kumo_plugin,
        op: kumo_storage_op,
        location: &str,
    ) -> Result<Self, Error> {
        let path = CString::new(location).map_err(Error::other)?;
        let create = have(op.create, "create")?;
        // SAFETY: the table is the SDK's.
        let data = host::call(|| unsafe { create() })?;
        if data.is_null() {
            return Err(Error::other("create returned NULL"));
        }
        let mut engine = Self { plugin, op, data, open: false };
        let open = have(op.open, "open")?;
        // SAFETY: `data` is new; the path is a C string.
        engine.open = engine.succeeds("open", || unsafe { open(data, path.as_ptr()) })?;
        Ok(engine)
    }

    /// What the engine says of itself.
    pub fn description(&self) -> &'static kumo_plugin {
        self.plugin
    }

    /// The table that it is called through.
    pub fn table(&self) -> &kumo_storage_op {
        &self.op
    }

    /// What `create` returned, for a test that calls the table itself.
    pub fn data(&self) -> *mut c_void {
        self.data
    }

    /// The text of the last error on this thread.
    pub fn last_error(&self) -> Result<String, Error> {
        let error = have(self.op.error, "error")?;
        // SAFETY: `data` has not been freed; a C string.
        Ok(unsafe { CStr::from_ptr(error(self.data)) }.to_string_lossy().into_owned())
    }

    /// Closes and frees the engine.
    pub fn close(mut self) -> Result<(), Error> {
        self.shut()
    }

    fn shut(&mut self) -> Result<(), Error> {
        let close = if std::mem::take(&mut self.open) { self.op.close } else { None };
        // SAFETY: it is open, and what was read through it borrows it.
        let closed = close.map_or(Ok(()), |close| host::call(|| unsafe { close(self.data) }));
        let data = std::mem::replace(&mut self.data, std::ptr::null_mut());
        let free = if data.is_null() { None } else { self.op.free };
        // SAFETY: closed, and freed once.
        closed.and(free.map_or(Ok(()), |free| host::call(|| unsafe { free(data) })))
    }

    /// Calls a function that says by false that it has failed.
    fn succeeds(&self, operation: &str, call: impl FnOnce() -> bool) -> Result<bool, Error> {
        if host::call(call)? { Ok(true) } else { Err(silent(operation)) }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.shut();
    }
}

fn describe<S: Storage>() -> &'static kumo_plugin {
    // SAFETY: the host's services live as long as the process, and so does the
    // description.
    unsafe { &*export::plugin_init::<S>(KUMO_ABI_VERSION, &host::SERVICES) }
}

fn have<F>(slot: Option<F>, name: &str) -> Result<F, Error> {
    slot.ok_or_else(|| Error::unsupported(format!("the table has NULL for {name}")))
}

fn silent(operation: &str) -> Error {
    Error::other(format_args!("{operation} failed and reported no error"))
}
