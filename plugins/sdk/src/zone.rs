//! The memory zone of msgpack-c: bump allocation, and finalizers that run when
//! the zone is cleared.
//!
//! The layout is that of msgpack-c 0.4 to 6.0, and chunks and finalizers come
//! from libc's allocator, because the inline functions of the genuine
//! `<msgpack.h>`, compiled into a plugin, read and write a zone themselves. The
//! C names of the functions here are defined by the host, once.
//!
//! A zone belongs to one thread at a time.

#![allow(non_camel_case_types)]

use libc::{c_char, c_void};
use std::ptr;

/// A cleanup function and its argument.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct msgpack_zone_finalizer {
    /// What to call.
    pub func: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
    /// What to call it with.
    pub data: *mut c_void,
}

/// The head of a chunk; its memory follows.
#[repr(C)]
pub struct msgpack_zone_chunk {
    next: *mut msgpack_zone_chunk,
}

/// The chunk that allocations come from, and those before it.
#[repr(C)]
pub struct msgpack_zone_chunk_list {
    free: usize,
    ptr: *mut c_char,
    head: *mut msgpack_zone_chunk,
}

/// The finalizers, oldest first.
#[repr(C)]
pub struct msgpack_zone_finalizer_array {
    tail: *mut msgpack_zone_finalizer,
    end: *mut msgpack_zone_finalizer,
    array: *mut msgpack_zone_finalizer,
}

/// A memory zone, as C sees it. [`Zone`] owns one.
#[repr(C)]
pub struct msgpack_zone {
    chunk_list: msgpack_zone_chunk_list,
    finalizer_array: msgpack_zone_finalizer_array,
    chunk_size: usize,
}

/// The size of a zone's chunks, in bytes, where nothing else is asked for.
pub const MSGPACK_ZONE_CHUNK_SIZE: usize = 8192;

/// msgpack-c's alignment of what a zone hands out.
const ALIGN: usize = size_of::<usize>();

const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<msgpack_zone>() == 56 && align_of::<msgpack_zone>() == 8);
    assert!(offset_of!(msgpack_zone, chunk_list) == 0);
    assert!(offset_of!(msgpack_zone_chunk_list, free) == 0);
    assert!(offset_of!(msgpack_zone_chunk_list, ptr) == 8);
    assert!(offset_of!(msgpack_zone_chunk_list, head) == 16);
    assert!(offset_of!(msgpack_zone, finalizer_array) == 24);
    assert!(offset_of!(msgpack_zone_finalizer_array, tail) == 0);
    assert!(offset_of!(msgpack_zone_finalizer_array, end) == 8);
    assert!(offset_of!(msgpack_zone_finalizer_array, array) == 16);
    assert!(offset_of!(msgpack_zone, chunk_size) == 48);
    assert!(size_of::<msgpack_zone_finalizer>() == 16 && size_of::<msgpack_zone_chunk>() == 8);
};

impl msgpack_zone {
    /// A zone that holds nothing yet. It allocates when it is first used.
    pub const fn new(chunk_size: usize) -> Self {
        Self {
            chunk_list: msgpack_zone_chunk_list {
                free: 0,
                ptr: ptr::null_mut(),
                head: ptr::null_mut(),
            },
            finalizer_array: msgpack_zone_finalizer_array {
                tail: ptr::null_mut(),
                end: ptr::null_mut(),
                array: ptr::null_mut(),
            },
            chunk_size,
        }
    }

    /// Allocates `size` bytes, aligned to 8, that live until the zone is
    /// cleared. NULL: no memory.
    pub fn malloc(&mut self, size: usize) -> *mut c_void {
        let list = &mut self.chunk_list;
        let pad = list.ptr.align_offset(ALIGN);
        if !list.ptr.is_null()
            && let Some(need) = size.checked_add(pad)
            && need <= list.free
        {
            list.free -= need;
            // SAFETY: `pad + size` bytes from `ptr` on are free in its chunk.
            unsafe {
                let start = list.ptr.add(pad);
                list.ptr = start.add(size);
                return start.cast();
            }
        }
        self.malloc_expand(size)
    }

    /// As [`malloc`](Self::malloc), from a new chunk.
    pub fn malloc_expand(&mut self, size: usize) -> *mut c_void {
        let room = self.chunk_size.max(size);
        let Some(bytes) = room.checked_add(size_of::<msgpack_zone_chunk>()) else {
            return ptr::null_mut();
        };
        // SAFETY: libc's malloc takes any size.
        let chunk = unsafe { libc::malloc(bytes) }.cast::<msgpack_zone_chunk>();
        if chunk.is_null() {
            return ptr::null_mut();
        }
        let list = &mut self.chunk_list;
        // SAFETY: the chunk has `room >= size` bytes behind its head.
        unsafe {
            (*chunk).next = list.head;
            let start = chunk.add(1).cast::<c_char>();
            list.head = chunk;
            list.ptr = start.add(size);
            list.free = room - size;
            start.cast()
        }
    }

    /// Has `func(data)` called when the zone is cleared: last pushed, first
    /// called. False: no memory, and `func` will not be called.
    #[inline]
    pub fn push_finalizer(
        &mut self,
        func: unsafe extern "C-unwind" fn(*mut c_void),
        data: *mut c_void,
    ) -> bool {
        let array = &mut self.finalizer_array;
        if array.tail == array.end {
            return self.push_finalizer_expand(Some(func), data);
        }
        // SAFETY: tail < end, so it points into the array.
        unsafe {
            array.tail.write(msgpack_zone_finalizer { func: Some(func), data });
            array.tail = array.tail.add(1);
        }
        true
    }

    /// As [`push_finalizer`](Self::push_finalizer), when the array is full.
    #[cold]
    pub fn push_finalizer_expand(
        &mut self,
        func: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
        data: *mut c_void,
    ) -> bool {
        let array = &mut self.finalizer_array;
        let used =
            (array.tail as usize - array.array as usize) / size_of::<msgpack_zone_finalizer>();
        let Some(capacity) = used.max(4).checked_mul(2) else { return false };
        let Some(bytes) = capacity.checked_mul(size_of::<msgpack_zone_finalizer>()) else {
            return false;
        };
        // SAFETY: `array` is NULL or came from libc's malloc or realloc.
        let grown =
            unsafe { libc::realloc(array.array.cast(), bytes) }.cast::<msgpack_zone_finalizer>();
        if grown.is_null() {
            return false;
        }
        // SAFETY: `used < capacity` elements lie within the new array.
        unsafe {
            array.array = grown;
            array.end = grown.add(capacity);
            let tail = grown.add(used);
            tail.write(msgpack_zone_finalizer { func, data });
            array.tail = tail.add(1);
        }
        true
    }

    /// Runs the finalizers, last pushed first, and forgets them; the array
    /// stays for reuse.
    fn call_finalizers(&mut self) {
        // A finalizer may not touch the zone, but the loop survives one that does.
        while self.finalizer_array.tail != self.finalizer_array.array {
            // SAFETY: array < tail, so the one before tail is initialised.
            unsafe {
                self.finalizer_array.tail = self.finalizer_array.tail.sub(1);
                let finalizer = self.finalizer_array.tail.read();
                if let Some(func) = finalizer.func {
                    func(finalizer.data);
                }
            }
        }
    }

    /// Gives every chunk back to libc.
    fn free_chunks(&mut self) {
        let mut chunk = self.chunk_list.head;
        while !chunk.is_null() {
            // SAFETY: every chunk came from libc's malloc and is freed once.
            unsafe {
                let next = (*chunk).next;
                libc::free(chunk.cast());
                chunk = next;
            }
        }
        self.chunk_list =
            msgpack_zone_chunk_list { free: 0, ptr: ptr::null_mut(), head: ptr::null_mut() };
    }

    /// Runs the finalizers, last pushed first, and frees what was allocated.
    pub fn clear(&mut self) {
        self.call_finalizers();
        if !self.chunk_list.head.is_null() {
            self.free_chunks();
        }
    }

    /// [`clear`](Self::clear), and frees the finalizer array too.
    pub fn destroy(&mut self) {
        self.clear();
        // SAFETY: `array` is NULL or came from libc's realloc.
        unsafe { libc::free(self.finalizer_array.array.cast()) };
        *self = Self::new(self.chunk_size);
    }

    /// Whether there is neither a finalizer nor an allocation.
    pub fn is_empty(&self) -> bool {
        self.chunk_list.head.is_null() && self.finalizer_array.tail == self.finalizer_array.array
    }
}

/// A zone that Rust owns: destroyed when it is dropped.
///
/// It can be shared (not between threads) while values are read through it;
/// clearing takes it exclusively, so no value outlives its finalizer.
pub struct Zone(std::cell::UnsafeCell<msgpack_zone>);

impl Zone {
    /// An empty zone. It allocates nothing until it is used.
    pub const fn new() -> Self {
        Self(std::cell::UnsafeCell::new(msgpack_zone::new(MSGPACK_ZONE_CHUNK_SIZE)))
    }

    /// The zone for a C function, which may push and allocate but not clear.
    pub fn as_ptr(&self) -> *mut msgpack_zone {
        self.0.get()
    }

    /// Runs the finalizers, last pushed first, and frees what was allocated.
    pub fn clear(&mut self) {
        self.0.get_mut().clear();
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Zone {
    fn drop(&mut self) {
        self.0.get_mut().destroy();
    }
}

// SAFETY: a zone is plain memory of its own; its finalizers may run on any
// thread unless the plugin declares otherwise, which the host sees to.
unsafe impl Send for Zone {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    thread_local!(static CALLED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) });

    unsafe extern "C-unwind" fn note(data: *mut c_void) {
        CALLED.with_borrow_mut(|called| called.push(data as usize));
    }

    #[test]
    fn finalizers_run_once_and_last_pushed_first() {
        let mut zone = msgpack_zone::new(MSGPACK_ZONE_CHUNK_SIZE);
        for n in 1..=100 {
            assert!(zone.push_finalizer(note, n as *mut c_void));
        }
        zone.clear();
        let expected: Vec<usize> = (1..=100).rev().collect();
        assert_eq!(CALLED.take(), expected);
        zone.clear();
        assert_eq!(CALLED.take(), []);
        zone.destroy();
    }

    #[test]
    fn memory_is_aligned_apart_and_usable() {
        let mut zone = msgpack_zone::new(64);
        let mut taken = Vec::new();
        for size in [1, 7, 8, 63, 64, 65, 1000, 0, 3] {
            let memory = zone.malloc(size);
            assert!(!memory.is_null() && (memory as usize).is_multiple_of(ALIGN));
            // SAFETY: `size` bytes were just allocated.
            unsafe { ptr::write_bytes(memory.cast::<u8>(), taken.len() as u8, size) };
            taken.push((memory.cast::<u8>(), size));
        }
        for (n, (memory, size)) in taken.iter().enumerate() {
            // SAFETY: written above, and the zone has not been cleared.
            let bytes = unsafe { std::slice::from_raw_parts(*memory, *size) };
            assert!(bytes.iter().all(|&byte| byte == n as u8));
        }
        assert!(!zone.is_empty());
        zone.clear();
        assert!(zone.is_empty());
        zone.destroy();
    }

    #[test]
    fn an_impossible_size_is_refused() {
        let mut zone = msgpack_zone::new(64);
        assert!(zone.malloc(usize::MAX).is_null());
        assert!(zone.malloc(usize::MAX - 4).is_null());
        assert!(zone.is_empty());
    }
}
