//! Salvaging what is whole of a database that may not even open.

use super::{
    failure::Failure,
    guard::guarded,
    plugin::Plugin,
    services::{clear_error, take_error},
    whole::{Report, fault},
};
use kumo_plugin::ErrorCode;
use std::{ffi::CString, os::unix::ffi::OsStrExt, path::Path};

impl Plugin {
    /// Salvages what is whole of the damaged database `from` into a new one at
    /// `to`; shows `report` what is lost. How many records the new one has. None:
    /// the engine has no such operation.
    pub fn repair(
        &self,
        from: &Path,
        to: &Path,
        report: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Option<u64>, Failure> {
        let Some(repair) = self.0.table.repair else { return Ok(None) };
        let c_path = |path: &Path| {
            CString::new(path.as_os_str().as_bytes())
                .map_err(|_| Failure::new(ErrorCode::Invalid, "the path has a NUL byte"))
        };
        let (from, to) = (c_path(from)?, c_path(to)?);
        self.0.threads.run(|| {
            clear_error();
            guarded(&self.0.name, "repair", || {
                let mut report = Report(report);
                let user = (&raw mut report).cast();
                // SAFETY: C strings; the report outlives the call.
                let records = unsafe { repair(from.as_ptr(), to.as_ptr(), Some(fault), user) };
                u64::try_from(records).map(Some).map_err(|_| {
                    take_error().unwrap_or_else(|| {
                        Failure::other(format!("repair failed in {}: no reason given", self.0.name))
                    })
                })
            })
        })
    }
}
