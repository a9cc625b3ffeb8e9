use super::*;
use proptest::prelude::*;

type Records = Vec<(Vec<u8>, Vec<u8>)>;

fn written(records: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).unwrap();
    records.iter().for_each(|(key, value)| writer.record(key, value).unwrap());
    let (bytes, count) = writer.finish().unwrap();
    assert_eq!(count, records.len() as u64);
    bytes
}

/// The records up to the end, or up to what is wrong.
fn read(bytes: &[u8]) -> (Records, Result<(), Broken>) {
    let mut records = Vec::new();
    let mut reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(broken) => return (records, Err(broken)),
    };
    loop {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        match reader.next(&mut key, &mut value) {
            Ok(true) => records.push((key, value)),
            Ok(false) => return (records, Ok(())),
            Err(broken) => return (records, Err(broken)),
        }
    }
}

fn some() -> Records {
    vec![
        (b"key".to_vec(), b"value".to_vec()),
        (Vec::new(), Vec::new()),
        (vec![0; 300], (0..=255).cycle().take(70_000).collect()),
    ]
}

#[test]
fn the_bytes_are_those_that_are_documented() {
    let bytes = written(&[(b"k".to_vec(), b"vv".to_vec())]);
    let crc = |end: usize| crc32fast::hash(&bytes[..end]).to_be_bytes();
    let mut wanted = b"\x93\xa9kumo dump\x01\xce".to_vec();
    wanted.extend(crc(12));
    wanted.extend(b"\x93\xc4\x01k\xc4\x02vv\xce");
    wanted.extend(crc(25));
    wanted.extend(b"\x92\x01\xce");
    wanted.extend(crc(32));
    assert_eq!(bytes, wanted);
}

#[test]
fn what_is_written_is_read() {
    let (records, end) = read(&written(&some()));
    end.unwrap();
    assert_eq!(records, some());
    let (records, end) = read(&written(&[]));
    end.unwrap();
    assert!(records.is_empty());
}

#[test]
fn a_dump_that_was_cut_off_is_read_up_to_there_and_known() {
    let records = [(b"one".to_vec(), b"1".to_vec()), (b"two".to_vec(), b"22".to_vec())];
    let bytes = written(&records);
    for len in 0..bytes.len() {
        let (found, end) = read(&bytes[..len]);
        assert!(matches!(end, Err(Broken::Cut(at)) if at == len as u64), "{len}: {end:?}");
        assert_eq!(found, records[..found.len()], "{len}");
    }
    let whole = |n: usize| written(&records[..n]).len() - 7;
    for n in 0..=2 {
        assert_eq!(read(&bytes[..whole(n)]).0.len(), n);
    }
}

#[test]
fn no_damaged_byte_goes_unnoticed_and_no_wrong_record_is_read() {
    let records = [(b"one".to_vec(), b"1".to_vec()), (b"two".to_vec(), b"22".to_vec())];
    let bytes = written(&records);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let (found, end) = read(&damaged);
            assert!(end.is_err(), "{at}.{bit}");
            assert_eq!(found, records[..found.len()], "{at}.{bit}");
        }
    }
}

#[test]
fn other_files_and_versions_are_told_apart() {
    let fails = |bytes: &[u8]| read(bytes).1.unwrap_err();
    assert!(matches!(fails(b"kumoHDB\n and so on"), Broken::Foreign));
    assert!(matches!(fails(b"\x93\xa9kumo dumb\x01"), Broken::Foreign));
    assert!(matches!(fails(b"\x93\xa9kumo dump\x02\xce\0\0\0\0"), Broken::Version(2)));
    let mut longer = written(&some());
    longer.push(0xc0);
    assert!(fails(&longer).to_string().contains("something follows"));
}

#[test]
fn a_length_takes_no_memory_before_its_bytes_come() {
    let mut bytes = written(&[]);
    bytes.truncate(bytes.len() - 7);
    bytes.extend(b"\x93\xc6\x40\x00\x00\x00abc");
    assert!(matches!(read(&bytes).1, Err(Broken::Cut(_))));
    let at = bytes.len() - 7;
    bytes[at..at + 4].copy_from_slice(&[0x40, 0, 0, 1]);
    assert!(read(&bytes).1.unwrap_err().to_string().contains("above 1 GiB"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
        let _ = read(&bytes);
        let head = written(&[]);
        let _ = read(&[&head[..head.len() - 7], &bytes].concat());
    }

    #[test]
    fn any_records_go_through(records: Vec<(Vec<u8>, Vec<u8>)>) {
        let (found, end) = read(&written(&records));
        prop_assert!(end.is_ok());
        prop_assert_eq!(found, records);
    }
}
