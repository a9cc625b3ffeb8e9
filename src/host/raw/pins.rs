//! A zone that the kit looks into, and the values that live until it is cleared.

use super::instance::Database;
use kumo_plugin::zone::{MSGPACK_ZONE_CHUNK_SIZE, msgpack_zone, msgpack_zone_finalizer};
use libc::c_char;
use std::{marker::PhantomData, ptr};

/// A zone of a database's. Its finalizers run when it is cleared or dropped, as
/// the plugin's thread model wants it.
pub struct Zone<'d> {
    database: &'d Database,
    zone: *mut msgpack_zone,
    /// A zone that takes no finalizer: what its array really is.
    refusing: Option<*mut libc::c_void>,
}

// SAFETY: a zone is plain memory; its finalizers run as the thread model wants.
unsafe impl Send for Zone<'_> {}

/// The zone as msgpack-c lays it out: 56 bytes, which the SDK asserts.
#[repr(C)]
struct Layout {
    free: usize,
    ptr: *mut c_char,
    head: *mut libc::c_void,
    tail: *mut msgpack_zone_finalizer,
    end: *mut msgpack_zone_finalizer,
    array: *mut msgpack_zone_finalizer,
    chunk_size: usize,
}

const _: () = assert!(size_of::<Layout>() == size_of::<msgpack_zone>());

/// A distance that no array of finalizers has: one that doubled could not be
/// allocated.
const TOO_FAR: usize = 1 << 62;

/// Bytes that the plugin handed out. They are looked at anew every time, for a
/// bad plugin changes them.
#[derive(Clone, Copy)]
pub struct Value<'z> {
    start: *const c_char,
    len: usize,
    zone: PhantomData<&'z ()>,
}

impl<'d> Zone<'d> {
    /// An empty zone.
    pub fn new(database: &'d Database) -> Self {
        let zone = Box::into_raw(Box::new(msgpack_zone::new(MSGPACK_ZONE_CHUNK_SIZE)));
        Self { database, zone, refusing: None }
    }

    /// A zone that takes no finalizer: its array is full, and too long to grow,
    /// so that every implementation of `msgpack_zone_push_finalizer` says false.
    pub fn refusing(database: &'d Database) -> Self {
        let mut zone = Self::new(database);
        // SAFETY: libc's malloc; the array must be its, for realloc looks at it.
        let array = unsafe { libc::malloc(16) };
        if !array.is_null() {
            let layout = zone.layout();
            layout.array = array.cast();
            layout.tail = layout.array.wrapping_byte_add(TOO_FAR);
            layout.end = layout.tail;
            zone.refusing = Some(array);
        }
        zone
    }

    fn layout(&mut self) -> &mut Layout {
        // SAFETY: the layouts are one, and the zone is ours.
        unsafe { &mut *self.zone.cast::<Layout>() }
    }

    /// The zone for a function of the table.
    pub(super) fn as_ptr(&self) -> *mut msgpack_zone {
        self.zone
    }

    /// How many finalizers wait.
    pub fn finalizers(&self) -> usize {
        if self.refusing.is_some() {
            return 0;
        }
        // SAFETY: the layouts are one, and no one else has the zone now.
        let layout = unsafe { &*self.zone.cast::<Layout>() };
        (layout.tail as usize - layout.array as usize) / size_of::<msgpack_zone_finalizer>()
    }

    /// Whether memory was allocated in it.
    pub fn has_memory(&self) -> bool {
        // SAFETY: as for `finalizers`.
        !unsafe { &*self.zone.cast::<Layout>() }.head.is_null()
    }

    /// Runs the finalizers and frees what was allocated.
    pub fn clear(&mut self) {
        if let Some(array) = self.refusing.take() {
            let layout = self.layout();
            // Nobody could push, unless he wrote past the end of the array.
            layout.tail = ptr::null_mut();
            layout.end = ptr::null_mut();
            layout.array = ptr::null_mut();
            // SAFETY: malloc's, and freed once.
            unsafe { libc::free(array) };
        }
        let zone = self.zone;
        self.database.plugin().call("a finalizer", || {
            // SAFETY: the zone is ours, and the database is open.
            unsafe { (*zone).clear() }
        });
    }
}

impl Drop for Zone<'_> {
    fn drop(&mut self) {
        self.clear();
        // SAFETY: made by `new`, and freed once; it is empty, so nothing of the
        // plugin's runs.
        unsafe {
            (*self.zone).destroy();
            drop(Box::from_raw(self.zone));
        }
    }
}

impl Value<'_> {
    /// What the plugin handed out; None for NULL.
    pub(super) fn new(start: *const c_char, len: usize) -> Option<Self> {
        (!start.is_null()).then_some(Self { start, len, zone: PhantomData })
    }

    /// Its length.
    #[allow(clippy::len_without_is_empty)] // nothing that is ever asked
    pub fn len(&self) -> usize {
        self.len
    }

    /// The bytes as they are now.
    pub fn bytes(&self) -> Vec<u8> {
        let mut copy = Vec::with_capacity(self.len);
        // SAFETY: the contract: so many bytes are readable until the zone is
        // cleared. They are copied, not borrowed: who breaks the contract may
        // write them.
        unsafe {
            ptr::copy_nonoverlapping(self.start.cast::<u8>(), copy.as_mut_ptr(), self.len);
            copy.set_len(self.len);
        }
        copy
    }
}
