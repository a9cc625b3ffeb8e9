//! CRC-32C.
//!
//! The library goes through short inputs byte by byte up to a multiple of 8, for
//! records half of the time; so up to a few hundred bytes the processor's
//! instruction is used here, from wherever they begin.

/// The most bytes for which one chain of the instruction is the fastest.
#[cfg(target_arch = "x86_64")]
const SHORT: usize = 256;

/// The CRC-32C (Castagnoli, RFC 3720) of these bytes.
#[inline]
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() <= SHORT && std::arch::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the processor has the instruction.
        return unsafe { short(bytes) };
    }
    crc_fast::crc32_iscsi(bytes)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
fn short(bytes: &[u8]) -> u32 {
    use std::arch::x86_64::{_mm_crc32_u8, _mm_crc32_u32, _mm_crc32_u64};
    let (words, rest) = bytes.as_chunks::<8>();
    let crc = words
        .iter()
        .fold(u64::from(u32::MAX), |crc, word| _mm_crc32_u64(crc, u64::from_le_bytes(*word)));
    let (half, rest) = rest.as_chunks::<4>();
    let crc =
        half.iter().fold(crc as u32, |crc, half| _mm_crc32_u32(crc, u32::from_le_bytes(*half)));
    !rest.iter().fold(crc, |crc, byte| _mm_crc32_u8(crc, *byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_castagnoli_s_at_every_length_and_from_everywhere() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        let bytes: Vec<u8> = (0..700_u32).map(|n| ((n * n) >> 3) as u8).collect();
        for from in 0..9 {
            for to in from..bytes.len() {
                let some = &bytes[from..to];
                assert_eq!(crc32c(some), crc_fast::crc32_iscsi(some), "{from}..{to}");
            }
        }
    }
}
