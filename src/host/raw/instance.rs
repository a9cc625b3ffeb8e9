//! The life cycle: create, open, close, free.

use super::{Answer, Carried, RawPlugin, slots::slot};
use crate::host::services::line;
use libc::c_void;
use std::{
    ffi::{CString, OsStr},
    os::unix::ffi::OsStrExt,
    ptr,
};

/// What `create` returned. Freed when it is dropped.
pub struct Instance {
    plugin: RawPlugin,
    data: *mut c_void,
}

/// An open database. Closed and freed when it is dropped.
pub struct Database(Option<Instance>);

// SAFETY: every call goes through `RawPlugin::call`, which keeps the plugin's
// thread model.
unsafe impl Send for Instance {}
// SAFETY: as for Send.
unsafe impl Sync for Instance {}

impl RawPlugin {
    /// Calls `create`. None: NULL.
    pub fn create(&self) -> Answer<Option<Instance>> {
        let create = slot!(self.0.slots.op.create);
        // SAFETY: the table was checked.
        let answer = self.call("create", || Carried(unsafe { create() }));
        let data = answer.said.open();
        let instance = (!data.is_null()).then(|| Instance { plugin: self.clone(), data });
        Answer { said: instance, error: answer.error }
    }
}

impl Instance {
    /// Calls `open`. Err: false, and what `error` said then.
    pub fn open(self, location: &OsStr) -> Answer<Result<Database, (Self, Option<String>)>> {
        let open = slot!(self.plugin.0.slots.op.open);
        // A path with a NUL byte ends there, as in C.
        let path = location.as_bytes().split(|&byte| byte == 0).next().unwrap_or_default();
        let path = CString::new(path).unwrap_or_default();
        let data = self.data;
        let answer = self.plugin.call("open", || {
            // SAFETY: `data` is new; the path is a C string.
            let opened = unsafe { open(data, path.as_ptr()) };
            (opened, if opened { None } else { self.error_text() })
        });
        let said = match answer.said {
            (true, _) => Ok(Database(Some(self))),
            (false, text) => Err((self, text)),
        };
        Answer { said, error: answer.error }
    }

    /// Calls `free`.
    pub fn free(mut self) -> Answer<()> {
        let answer = self.freed();
        self.data = ptr::null_mut();
        answer
    }

    fn freed(&self) -> Answer<()> {
        let (free, data) = (slot!(self.plugin.0.slots.op.free), self.data);
        // SAFETY: created, not open, and freed once.
        self.plugin.call("free", || unsafe { free(data) })
    }

    /// What `error` says; None for NULL or where there is no such slot.
    fn error_text(&self) -> Option<String> {
        let error = self.plugin.0.slots.op.error?;
        // SAFETY: `data` has not been freed; NULL or a C string.
        let text = unsafe { error(self.data) };
        // SAFETY: as above.
        (!text.is_null()).then(|| unsafe { line(text) })
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if !self.data.is_null() {
            self.freed();
        }
    }
}

impl Database {
    fn instance(&self) -> &Instance {
        match &self.0 {
            Some(instance) => instance,
            None => unreachable!("only `close` and `drop` take it"),
        }
    }

    /// The plugin.
    pub fn plugin(&self) -> &RawPlugin {
        &self.instance().plugin
    }

    /// The first argument of every function.
    pub(super) fn data(&self) -> *mut c_void {
        self.instance().data
    }

    /// The table.
    pub(super) fn slots(&self) -> &super::Slots {
        &self.plugin().0.slots
    }

    /// Calls `error`: the text, None for NULL.
    pub fn error(&self) -> Answer<Option<String>> {
        self.plugin().call("error", || self.instance().error_text())
    }

    /// Calls `close`.
    pub fn close(mut self) -> Answer<Option<Instance>> {
        let answer = self.closed();
        Answer { said: self.0.take(), error: answer.error }
    }

    fn closed(&self) -> Answer<()> {
        let (close, data) = (slot!(self.slots().op.close), self.data());
        // SAFETY: open, no call is under way, and no zone outlives the borrow
        // of this.
        self.plugin().call("close", || unsafe { close(data) })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // What is left is freed by its own drop.
        if self.0.is_some() {
            self.closed();
        }
    }
}
