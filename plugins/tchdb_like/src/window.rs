//! Reading a file from front to back with a buffer of bounded size.

use crc32fast::Hasher;
use std::{fs::File, io, os::unix::fs::FileExt};

/// What is read at once.
const SIZE: usize = 1 << 20;

/// A stretch of a file in memory, which moves to where it is asked for.
pub(crate) struct Window<'a> {
    file: &'a File,
    end: u64,
    at: u64,
    buffer: Vec<u8>,
}

impl<'a> Window<'a> {
    /// Over the first `end` bytes of a file.
    pub fn new(file: &'a File, end: u64) -> Self {
        Self { file, end, at: 0, buffer: Vec::new() }
    }

    pub fn end(&self) -> u64 {
        self.end
    }

    /// The bytes at `at`, which must lie before the end. All are in memory at
    /// once: their length must be known to be true.
    pub fn bytes(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        let there = self.at + self.buffer.len() as u64;
        if at < self.at || at + len as u64 > there {
            let rest = self.end.saturating_sub(at);
            let want = (len.max(SIZE) as u64).min(rest) as usize;
            if want < len {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.resize(want, 0);
            if let Err(error) = self.file.read_exact_at(&mut self.buffer, at) {
                self.buffer.clear();
                return Err(error);
            }
            self.at = at;
        }
        // Less than the buffer's length, so it fits.
        let from = (at - self.at) as usize;
        Ok(&self.buffer[from..from + len])
    }

    /// Puts the bytes at `at` through a check, however many they are.
    pub fn check(&mut self, check: &mut Hasher, mut at: u64, len: u32) -> io::Result<()> {
        let end = at + u64::from(len);
        while at < end {
            // Up to the end of the buffer first, and then by whole buffers.
            let there = self.at + self.buffer.len() as u64;
            let here = if (self.at..there).contains(&at) { there - at } else { SIZE as u64 };
            let piece = self.bytes(at, here.min(end - at) as usize)?;
            check.update(piece);
            at += piece.len() as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_checks_are_those_of_the_file() {
        let file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..SIZE * 5 / 2).map(|i| ((i * i) >> 7) as u8).collect();
        file.write_all_at(&bytes, 0).unwrap();
        let mut window = Window::new(&file, bytes.len() as u64);
        for (at, len) in [
            (0, 0),
            (0, 10),
            (SIZE - 1, 2),
            (5, SIZE + 9),
            (SIZE * 2, SIZE / 2),
            (3, bytes.len() - 3),
            (bytes.len(), 0),
        ] {
            assert_eq!(window.bytes(at as u64, len).unwrap(), &bytes[at..at + len]);
            let mut check = Hasher::new();
            window.check(&mut check, at as u64, len as u32).unwrap();
            assert_eq!(check.finalize(), crc32fast::hash(&bytes[at..at + len]));
        }
        assert!(window.bytes(bytes.len() as u64 - 1, 2).is_err());
    }
}
