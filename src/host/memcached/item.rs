//! An engine's item, and what it says of it.

use super::{
    abi::{self, item_info},
    connection::Inner,
};
use crate::host::{Failure, Pins};
use libc::{c_void, iovec};
use std::{ffi::c_char, mem::MaybeUninit, ptr::NonNull, rc::Rc, slice};

/// Most items have their value in one piece; few engines use many.
const FEW_PIECES: usize = 8;
/// The most pieces that a value may have: as many as a system call takes.
pub(super) const MOST_PIECES: usize = 1024;

/// An item of an engine's. It is released when this is dropped.
pub struct Item {
    item: NonNull<abi::item>,
    connection: Rc<Inner>,
}

/// What an item is, its value apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The CAS unique; 0 where the engine has none.
    pub cas: u64,
    /// When it expires, in seconds since the server's start; 0 for never.
    pub exptime: u32,
    /// The client's flags.
    pub flags: u32,
}

impl Item {
    pub(super) fn new(item: NonNull<abi::item>, connection: &Rc<Inner>) -> Self {
        Self { item, connection: Rc::clone(connection) }
    }

    /// Valid while this lives.
    pub(super) fn pointer(&self) -> NonNull<abi::item> {
        self.item
    }

    /// Sets the number that a store compares with; 0 for none.
    pub fn set_cas(&self, cas: u64) {
        // SAFETY: it is released when it is dropped.
        self.connection.call("item_set_cas", |to| unsafe { to.item_set_cas(self.item, cas) });
    }

    /// Writes the value of an item that has been allocated and not yet stored.
    pub fn fill(&mut self, data: &[u8]) -> Result<(), Failure> {
        self.look(|_, pieces| {
            // SAFETY: the pieces that the engine tells of; the item is nobody
            // else's yet.
            unsafe { fill(pieces, data) }.map_err(|what| self.wrong(what))
        })
    }

    /// Keeps the item with the pins. Its value stays where it is; one of several
    /// pieces is put together.
    pub fn pin(self, pins: &Pins) -> Result<(Head, &[u8]), Failure> {
        let found = self.look(|head, pieces| {
            if let [piece] = pieces {
                // SAFETY: the contract: readable until the item is released,
                // which the pins do below.
                return Ok((head, unsafe { bytes(piece) }));
            }
            let size = total(pieces);
            if size == 0 {
                return Ok((head, &[][..]));
            }
            let memory = NonNull::new(pins.malloc(size).cast::<u8>())
                .ok_or_else(|| self.wrong(format!("no memory for a value of {size} bytes")))?;
            let mut end = memory;
            for piece in pieces {
                // SAFETY: as above; there is room for all pieces.
                unsafe {
                    let piece = bytes(piece);
                    end.copy_from(NonNull::from(piece).cast(), piece.len());
                    end = end.add(piece.len());
                }
            }
            // SAFETY: written just now; the zone's until the pins are cleared.
            Ok((head, unsafe { slice::from_raw_parts(memory.as_ptr(), size) }))
        })?;
        let held = Box::into_raw(Box::new(self));
        if !pins.hold_until_cleared(release, held.cast()) {
            // SAFETY: nobody has taken it.
            let item = *unsafe { Box::from_raw(held) };
            return Err(item.wrong("no memory to hold an item".to_owned()));
        }
        Ok(found)
    }

    /// What the item is, and the pieces of its value.
    pub fn head(&self) -> Result<Head, Failure> {
        self.look(|head, _| Ok(head))
    }

    /// Has a look at the head and the value's pieces.
    fn look<R>(
        &self,
        look: impl FnOnce(Head, &[iovec]) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let mut few = MaybeUninit::<item_info<FEW_PIECES>>::zeroed();
        if let Some((head, pieces)) = self.info(&mut few) {
            return look(head, pieces);
        }
        let mut many = Box::new(MaybeUninit::<item_info<MOST_PIECES>>::zeroed());
        match self.info(&mut many) {
            Some((head, pieces)) => look(head, pieces),
            None => Err(self.wrong("it does not tell of an item (get_item_info)".to_owned())),
        }
    }

    fn info<'a, const N: usize>(
        &self,
        info: &'a mut MaybeUninit<item_info<N>>,
    ) -> Option<(Head, &'a [iovec])> {
        // SAFETY: zeros are a valid value: numbers and NULL.
        let info = unsafe { info.assume_init_mut() };
        info.nvalue = N as u16;
        let told = self.connection.call("get_item_info", |to| {
            // SAFETY: not released, and there is room for `nvalue` pieces.
            unsafe { to.get_item_info(self.item, info) }
        });
        let pieces = info.value.get(..usize::from(info.nvalue)).filter(|_| told)?;
        if !pieces.iter().all(is_plausible) {
            return None;
        }
        let (cas, exptime, flags) = (info.cas, info.exptime, u32::from_be(info.flags));
        Some((Head { cas, exptime, flags }, pieces))
    }

    fn wrong(&self, what: String) -> Failure {
        Failure::other(format!("{}: {what}", self.connection.instance.name))
    }
}

/// Whether a piece can be what it says: it is somewhere, and no longer than a
/// value.
fn is_plausible(piece: &iovec) -> bool {
    let is_nowhere = piece.iov_base.is_null() && piece.iov_len > 0;
    !is_nowhere && u32::try_from(piece.iov_len).is_ok()
}

/// Writes a value into the pieces of an item. Err: they have no room for it.
///
/// # Safety
/// Where a piece is not NULL it is as long as it says, and nobody else looks at
/// it.
pub(super) unsafe fn fill(pieces: &[iovec], mut data: &[u8]) -> Result<(), String> {
    let (size, room) = (data.len(), total(pieces));
    if room != size {
        return Err(format!("an item for a value of {size} bytes has room for {room}"));
    }
    for piece in pieces.iter().filter(|piece| piece.iov_len > 0) {
        let (part, rest) = data.split_at(piece.iov_len);
        if piece.iov_base.is_null() {
            return Err("an item's value is NULL".to_owned());
        }
        // SAFETY: the caller's promise.
        unsafe { piece.iov_base.cast::<u8>().copy_from(part.as_ptr(), part.len()) };
        data = rest;
    }
    Ok(())
}

/// The bytes of all pieces, each of which is plausible.
fn total(pieces: &[iovec]) -> usize {
    pieces.iter().map(|piece| piece.iov_len).sum()
}

/// # Safety
/// The piece is one that get_item_info told of, and its item is held for `'a`.
unsafe fn bytes<'a>(piece: &iovec) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { crate::host::storage::slice_at(piece.iov_base as *const c_char, piece.iov_len) }
}

unsafe extern "C-unwind" fn release(held: *mut c_void) {
    // SAFETY: `pin` has put it there, and a finalizer runs once.
    drop(unsafe { Box::from_raw(held.cast::<Item>()) });
}

impl Drop for Item {
    fn drop(&mut self) {
        // SAFETY: it is not released before, and nobody has it any more.
        self.connection.call("release", |to| unsafe { to.release(self.item) });
    }
}
