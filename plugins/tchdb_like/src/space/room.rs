//! Room: reserved, and made ready for stores through the mapping.
//!
//! A store for which the file system finds no room is a signal, so all of it must
//! have been found before. `fallocate` sees to that, but for one thing: the system
//! may keep pages together that were read together, and the first store to one of
//! them wants room for all of them. A chunk has room as a whole, but of a record of
//! its own the last chunk has only what is needed, and behind it is a hole. So there
//! what the system keeps is dropped, and each page made ready apart.

use super::Space;
use crate::chunk::{CHUNK, Chunk, PER_SEGMENT};
use rustix::{
    fs::{Advice, FallocateFlags, fadvise, fallocate},
    io::Errno,
};
use std::{io, num::NonZeroU64, os::unix::fs::FileExt};

/// What a chunk is filled with.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

impl Space {
    /// Reserves the room of a chunk that was there when the file was opened.
    pub fn make_solid(&self, chunk: &Chunk) -> bool {
        fallocate(&self.file, FallocateFlags::empty(), chunk.offset(), CHUNK as u64).is_ok()
    }

    /// Reserves room for so many bytes of a chunk, or of a run, and lets the file have
    /// this length at least.
    pub(super) fn reserve(
        &self,
        number: u32,
        bytes: u64,
        has_room: bool,
        end: u64,
    ) -> io::Result<()> {
        let at = u64::from(number) * CHUNK as u64;
        let is_new = self.file.metadata()?.len() < end;
        if !has_room || is_new {
            match fallocate(&self.file, FallocateFlags::empty(), at, bytes) {
                // File systems that cannot: what has been written has room.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.write_zeros(at, bytes)?,
                reserved => reserved?,
            }
            if is_new && at + bytes < end {
                // Every chunk of the file is whole, though it may be a hole.
                self.file.set_len(end)?;
            }
        }
        Ok(())
    }

    /// Makes a chunk zeros: what was there before is not to be looked through by
    /// a recovery.
    pub(super) fn prepare(&self, at: u64) -> io::Result<()> {
        // Where each write is synced, there must be no pages yet: those that are
        // written together are synced together. Elsewhere, to write them is half
        // the price of touching them one by one.
        if !self.fill && fallocate(&self.file, FallocateFlags::ZERO_RANGE, at, CHUNK as u64).is_ok()
        {
            return Ok(());
        }
        self.write_zeros(at, CHUNK as u64)
    }

    pub fn write_zeros(&self, from: u64, bytes: u64) -> io::Result<()> {
        let mut at = from;
        while at < from + bytes {
            let len = ZEROS.len().min((from + bytes - at) as usize);
            self.file.write_all_at(&ZEROS[..len], at)?;
            at += len as u64;
        }
        Ok(())
    }

    /// Gives a file system that can take it the room of so many bytes.
    pub(super) fn punch_bytes(&self, at: u64, bytes: u64) {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        // Where it cannot, the file keeps it.
        let _ = fallocate(&self.file, flags, at, bytes);
    }

    /// Sees to it that stores to so many bytes of a run need nothing any more of the
    /// file system. Their room is reserved.
    pub(super) fn make_writable(&self, number: u32, bytes: u64) -> io::Result<()> {
        let at = u64::from(number) * CHUNK as u64;
        let whole = bytes.next_multiple_of(CHUNK as u64);
        if whole > bytes {
            // Of an earlier use of the last chunk.
            self.punch_bytes(at + bytes, whole - bytes);
        }
        // Advice: if it is not taken, nothing is lost where there is room.
        let _ = fadvise(&self.file, at, NonZeroU64::new(whole), Advice::DontNeed);
        let from = (number % PER_SEGMENT) as usize * CHUNK;
        let segment = self.segments.get((number / PER_SEGMENT) as usize).and_then(|it| it.get());
        match segment.map(|(segment, ..)| segment.make_writable(from, bytes as usize)) {
            // It does not say why.
            Some(Err(error)) if error.raw_os_error() == Some(Errno::FAULT.raw_os_error()) => {
                Err(Errno::NOSPC.into())
            }
            // A system that does not know how: each store finds out.
            _ => Ok(()),
        }
    }
}
