//! A dump of the index in the file: a stream of bytes through runs of chunks,
//! and what it says. A section for each shard comes first, then the root, which
//! says what is where, with a check for each section: so a shard can be read
//! alone.

use crate::{
    chunk::CHUNK,
    file::failed,
    space::Space,
    superblock::{Dump, MAX_PIECES},
};
use kumo_plugin::Error;
use std::os::unix::fs::FileExt;

pub(crate) mod codec;
mod root;
pub(crate) use root::{Item, Items, Root, Section};

/// The most chunks of a piece.
const PIECE: u32 = 64;
const BUFFER: usize = 256 << 10;

/// A dump that is being written.
pub(crate) struct Writer<'a> {
    space: &'a Space,
    pieces: Vec<(u32, u32)>,
    /// The chunks of all pieces, and how many there will be, about.
    chunks: u32,
    expected: u32,
    /// The bytes that have been written, and those that wait to be.
    at: u64,
    buffer: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// For about so many bytes.
    pub fn new(space: &'a Space, expected: u64) -> Self {
        let expected = u32::try_from(expected.div_ceil(CHUNK as u64)).unwrap_or(u32::MAX);
        let buffer = Vec::with_capacity(BUFFER);
        Self { space, pieces: Vec::new(), chunks: 0, expected, at: 0, buffer }
    }

    /// How many bytes there are so far.
    pub fn len(&self) -> u64 {
        self.at + self.buffer.len() as u64
    }

    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        while self.len() > u64::from(self.chunks) * CHUNK as u64 {
            if self.pieces.len() == MAX_PIECES {
                return Err(Error::other("the index is too large to be saved"));
            }
            let piece = self.expected.saturating_sub(self.chunks).clamp(1, PIECE);
            self.pieces.push((self.space.open_dump(piece)?, piece));
            self.chunks += piece;
        }
        let mut bytes = &self.buffer[..];
        while let Some((offset, len)) =
            place(&self.pieces, self.at, bytes.len()).filter(|_| !bytes.is_empty())
        {
            let written = self.space.file.write_all_at(&bytes[..len], offset);
            written.map_err(|error| self.space.write_error(&error))?;
            self.at += len as u64;
            bytes = &bytes[len..];
        }
        self.buffer.clear();
        Ok(())
    }

    /// Ends the dump with its root.
    pub fn end(mut self, root: &[u8]) -> Result<Dump, Error> {
        self.put(root)?;
        self.flush()?;
        // What stood there before says nowhere that it is over.
        if let Some((offset, len)) = place(&self.pieces, self.at, usize::MAX) {
            let cleared = self.space.write_zeros(offset, len as u64);
            cleared.map_err(|error| self.space.write_error(&error))?;
        }
        let (len, pieces) = (self.at, std::mem::take(&mut self.pieces));
        Ok(Dump { len, root_len: root.len() as u32, root_check: crc32fast::hash(root), pieces })
    }
}

impl Drop for Writer<'_> {
    /// Of one that did not come to its end nothing stays.
    fn drop(&mut self) {
        give_back(self.space, &self.pieces);
    }
}

/// Takes back the chunks of a dump.
pub(crate) fn give_back(space: &Space, pieces: &[(u32, u32)]) {
    for &(number, chunks) in pieces {
        space.give_back(number, chunks, u64::from(chunks) * CHUNK as u64);
    }
}

/// Where the stream goes on in the file, and for how long.
fn place(pieces: &[(u32, u32)], mut at: u64, want: usize) -> Option<(u64, usize)> {
    for &(number, chunks) in pieces {
        let len = u64::from(chunks) * CHUNK as u64;
        if at < len {
            let offset = u64::from(number) * CHUNK as u64 + at;
            return Some((offset, (len - at).min(want as u64) as usize));
        }
        at -= len;
    }
    None
}

impl Dump {
    /// Reads bytes of the stream.
    pub fn read(&self, space: &Space, mut at: u64, len: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; len];
        let mut rest = &mut bytes[..];
        while !rest.is_empty() {
            let (offset, len) = place(&self.pieces, at, rest.len()).ok_or_else(damaged)?;
            let (now, later) = rest.split_at_mut(len);
            space
                .file
                .read_exact_at(now, offset)
                .map_err(|error| failed("cannot read from", &space.path, &error))?;
            at += len as u64;
            rest = later;
        }
        Ok(bytes)
    }

    /// Reads and checks the root. `end` is how many chunks the file has.
    pub fn root(&self, space: &Space, end: u32) -> Result<Root, Error> {
        let room: u64 = self.pieces.iter().map(|(_, chunks)| u64::from(*chunks)).sum();
        let fits = |&(number, chunks): &(u32, u32)| {
            number > 0
                && (1..=PIECE).contains(&chunks)
                && u64::from(number) + u64::from(chunks) <= u64::from(end)
        };
        let at = self.len.checked_sub(u64::from(self.root_len)).ok_or_else(damaged)?;
        if !self.pieces.iter().all(fits) || self.len > room * CHUNK as u64 {
            return Err(damaged());
        }
        let bytes = self.read(space, at, self.root_len as usize)?;
        if crc32fast::hash(&bytes) != self.root_check {
            return Err(damaged());
        }
        Root::decode(&bytes, at, end).ok_or_else(damaged)
    }

    /// Counts its chunks as in use.
    pub fn adopt(&self, space: &Space) {
        let chunks = self.pieces.iter().map(|(_, chunks)| u64::from(*chunks));
        space.adopt(chunks.sum::<u64>() * CHUNK as u64);
    }
}

/// What is wrong with a dump that is not what it should be.
pub(crate) fn damaged() -> Error {
    Error::corrupt("its checks do not fit")
}
