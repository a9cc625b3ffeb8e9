//! The host's comparison, as a table's `del` and `update` call it.

use super::operations::Ask;
use kumo_plugin::abi::kumo_storage_casproc;
use libc::{c_char, c_void};

/// A comparison under way, and what became of it.
pub(super) struct Comparison<'a> {
    ask: Ask<'a>,
    /// Whether the engine asked, which it does for a record that exists.
    pub asked: bool,
    /// What the last answer was.
    pub agreed: bool,
}

impl<'a> Comparison<'a> {
    pub fn new(ask: Ask<'a>) -> Self {
        Self { ask, asked: false, agreed: false }
    }

    /// The function to hand to the table.
    pub fn proc(&self) -> kumo_storage_casproc {
        Some(compare)
    }

    /// The argument to hand to the table.
    pub fn data(&mut self) -> *mut c_void {
        (&raw mut *self).cast()
    }
}

// Not C-unwind: a panic in a comparison ends the process rather than unwind
// through a plugin.
unsafe extern "C" fn compare(
    casdata: *mut c_void,
    oldval: *const c_char,
    oldvallen: usize,
) -> bool {
    // SAFETY: `data` made it, and the table's call has not returned.
    let comparison = unsafe { &mut *casdata.cast::<Comparison<'_>>() };
    let old = if oldvallen == 0 || oldval.is_null() {
        &[]
    } else {
        // SAFETY: the contract: the value is readable during the call.
        unsafe { std::slice::from_raw_parts(oldval.cast(), oldvallen) }
    };
    comparison.asked = true;
    comparison.agreed = (comparison.ask)(old);
    comparison.agreed
}
