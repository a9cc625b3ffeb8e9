//! An engine's item, with everything that it says of it.

use super::Line;
use crate::host::{
    memcached::{
        abi::{self, item_info},
        item::{MOST_PIECES, fill},
    },
    storage::slice_at,
};
use libc::iovec;
use std::{mem::MaybeUninit, ptr::NonNull, sync::Arc};

/// An item of an engine's. It is released when this is dropped.
pub struct Item {
    pub(super) item: NonNull<abi::item>,
    line: Arc<Line>,
}

// SAFETY: the interface: an item may be used and released on any thread; the
// line sees to it that there is one call at a time.
unsafe impl Send for Item {}

/// What an engine tells of an item, as it tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The CAS unique.
    pub cas: u64,
    /// When it expires, in seconds since the server's start.
    pub exptime: u32,
    /// How long the value is said to be.
    pub nbytes: u32,
    /// The flags in network order, as bytes.
    pub flags: [u8; 4],
    /// The key; None: NULL.
    pub key: Option<Vec<u8>>,
    /// The value, piece by piece; a piece that is NULL and not empty is None.
    pub pieces: Vec<Option<Vec<u8>>>,
}

/// Why an item cannot be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// get_item_info returned false.
    #[error("get_item_info returned false, with room for {room} pieces of the value")]
    Refused {
        /// How many pieces there was room for.
        room: usize,
    },
    /// get_item_info went beyond its room.
    #[error("get_item_info says that it used {used} pieces, where there is room for {room}")]
    Overrun {
        /// How many it says.
        used: usize,
        /// How many there was room for.
        room: usize,
    },
    /// A piece is longer than any value.
    #[error("get_item_info says that a piece of the value has {0} bytes")]
    Endless(usize),
    /// There is no place to write the value to.
    #[error("{0}")]
    NoRoom(String),
}

impl Info {
    /// The value, put together.
    pub fn value(&self) -> Vec<u8> {
        self.pieces.iter().flatten().flatten().copied().collect()
    }
}

impl Item {
    pub(super) fn new(item: NonNull<abi::item>, line: &Arc<Line>) -> Self {
        Self { item, line: Arc::clone(line) }
    }

    /// Sets the number that a store compares with; 0 for none.
    pub fn set_cas(&self, cas: u64) {
        // SAFETY: it is released when it is dropped.
        self.line.call("item_set_cas", |to| unsafe { to.item_set_cas(self.item, cas) });
    }

    /// What the engine tells, with room for so many pieces of the value, at most
    /// 1024.
    pub fn info(&self, room: usize) -> Result<Info, Untold> {
        self.look(room, |info, pieces| {
            let piece = |piece: &iovec| match (piece.iov_base.is_null(), piece.iov_len) {
                (true, 1..) => None,
                // SAFETY: the contract: so many bytes, until the release.
                (_, len) => Some(unsafe { slice_at(piece.iov_base.cast(), len) }.to_vec()),
            };
            let key = NonNull::new(info.key.cast_mut()).map(|key| {
                // SAFETY: as above.
                unsafe { slice_at(key.as_ptr().cast_const().cast(), info.nkey.into()) }.to_vec()
            });
            Info {
                cas: info.cas,
                exptime: info.exptime,
                nbytes: info.nbytes,
                flags: info.flags.to_ne_bytes(),
                key,
                pieces: pieces.iter().map(piece).collect(),
            }
        })
    }

    /// Writes the value of an item that has been allocated and not yet stored.
    pub fn fill(&mut self, data: &[u8]) -> Result<(), Untold> {
        // SAFETY: the pieces that the engine tells of; the item is nobody else's
        // yet.
        self.look(MOST_PIECES, |_, pieces| unsafe { fill(pieces, data) })?.map_err(Untold::NoRoom)
    }

    fn look<R>(
        &self,
        room: usize,
        look: impl FnOnce(&item_info<MOST_PIECES>, &[iovec]) -> R,
    ) -> Result<R, Untold> {
        let mut info = Box::new(MaybeUninit::<item_info<MOST_PIECES>>::zeroed());
        // SAFETY: zeros are a valid value: numbers and NULL.
        let info = unsafe { info.assume_init_mut() };
        let room = room.min(MOST_PIECES);
        info.nvalue = room as u16;
        let told = self.line.call("get_item_info", |to| {
            // SAFETY: not released, and there is room for `nvalue` pieces.
            unsafe { to.get_item_info(self.item, info) }
        });
        if !told {
            return Err(Untold::Refused { room });
        }
        let used = usize::from(info.nvalue);
        if used > room {
            return Err(Untold::Overrun { used, room });
        }
        let pieces = &info.value[..used];
        // Lengths are numbers of 32 bits.
        match pieces.iter().find(|piece| piece.iov_len > u32::MAX as usize) {
            Some(piece) => Err(Untold::Endless(piece.iov_len)),
            None => Ok(look(info, pieces)),
        }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        // SAFETY: it is not released before, and nobody has it any more.
        self.line.call("release", |to| unsafe { to.release(self.item) });
    }
}
