//! Scans from a key on.

use crate::kit::{
    Outcome,
    context::Context,
    ensure,
    store::{Records, Store, clean, text, text_or},
};

fn filled(context: &Context) -> Outcome<(Store, Records)> {
    let store = context.open("sought")?;
    let mut random = context.random();
    let mut records = Records::new();
    for n in 0..300_usize {
        let len = 1 + random.below(4);
        let (key, value) = (random.bytes(len), n.to_string().into_bytes());
        store.put(&key, &value)?;
        records.insert(key, value);
    }
    for key in [&b""[..], b"\0", b"a", b"aa", b"ab", b"b", b"\x80", b"\xff", b"\xff\xff"] {
        store.put(key, b"named")?;
        records.insert(key.to_vec(), b"named".to_vec());
    }
    Ok((store, records))
}

fn sought(store: &Store, key: &[u8]) -> Outcome<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut found = Vec::new();
    let answer = store.seek(key, &mut |current| {
        found.push((current.key().unwrap_or_default(), current.val().unwrap_or_default()));
        0
    });
    let said = clean(answer, "seek")?;
    ensure!(said >= 0, "seek returned {said}, where nothing failed");
    Ok(found)
}

pub fn from_everywhere(context: &Context) -> Outcome {
    let (store, records) = filled(context)?;
    let mut starts: Vec<Vec<u8>> = records.keys().step_by(7).cloned().collect();
    // Between two keys, before the first, behind the last.
    starts.extend(records.keys().step_by(11).map(|key| [&key[..], b"\0"].concat()));
    starts.extend([b"".to_vec(), b"a".to_vec(), b"aaa".to_vec(), vec![0xff; 20]]);
    for start in starts {
        let found = sought(&store, &start)?;
        let mut wanted = records.range(start.clone()..);
        let mut number = 0;
        loop {
            let (is, should) = (found.get(number), wanted.next());
            let is_right = is.map(|(key, value)| (key, value)) == should;
            ensure!(
                is_right,
                "seek from {} shows {} as number {number}; it should be {}",
                text(&start),
                text_or(is.map(|(key, _)| &key[..])),
                text_or(should.map(|(key, _)| &key[..]))
            );
            if should.is_none() {
                break;
            }
            number += 1;
        }
    }
    store.shut()
}

pub fn stop(context: &Context) -> Outcome {
    let (store, records) = filled(context)?;
    let mut shown = Vec::new();
    let answer = store.seek(b"a", &mut |current| {
        shown.push(current.key().unwrap_or_default());
        if shown.len() == 3 { -77 } else { 0 }
    });
    let said = clean(answer, "seek")?;
    ensure!(said == -77, "seek was stopped with -77 and returned {said}");
    let first: Vec<&Vec<u8>> = records.range(b"a".to_vec()..).map(|(key, _)| key).take(3).collect();
    ensure!(
        shown.iter().eq(first),
        "seek was stopped at the third record, and showed {} others",
        shown.len()
    );
    store.shut()
}
