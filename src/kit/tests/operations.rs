//! The operations on one key, and their edges.

mod edges;

use super::{test, with};
use crate::kit::{
    Need, Outcome, Test,
    context::Context,
    ensure,
    store::{Records, clean, text, why},
};
use edges::{
    bounds, copied, header_absent, header_length, header_room, huge, rnum, updatev_all,
    updatev_twice,
};
use std::iter;

pub(super) const TESTS: &[Test] = &[
    test("operations_get_absent", "get of what is not there: NULL, and no error", get_absent),
    test("operations_set_get", "get finds what set has stored", set_get),
    test("operations_empty_value", "a value of length 0 is found", empty_value),
    test("operations_empty_key", "a key of length 0 is a key", empty_key),
    test("operations_nul_in_key", "a key goes on behind a NUL", nul_in_key),
    test("operations_nul_in_value", "a value goes on behind a NUL", nul_in_value),
    test("operations_every_byte", "every byte may stand in a key and in a value", every_byte),
    test("operations_similar_keys", "keys that begin or resemble each other", similar_keys),
    test("operations_key_lengths", "keys of up to 64 KiB are stored, or refused", key_lengths),
    test("operations_value_lengths", "values of up to 16 MiB, whole", value_lengths),
    test("operations_overwrite", "a value is replaced by longer and shorter ones", overwrite),
    test("operations_del_present", "del of a record: true, and it is gone", del_present),
    test("operations_del_absent", "del of what is not there: false, and no error", del_absent),
    test("operations_set_after_del", "a deleted key can be stored again", set_after_del),
    test("operations_many_records", "thousands of random writes and deletes", many_records),
    test("operations_inputs_copied", "the caller's memory may change after the call", copied),
    test("operations_inputs_bounds", "nothing is read behind a key or a value", bounds),
    test("operations_huge_value", "a value of 4 GiB - 1 is refused, and spoils nothing", huge),
    with("operations_rnum", "rnum follows every change", &[Need::Slot("rnum")], rnum),
    with("operations_header_absent", "get_header of what is not there", HEADER, header_absent),
    with("operations_header_length", "get_header returns what it copied", HEADER, header_length),
    with("operations_header_bounds", "get_header writes no more than it may", HEADER, header_room),
    with("operations_updatev_all", "updatev stores all that it counts", UPDATEV, updatev_all),
    with("operations_updatev_repeats", "of one key twice the later stays", UPDATEV, updatev_twice),
];

const HEADER: &[Need] = &[Need::Slot("get_header")];
const UPDATEV: &[Need] = &[Need::Slot("updatev")];

fn get_absent(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.expect(b"key", None)?;
    store.put(b"another", b"value")?;
    store.expect(b"key", None)?;
    store.expect(b"", None)?;
    store.shut()
}

fn set_get(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in 0..100 {
        store.put(format!("key {n}").as_bytes(), format!("value {n}").as_bytes())?;
        store.expect(format!("key {n}").as_bytes(), Some(format!("value {n}").as_bytes()))?;
    }
    store.expect(b"key 0", Some(b"value 0"))?;
    store.shut()
}

fn empty_value(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.put(b"key", b"")?;
    store.expect(b"key", Some(b""))?;
    store.put(b"key", b"longer")?;
    store.put(b"key", b"")?;
    store.expect(b"key", Some(b""))?;
    store.expect_all(&Records::from([(b"key".to_vec(), Vec::new())]))?;
    ensure!(store.remove(b"key")?, "del did not find a record with an empty value");
    store.shut()
}

fn empty_key(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.put(b"", b"value")?;
    store.put(b"other", b"2")?;
    store.expect(b"", Some(b"value"))?;
    store.expect(b"\0", None)?;
    ensure!(store.remove(b"")?, "del did not find the empty key");
    store.expect(b"", None)?;
    store.expect(b"other", Some(b"2"))?;
    store.shut()
}

fn nul_in_key(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let keys = [&b"a\0b"[..], b"a\0c", b"a", b"a\0", b"\0", b"\0\0", b"\0a"];
    let mut records = Records::new();
    for (n, key) in keys.into_iter().enumerate() {
        store.put(key, n.to_string().as_bytes())?;
        records.insert(key.to_vec(), n.to_string().into());
    }
    store.expect_all(&records)?;
    store.shut()
}

fn nul_in_value(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for value in [&b"a\0b"[..], b"\0", b"\0\0\0", b"\0a", b"a\0", b"line\r\nEND\r\n\0"] {
        store.put(b"key", value)?;
        store.expect(b"key", Some(value))?;
    }
    store.shut()
}

fn every_byte(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut records = Records::new();
    for byte in 0..=255_u8 {
        let (key, value) = (vec![byte, b'k', byte], vec![byte; 3]);
        store.put(&key, &value)?;
        records.insert(key, value);
    }
    store.expect_all(&records)?;
    store.shut()
}

fn similar_keys(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut records = Records::new();
    // Each the beginning of the next; and those that differ in the last byte.
    for n in 1..=64 {
        for end in [b'a', b'b', 0, 255] {
            let key: Vec<u8> = iter::repeat_n(b'a', n - 1).chain([end]).collect();
            store.put(&key, &[end, n as u8])?;
            records.insert(key, vec![end, n as u8]);
        }
    }
    store.expect_all(&records)?;
    // And every one of up to four of four letters.
    let mut words = vec![Vec::new()];
    for len in 0..4 {
        for start in words.clone().iter().filter(|word| word.len() == len) {
            words.extend(b"abcd".map(|letter| [&start[..], &[letter]].concat()));
        }
    }
    for word in words {
        store.put(&word, &word)?;
        records.insert(word.clone(), word);
    }
    ensure!(store.remove(b"aaaa")?, "del did not find \"aaaa\"");
    records.remove(&b"aaaa"[..]);
    store.expect_all(&records)?;
    store.shut()
}

fn key_lengths(context: &Context) -> Outcome {
    /// What a client of memcached's may send.
    const ALWAYS: usize = 250;
    let store = context.open("db")?;
    let mut records = Records::new();
    for len in [1, 2, 7, 8, 9, 127, 128, 249, 250, 251, 255, 256, 257, 4096, 65_535, 65_536] {
        let key = vec![b'k'; len];
        let answer = store.set(&key, len.to_string().as_bytes());
        if answer.said {
            clean(answer, "set")?;
            records.insert(key, len.to_string().into());
            continue;
        }
        ensure!(len > ALWAYS, "set of a key of {len} bytes failed: {}", why(&answer));
        ensure!(
            answer.error.is_some() || !context.plugin.is_described(),
            "set refused a key of {len} bytes, without set_error"
        );
        store.expect(&key, None)?;
    }
    store.expect_all(&records)?;
    store.shut()
}

fn value_lengths(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let edges = [8, 12, 15, 16, 17, 20, 24].map(|bits| 1_usize << bits);
    let bytes = context.random().bytes((1 << 24) + 64);
    for len in [1, 2, 3].into_iter().chain(edges.into_iter().flat_map(|n| [n - 1, n, n + 1])) {
        // Not the beginning of the one before.
        let value = &bytes[len % 61..][..len];
        store.put(b"key", value)?;
        store.expect(b"key", Some(value))?;
    }
    store.shut()
}

fn overwrite(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut random = context.random();
    store.put(b"other", b"stays")?;
    for len in [10, 11, 9, 10, 1000, 0, 100_000, 5, 5, 4096, 1] {
        let value = random.bytes(len);
        store.put(b"key", &value)?;
        store.expect(b"key", Some(&value))?;
    }
    store.expect(b"other", Some(b"stays"))?;
    store.expect_count(2)?;
    store.shut()
}

fn del_present(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.put(b"key", b"value")?;
    store.put(b"other", b"stays")?;
    ensure!(store.remove(b"key")?, "del of a record that is there returned false");
    store.expect(b"key", None)?;
    store.expect(b"other", Some(b"stays"))?;
    ensure!(!store.remove(b"key")?, "del of a deleted record returned true");
    store.expect_count(1)?;
    store.shut()
}

fn del_absent(context: &Context) -> Outcome {
    let store = context.open("db")?;
    ensure!(!store.remove(b"key")?, "del in an empty database returned true");
    store.put(b"other", b"stays")?;
    ensure!(!store.remove(b"key")?, "del of what is not there returned true");
    store.expect(b"other", Some(b"stays"))?;
    store.expect_count(1)?;
    store.shut()
}

fn set_after_del(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in 0..50_usize {
        let value = vec![n as u8; n * 7 % 40];
        store.put(b"key", &value)?;
        store.expect(b"key", Some(&value))?;
        ensure!(store.remove(b"key")?, "del did not find it, the {n}th time");
        store.expect(b"key", None)?;
    }
    store.put(b"key", b"last")?;
    store.expect_all(&Records::from([(b"key".to_vec(), b"last".to_vec())]))?;
    store.shut()
}

fn many_records(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut random = context.random();
    let mut records = Records::new();
    for n in 0..4000_u32 {
        let key = format!("key {}", random.below(2500)).into_bytes();
        if random.one_in(4) {
            let found = store.remove(&key)?;
            let wanted = records.remove(&key).is_some();
            ensure!(found == wanted, "del of {} returned {found}, step {n}", text(&key));
        } else {
            let len = random.below(60);
            let value = random.bytes(len);
            store.put(&key, &value)?;
            records.insert(key, value);
        }
    }
    store.expect_all(&records)?;
    store.shut()
}
