//! Mappings of files, for engines that read and write through one.

use crate::services::mapping_services;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
};

/// Whether a page of one of several mappings could not be read. From then on
/// what is written to them may not reach the file.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<AtomicU32>);

impl Faults {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there was one.
    #[inline]
    pub fn any(&self) -> bool {
        self.0.load(SeqCst) != 0
    }
}

/// A mapping that the host knows of, until this is dropped.
///
/// A page that cannot be read, because the disk fails or somebody has cut the
/// file short, ends the process (SIGBUS). Of a mapping that the host knows, it
/// reads as zeros instead, and the [`Faults`] say so.
#[derive(Debug)]
pub struct Guarded {
    address: *mut u8,
    // Where the host sets it.
    _faults: Faults,
}

// SAFETY: the address is only handed back to the host.
unsafe impl Send for Guarded {}
// SAFETY: as for Send.
unsafe impl Sync for Guarded {}

impl Guarded {
    /// Tells the host of a mapping. None: it has no such service, or no room for
    /// more.
    ///
    /// # Safety
    /// So many bytes are mapped there, whole pages, by the caller, and stay so
    /// until this is dropped; and no one depends on any of their pages not
    /// turning into zeros.
    pub unsafe fn new(address: *mut u8, length: usize, faults: &Faults) -> Option<Self> {
        let (register, _) = mapping_services()?;
        let faults = faults.clone();
        // SAFETY: the caller's promise; the flag lives as long as what is
        // returned, whose drop unregisters the mapping.
        let is_known = unsafe { register(address.cast(), length, faults.0.as_ptr()) };
        is_known.then_some(Self { address, _faults: faults })
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some((_, unregister)) = mapping_services() {
            // SAFETY: registered, and forgotten once.
            unsafe { unregister(self.address.cast()) };
        }
    }
}
