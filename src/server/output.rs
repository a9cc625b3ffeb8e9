//! What a pass over a connection's input answers.

use std::io::IoSlice;

/// Data of at least so many bytes goes from the engine's memory to the socket;
/// smaller data is copied. No crossover was found between 256 bytes and 16 KiB,
/// so what decides is for how many values the engine's memory stays pinned.
const COPY_BELOW: usize = 4096;

/// The most slices that one write takes.
const MAX_SLICES: usize = 64;

/// Replies in order: bytes of ours, and between them data of the engine's that
/// stays where it is.
pub(super) struct Output<'a> {
    /// Our bytes, without the data.
    pub bytes: Vec<u8>,
    /// The data, and after how many of our bytes each comes.
    borrowed: Vec<(usize, &'a [u8])>,
    len_borrowed: usize,
}

impl<'a> Output<'a> {
    /// An empty output that reuses a buffer.
    pub fn new(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self { bytes: buffer, borrowed: Vec::new(), len_borrowed: 0 }
    }

    /// Appends an item's data.
    pub fn data(&mut self, data: &'a [u8]) {
        if data.len() < COPY_BELOW {
            self.bytes.extend_from_slice(data);
        } else {
            self.borrowed.push((self.bytes.len(), data));
            self.len_borrowed += data.len();
        }
    }

    /// How many bytes there are in all.
    pub fn len(&self) -> usize {
        self.bytes.len() + self.len_borrowed
    }

    /// The parts in order.
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.borrowed.iter().map(|&(at, _)| at));
        let ends = self.borrowed.iter().map(|&(at, _)| at).chain([self.bytes.len()]);
        let data = self.borrowed.iter().map(|&(_, data)| data).chain([&[][..]]);
        starts
            .zip(ends)
            .zip(data)
            .flat_map(|((start, end), data)| [&self.bytes[start..end], data])
            .filter(|part| !part.is_empty())
    }

    /// What stands behind the first `written` bytes, for one write.
    pub fn slices(&self, written: usize) -> Vec<IoSlice<'_>> {
        self.rest(written).take(MAX_SLICES).map(IoSlice::new).collect()
    }

    /// What stands behind the first `written` bytes, copied.
    pub fn copy(&self, written: usize) -> Vec<u8> {
        let mut copy = Vec::with_capacity(self.len() - written);
        self.rest(written).for_each(|part| copy.extend_from_slice(part));
        copy
    }

    fn rest(&self, mut written: usize) -> impl Iterator<Item = &[u8]> {
        self.parts().filter_map(move |part| {
            let skipped = written.min(part.len());
            written -= skipped;
            Some(&part[skipped..]).filter(|rest| !rest.is_empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_data_is_copied_large_data_stays_and_the_order_is_kept() {
        let (small, large) = (vec![b's'; 10], vec![b'L'; COPY_BELOW]);
        let mut out = Output::new(b"old".to_vec());
        out.bytes.extend_from_slice(b"one ");
        out.data(&small);
        out.data(&large);
        out.data(&large);
        out.bytes.extend_from_slice(b" two");
        let whole = [b"one ", &small[..], &large, &large, b" two"].concat();
        assert_eq!(out.len(), whole.len());
        assert_eq!(out.slices(0).len(), 4);
        for written in [0, 1, 13, 14, 15, 14 + COPY_BELOW, whole.len() - 1, whole.len()] {
            assert_eq!(out.copy(written), whole[written..], "{written}");
            let sliced: Vec<u8> = out.slices(written).iter().flat_map(|s| s.to_vec()).collect();
            assert_eq!(sliced, whole[written..], "{written}");
        }
    }
}
