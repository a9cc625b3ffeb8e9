//! getv and updatev.

use crate::{
    host::raw::Zone,
    kit::{
        Outcome,
        context::Context,
        ensure, fail,
        store::{Records, Store, clean, text, text_or},
    },
};

fn filled(context: &Context) -> Outcome<Store> {
    let store = context.open("many")?;
    for n in 0..100 {
        let key = format!("key {n}").into_bytes();
        store.put(&key, &key.repeat(n % 50))?;
    }
    store.put(b"", b"of the empty key")?;
    store.put(b"empty", b"")?;
    Ok(store)
}

/// `getv`, which must find what `get` finds.
fn same_as_get(store: &Store, keys: &[&[u8]]) -> Outcome {
    let zone = Zone::new(store);
    let (said, values) = clean(store.getv(keys, &zone), "getv")?;
    ensure!(said, "getv of {} keys returned false, where nothing failed", keys.len());
    for (n, (key, value)) in keys.iter().zip(values).enumerate() {
        let (found, wanted) = (value.map(|value| value.bytes()), store.read(key)?);
        ensure!(
            found == wanted,
            "getv shows {} for {}, number {n} of {} keys; get shows {}",
            text_or(found.as_deref()),
            text(key),
            keys.len(),
            text_or(wanted.as_deref())
        );
    }
    Ok(())
}

pub fn getv(context: &Context) -> Outcome {
    let store = filled(context)?;
    let mut random = context.random();
    for count in [1, 2, 3, 10, 100, 1000] {
        // A fifth of them is not there.
        let keys: Vec<Vec<u8>> =
            (0..count).map(|_| format!("key {}", random.below(125)).into_bytes()).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        same_as_get(&store, &keys)?;
    }
    same_as_get(&store, &[b"absent", b"key 1", b"absent too", b"key 2", b"absent"])?;
    store.shut()
}

pub fn getv_edges(context: &Context) -> Outcome {
    let store = filled(context)?;
    same_as_get(&store, &[])?;
    same_as_get(&store, &[b"absent"])?;
    same_as_get(&store, &[b"key 7", b"key 7", b"key 7"])?;
    same_as_get(&store, &[b"", b"empty", b"key 0", b"empty", b""])?;
    store.shut()
}

pub fn getv_pinned(context: &Context) -> Outcome {
    let store = filled(context)?;
    let keys: [&[u8]; 4] = [b"key 1", b"key 20", b"empty", b"key 49"];
    {
        let zone = Zone::new(&store);
        let (_, values) = clean(store.getv(&keys, &zone), "getv")?;
        let before: Vec<_> = values.iter().map(|value| value.map(|v| v.bytes())).collect();
        for key in keys {
            store.put(key, &[b'!'; 200])?;
            store.remove(key)?;
        }
        for ((key, value), before) in keys.iter().zip(values).zip(before) {
            ensure!(
                value.map(|value| value.bytes()) == before,
                "the value of {} that getv found changed with the record, before its zone was \
                 cleared",
                text(key)
            );
        }
    }
    store.shut()
}

fn all_stored(store: &Store, records: &[(&[u8], &[u8])]) -> Outcome {
    let answer = store.updatev(records);
    let reason = crate::kit::store::why(&answer);
    if answer.said != records.len() as i32 {
        fail!("updatev of {} records returned {}: {reason}", records.len(), answer.said);
    }
    clean(answer, "updatev").map(|_| ())
}

pub fn updatev(context: &Context) -> Outcome {
    let store = filled(context)?;
    let mut wanted = store.records()?;
    all_stored(&store, &[])?;
    all_stored(&store, &[(b"", b"again"), (b"empty", b""), (b"new", b"\0new\0")])?;
    let more: Vec<(Vec<u8>, Vec<u8>)> = (0..3000_usize)
        .map(|n| (format!("key {n}").into_bytes(), n.to_string().into_bytes().repeat(n % 40)))
        .collect();
    let slices: Vec<(&[u8], &[u8])> =
        more.iter().map(|(key, value)| (&key[..], &value[..])).collect();
    all_stored(&store, &slices)?;
    wanted.extend([(b"".to_vec(), b"again".to_vec()), (b"new".to_vec(), b"\0new\0".to_vec())]);
    wanted.extend(more);
    store.expect_all(&wanted)?;
    store.shut()
}

pub fn updatev_twice(context: &Context) -> Outcome {
    let store = context.open("twice")?;
    all_stored(
        &store,
        &[(b"a", b"first"), (b"b", b"only"), (b"a", b"second"), (b"c", b""), (b"a", b"last")],
    )?;
    let wanted: Records = [(&b"a"[..], &b"last"[..]), (b"b", b"only"), (b"c", b"")]
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .into();
    store.expect_all(&wanted)?;
    store.shut()
}
