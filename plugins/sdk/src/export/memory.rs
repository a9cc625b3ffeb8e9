//! Memory that crosses the border: arguments, comparisons, and what the zone
//! is given to keep.

use crate::{
    abi::kumo_storage_casproc,
    error::Error,
    value::{Owner, Value},
    zone::msgpack_zone,
};
use libc::{c_char, c_void};
use std::{ptr, slice};

/// The bytes at `data`, which may be NULL where there are none.
///
/// # Safety
/// `len` bytes at `data` stay readable for `'a`.
pub(super) unsafe fn bytes<'a>(data: *const c_char, len: usize) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { items(data.cast(), len) }
}

/// The array at `data`, which may be NULL where there is nothing in it.
///
/// # Safety
/// `num` items at `data` stay readable for `'a`.
pub(super) unsafe fn items<'a, T>(data: *const T, num: usize) -> &'a [T] {
    if num == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(data, num) }
}

/// A C casproc as a closure. No proc agrees to everything.
///
/// # Safety
/// `proc` may be called with `casdata` while the closure lives.
pub(super) unsafe fn cas(
    proc: kumo_storage_casproc,
    casdata: *mut c_void,
) -> impl FnMut(&[u8]) -> bool {
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
pub(super) unsafe fn copy_into(
    zone: *mut msgpack_zone,
    from: &[u8],
) -> Result<*const c_char, Error> {
    // SAFETY: the caller's promise. A byte more, so that no length is refused
    // for being 0.
    let memory = unsafe { &mut *zone }.malloc(from.len().saturating_add(1)).cast::<u8>();
    if memory.is_null() {
        return Err(Error::no_memory(from.len()));
    }
    // SAFETY: the memory is new and long enough.
    unsafe { ptr::copy_nonoverlapping(from.as_ptr(), memory, from.len()) };
    Ok(memory.cast())
}

/// Gives what keeps a value to the zone, and returns where the value is and how
/// long. Where the zone does not take it, it is released here.
///
/// # Safety
/// `zone` is a zone that no one else uses during the call.
#[inline]
pub(super) unsafe fn hand_over(
    zone: *mut msgpack_zone,
    value: &mut Value<'_>,
) -> Result<(*const c_char, u32), Error> {
    let len = u32::try_from(value.len())
        .map_err(|_| Error::invalid("the value is longer than 4 GiB less a byte"))?;
    if let Some(Owner { release, data }) = value.take_owner() {
        // SAFETY: the caller's promise.
        if !unsafe { &mut *zone }.push_finalizer(release, data) {
            // SAFETY: the zone has not taken it, so this is the only release.
            unsafe { release(data) };
            return Err(Error::new(
                crate::ErrorCode::Memory,
                "the zone has no memory for a finalizer",
            ));
        }
    }
    Ok((value.as_ptr().cast(), len))
}
