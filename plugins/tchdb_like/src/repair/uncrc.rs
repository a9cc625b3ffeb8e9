//! CRC-32 backwards: what it began with, from what it came to.

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let (mut word, mut bit) = (n as u32, 0);
        while bit < 8 {
            word = if word & 1 == 1 { word >> 1 ^ 0xedb8_8320 } else { word >> 1 };
            bit += 1;
        }
        table[n] = word;
        n += 1;
    }
    table
}

/// For each byte, what it adds to the sum.
const FORWARD: [u32; 256] = table();

/// For each highest byte of `FORWARD`, whose it is: all are different.
const BACKWARD: [u8; 256] = {
    let (mut table, mut n) = ([0; 256], 0);
    while n < 256 {
        table[(FORWARD[n] >> 24) as usize] = n as u8;
        n += 1;
    }
    table
};

/// What a CRC was before these bytes, if it is `crc` behind them.
pub(crate) fn before(crc: u32, parts: &[&[u8]]) -> u32 {
    let mut state = !crc;
    for byte in parts.iter().rev().flat_map(|part| part.iter().rev()) {
        let index = BACKWARD[(state >> 24) as usize];
        state = (state ^ FORWARD[usize::from(index)]) << 8 | u32::from(index ^ byte);
    }
    !state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_undoes_what_crc32_does() {
        let bytes: Vec<u8> = (0..2000).map(|n: u32| ((n * n) >> 3) as u8).collect();
        for (initial, len) in [(0, 0), (0, 1), (1, 9), (0xffff_ffff, 300), (0x1234_5678, 2000)] {
            let mut crc = crc32fast::Hasher::new_with_initial(initial);
            crc.update(&bytes[..len]);
            let (a, b) = bytes[..len].split_at(len / 3);
            assert_eq!(before(crc.finalize(), &[a, b]), initial, "{len}");
        }
    }
}
