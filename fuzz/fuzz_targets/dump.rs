//! Any bytes as a dump: they are read within bounds, and whatever records come
//! out of them, written anew, are the same. Half of the inputs are taken as
//! changes to a small dump, since random bytes rarely come past the first check.
#![no_main]

use kumo::protocol::dump::{Reader, Writer};
use libfuzzer_sys::fuzz_target;

type Records = Vec<(Vec<u8>, Vec<u8>)>;

fn written(records: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).expect("a Vec takes every write");
    for (key, value) in records {
        writer.record(key, value).expect("a Vec takes every write");
    }
    writer.finish().expect("a Vec takes every write").0
}

fn some() -> Records {
    (0..4_u8).map(|n| (vec![n; usize::from(n) * 100], vec![n; usize::from(n) * 60])).collect()
}

/// The records up to what is wrong, and whether nothing was.
fn read(bytes: &[u8]) -> (Records, bool) {
    let mut records = Vec::new();
    let Ok(mut reader) = Reader::new(bytes) else { return (records, false) };
    loop {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        match reader.next(&mut key, &mut value) {
            Ok(true) => records.push((key, value)),
            Ok(false) => return (records, true),
            Err(_) => return (records, false),
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    if kind % 2 == 0 {
        let (records, _) = read(rest);
        assert!(read(&written(&records)) == (records, true));
        return;
    }
    let mut bytes = written(&some());
    let len = bytes.len();
    // Four bytes are a place and what is to stand there.
    let mut is_changed = false;
    for change in rest.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % len;
        bytes[at] ^= change[2];
        if change[3] == 255 {
            bytes.truncate(at);
            break;
        }
        is_changed |= change[2] != 0;
    }
    let (records, is_whole) = read(&bytes);
    let whole = some();
    // A CRC of 32 bits finds every change of up to 32 bits in a row; of more it
    // may miss one in four thousand million.
    if rest.len() <= 4 || !is_changed {
        assert!(records[..] == whole[..records.len()]);
        assert_eq!(is_whole, bytes == written(&whole));
    }
});
