//! Memory, get_header, updatev and rnum.

use crate::{
    host::raw::{Fenced, Sparse, ignore_file_size_signal, limit_memory},
    kit::{
        Outcome,
        context::Context,
        ensure, fail,
        store::{Records, clean, text},
    },
};
use nix::sys::resource::{Resource, setrlimit};

pub(super) fn copied(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let (mut key, mut value) = (b"a key".to_vec(), b"a value".to_vec());
    store.put(&key, &value)?;
    key.fill(b'x');
    value.fill(b'x');
    store.expect(b"a key", Some(b"a value"))?;
    store.expect(b"xxxxx", None)?;
    let mut value = b"another".to_vec();
    store.replace(b"a key", &value, |_| true)?;
    value.fill(b'x');
    store.expect(b"a key", Some(b"another"))?;
    store.shut()
}

pub(super) fn bounds(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for len in [0, 1, 7, 8, 15, 31, 64, 250] {
        let key = Fenced::new(&vec![b'k'; len])?;
        let value = Fenced::new(&vec![b'v'; len * 3])?;
        store.put(&key, &value)?;
        store.expect(&key, Some(&value))?;
        store.replace(&key, &value, |_| true)?;
        store.expect(&key, Some(&value))?;
        ensure!(store.remove(&key)?, "del did not find a key of {len} bytes");
        store.expect(&key, None)?;
    }
    store.shut()
}

pub(super) fn huge(context: &Context) -> Outcome {
    const ROOM: u64 = 1 << 30;
    let store = context.open("db")?;
    store.put(b"key", b"value")?;
    let value = Sparse::new(u32::MAX as usize)?;
    // No machine shall need 4 GiB of memory or of disk for this.
    limit_memory(ROOM)?;
    ignore_file_size_signal();
    setrlimit(Resource::RLIMIT_FSIZE, ROOM, ROOM).map_err(std::io::Error::from)?;
    let answer = store.set(b"key", &value);
    ensure!(!answer.said, "set of a value of 4 GiB - 1 returned true, with room for 1 GiB");
    ensure!(
        answer.error.is_some() || !context.plugin.is_described(),
        "set refused it without set_error"
    );
    store.expect(b"key", Some(b"value"))?;
    store.put(b"key", b"after")?;
    store.expect_all(&Records::from([(b"key".to_vec(), b"after".to_vec())]))?;
    store.shut()
}

pub(super) fn rnum(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.expect_count(0)?;
    for n in 0..20 {
        store.put(&[n], b"value")?;
        store.put(&[n], b"again")?;
        store.expect_count(u64::from(n) + 1)?;
    }
    store.replace(&[0], b"updated", |_| true)?;
    store.replace(&[1], b"refused", |_| false)?;
    store.expect_count(20)?;
    store.replace(&[20], b"new", |_| true)?;
    store.expect_count(21)?;
    store.remove(&[20])?;
    store.remove(&[20])?;
    store.expect_count(20)?;
    store.shut()
}

pub(super) fn header_absent(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut head = [b'#'; 8];
    let said = clean(store.get_header(b"key", &mut head), "get_header")?;
    // Classic engines may return 0.
    let is_absent = said == -1 || (said == 0 && !context.plugin.is_described());
    ensure!(is_absent, "get_header of what is not there returned {said}");
    ensure!(head == [b'#'; 8], "get_header of what is not there wrote {}", text(&head));
    store.shut()
}

pub(super) fn header_length(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for len in [0, 1, 7, 8, 9, 1000] {
        let value: Vec<u8> = (0..len).map(|n| n as u8).collect();
        store.put(b"key", &value)?;
        for room in [0, 1, 8, 10, 2000] {
            let mut head = vec![b'#'; room];
            let said = clean(store.get_header(b"key", &mut head), "get_header")?;
            let wanted = room.min(len);
            ensure!(
                said == wanted as i32,
                "get_header of a value of {len} bytes, with room for {room}, returned {said}"
            );
            ensure!(
                head[..wanted] == value[..wanted],
                "get_header copied {}; the value begins with {}",
                text(&head[..wanted]),
                text(&value[..wanted])
            );
        }
    }
    store.shut()
}

pub(super) fn header_room(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.put(b"key", &[b'v'; 200])?;
    for room in [0, 1, 8, 100] {
        // Behind the room is more memory, which is looked at.
        let mut memory = [b'#'; 256];
        clean(store.get_header(b"key", &mut memory[..room]), "get_header")?;
        let Some(past) = memory[room..].iter().position(|byte| *byte != b'#') else { continue };
        fail!("get_header with room for {room} bytes wrote to byte {}", room + past);
    }
    store.shut()
}

pub(super) fn updatev_all(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut records = Records::new();
    for count in [1, 2, 1000] {
        let keys: Vec<_> = (0..count).map(|n| format!("{count} {n}").into_bytes()).collect();
        let pairs: Vec<_> = keys.iter().map(|key| (&key[..], &key[key.len() / 2..])).collect();
        let said = clean(store.updatev(&pairs), "updatev")?;
        ensure!(said == count, "updatev of {count} records returned {said}");
        records.extend(pairs.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
        store.expect_all(&records)?;
    }
    store.shut()
}

pub(super) fn updatev_twice(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.put(b"a", b"old")?;
    let pairs = [(&b"a"[..], &b"1"[..]), (b"b", b""), (b"a", b"second"), (b"", b"empty key")];
    let said = clean(store.updatev(&pairs), "updatev")?;
    ensure!(said == 4, "updatev of 4 records returned {said}");
    let records = [(&b"a"[..], &b"second"[..]), (b"b", b""), (b"", b"empty key")];
    store.expect_all(&records.map(|(key, value)| (key.to_vec(), value.to_vec())).into())?;
    store.shut()
}
