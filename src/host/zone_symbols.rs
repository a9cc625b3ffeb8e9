//! The zone's functions under msgpack-c's names, for plugins compiled against
//! the genuine `<msgpack.h>`: its inline functions leave these undefined.
//!
//! The linker is told (build.rs, exports.list) to put them, and nothing else of
//! ours, into the dynamic symbol table of every executable.

use kumo_plugin::zone::msgpack_zone;
use libc::c_void;
use std::ptr;

type Func = Option<unsafe extern "C-unwind" fn(*mut c_void)>;

/// A function of the zone, as the linker sees it.
#[repr(transparent)]
struct Symbol(*const ());

// SAFETY: the address of a function.
unsafe impl Sync for Symbol {}

/// Refers to all of them, so that the linker keeps what only plugins use.
#[used]
static KEPT: [Symbol; 8] = [
    Symbol(msgpack_zone_new as *const ()),
    Symbol(msgpack_zone_free as *const ()),
    Symbol(msgpack_zone_init as *const ()),
    Symbol(msgpack_zone_destroy as *const ()),
    Symbol(msgpack_zone_clear as *const ()),
    Symbol(msgpack_zone_is_empty as *const ()),
    Symbol(msgpack_zone_malloc_expand as *const ()),
    Symbol(msgpack_zone_push_finalizer_expand as *const ()),
];

/// Makes sure that this module is part of the executable. Called by whatever
/// loads a library.
pub(super) fn keep() {
    std::hint::black_box(&KEPT);
}

// In all of these a zone is a valid pointer that the caller's thread owns: the
// contract of msgpack-c.

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn msgpack_zone_new(chunk_size: usize) -> *mut msgpack_zone {
    // SAFETY: libc's malloc; the result is checked, and initialised before use.
    unsafe {
        let zone = libc::malloc(size_of::<msgpack_zone>()).cast::<msgpack_zone>();
        if !zone.is_null() {
            zone.write(msgpack_zone::new(chunk_size));
        }
        zone
    }
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn msgpack_zone_free(zone: *mut msgpack_zone) {
    if zone.is_null() {
        return;
    }
    // SAFETY: made by msgpack_zone_new.
    unsafe {
        (*zone).destroy();
        libc::free(zone.cast());
    }
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn msgpack_zone_init(zone: *mut msgpack_zone, chunk_size: usize) -> bool {
    // SAFETY: the contract; `zone` need not be initialised.
    unsafe { zone.write(msgpack_zone::new(chunk_size)) };
    true
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn msgpack_zone_destroy(zone: *mut msgpack_zone) {
    // SAFETY: the contract.
    unsafe { (*zone).destroy() };
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn msgpack_zone_clear(zone: *mut msgpack_zone) {
    // SAFETY: the contract.
    unsafe { (*zone).clear() };
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn msgpack_zone_is_empty(zone: *const msgpack_zone) -> bool {
    // SAFETY: the contract.
    unsafe { (*zone).is_empty() }
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn msgpack_zone_malloc_expand(
    zone: *mut msgpack_zone,
    size: usize,
) -> *mut c_void {
    if zone.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: the contract.
    unsafe { (*zone).malloc_expand(size) }
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn msgpack_zone_push_finalizer_expand(
    zone: *mut msgpack_zone,
    func: Func,
    data: *mut c_void,
) -> bool {
    // SAFETY: the contract.
    unsafe { (*zone).push_finalizer_expand(func, data) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kumo_plugin::zone::MSGPACK_ZONE_CHUNK_SIZE;

    #[test]
    fn a_zone_can_be_made_used_and_freed_from_c() {
        // SAFETY: as a C program would.
        unsafe {
            let zone = msgpack_zone_new(MSGPACK_ZONE_CHUNK_SIZE);
            assert!(msgpack_zone_is_empty(zone));
            assert!(!msgpack_zone_malloc_expand(zone, 100).is_null());
            let memory = libc::malloc(1);
            assert!(msgpack_zone_push_finalizer_expand(zone, Some(free), memory));
            assert!(!msgpack_zone_is_empty(zone));
            msgpack_zone_clear(zone);
            assert!(msgpack_zone_is_empty(zone));
            msgpack_zone_free(zone);
        }
    }

    unsafe extern "C-unwind" fn free(memory: *mut c_void) {
        // SAFETY: came from malloc.
        unsafe { libc::free(memory) };
    }
}
