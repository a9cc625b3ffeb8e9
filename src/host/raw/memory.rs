//! Memory with an edge: an argument that ends where reading on crashes, and one
//! that is huge and costs nothing.

use libc::c_void;
use std::{io, ops::Deref, ptr, slice};

/// A mapping of this process alone.
struct Mapping {
    start: *mut u8,
    len: usize,
}

// SAFETY: plain memory, which is written before it is shared.
unsafe impl Send for Mapping {}
// SAFETY: as for Send.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(len: usize, protection: i32) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new anonymous mapping touches nothing that is there.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { start: start.cast(), len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and unmapped once.
        unsafe { libc::munmap(self.start.cast::<c_void>(), self.len) };
    }
}

/// Bytes that can only be read, and behind which the next one cannot.
pub struct Fenced {
    mapping: Mapping,
    at: usize,
    len: usize,
}

impl Fenced {
    /// A copy of these bytes, at such an edge.
    pub fn new(bytes: &[u8]) -> io::Result<Self> {
        // SAFETY: asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(1) as usize;
        let room = bytes.len().div_ceil(page).max(1) * page;
        let mapping = Mapping::new(room + page, libc::PROT_READ | libc::PROT_WRITE)?;
        let at = room - bytes.len();
        // SAFETY: `room + page` bytes from `start` on are ours: the copy ends
        // where the last page begins.
        let protected = unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), mapping.start.add(at), bytes.len());
            let fence = mapping.start.add(room).cast::<c_void>();
            libc::mprotect(mapping.start.cast(), room, libc::PROT_READ)
                | libc::mprotect(fence, page, libc::PROT_NONE)
        };
        match protected {
            0 => Ok(Self { mapping, at, len: bytes.len() }),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Deref for Fenced {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `len` bytes from `at` on are there, and no one can write them.
        unsafe { slice::from_raw_parts(self.mapping.start.add(self.at), self.len) }
    }
}

/// Zeros: as many as one likes, without memory for them until they are written,
/// which they cannot be.
pub struct Sparse(Mapping);

impl Sparse {
    /// So many zeros.
    pub fn new(len: usize) -> io::Result<Self> {
        Mapping::new(len, libc::PROT_READ).map(Self)
    }
}

impl Deref for Sparse {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: mapped for reading, and never written.
        unsafe { slice::from_raw_parts(self.0.start, self.0.len) }
    }
}
