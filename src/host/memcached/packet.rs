//! A request of the binary protocol, as `unknown_command` takes it.

/// The first byte of a request, and the size of its head.
const REQUEST_MAGIC: u8 = 0x80;
const REQUEST_HEAD: usize = 24;

/// A whole request: words, because its numbers want to be read aligned.
pub(super) fn packet(opcode: u8, extras: &[u8], key: &[u8]) -> Vec<u64> {
    let mut bytes = vec![REQUEST_MAGIC, opcode];
    bytes.extend_from_slice(&(key.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&[extras.len() as u8, 0, 0, 0]);
    bytes.extend_from_slice(&((extras.len() + key.len()) as u32).to_be_bytes());
    bytes.resize(REQUEST_HEAD, 0);
    bytes.extend_from_slice(extras);
    bytes.extend_from_slice(key);
    let words = bytes.chunks(8).map(|part| {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        u64::from_ne_bytes(word)
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memcached::Touch;

    #[test]
    fn a_packet_is_laid_out_as_memcached_reads_it() {
        let exptime = 0x0102_0304_u32;
        let packet = packet(Touch::GetAndTouch as u8, &exptime.to_be_bytes(), b"abcde");
        let bytes: Vec<u8> = packet.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let head = [0x80, 0x1d, 0, 5, 4, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0];
        assert_eq!(bytes[..16], head);
        assert_eq!(bytes[16..24], [0; 8]);
        assert_eq!(bytes[24..33], *b"\x01\x02\x03\x04abcde");
    }
}
