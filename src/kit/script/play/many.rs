//! The optional operations, on several records at once. A plugin that lacks one
//! leaves its steps out.

use super::super::Bytes;
use crate::{
    host::{Change, raw::Zone},
    kit::{
        Outcome, ensure,
        store::{Records, Store, clean, text, text_or, why},
    },
};

pub fn batch(store: &Store, model: &mut Records, changes: &[(Bytes, Option<Bytes>)]) -> Outcome {
    if !store.plugin().has("batch") {
        return Ok(());
    }
    let all: Vec<_> =
        changes.iter().map(|(key, value)| (key.get(), value.as_ref().map(Bytes::get))).collect();
    let as_given: Vec<Change<'_>> = all
        .iter()
        .map(|(key, value)| match value {
            Some(value) => Change::Put(key, value),
            None => Change::Delete(key),
        })
        .collect();
    let answer = store.batch(&as_given);
    ensure!(answer.said, "batch failed: {}", why(&answer));
    clean(answer, "batch")?;
    for (key, value) in all {
        match value {
            Some(value) => model.insert(key, value),
            None => model.remove(&key),
        };
    }
    Ok(())
}

pub fn updatev(store: &Store, model: &mut Records, records: &[(Bytes, Bytes)]) -> Outcome {
    if !store.plugin().has("updatev") {
        return Ok(());
    }
    let all: Vec<_> = records.iter().map(|(key, value)| (key.get(), value.get())).collect();
    let as_given: Vec<(&[u8], &[u8])> =
        all.iter().map(|(key, value)| (&key[..], &value[..])).collect();
    let answer = store.updatev(&as_given);
    let stored = usize::try_from(answer.said);
    ensure!(stored == Ok(all.len()), "updatev returned {}: {}", answer.said, why(&answer));
    clean(answer, "updatev")?;
    model.extend(all);
    Ok(())
}

pub fn getv(store: &Store, model: &Records, keys: &[Bytes]) -> Outcome {
    if !store.plugin().has("getv") {
        return Ok(());
    }
    let keys: Vec<Vec<u8>> = keys.iter().map(Bytes::get).collect();
    let as_given: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let zone = Zone::new(store);
    let (said, values) = clean(store.getv(&as_given, &zone), "getv")?;
    ensure!(said, "getv returned false, where nothing failed");
    for (number, (key, value)) in keys.iter().zip(values).enumerate() {
        let (found, wanted) = (value.map(|value| value.bytes()), model.get(key));
        ensure!(
            found.as_ref() == wanted,
            "key {} of getv, {}, is {}; it should be {}",
            number + 1,
            text(key),
            text_or(found.as_deref()),
            text_or(wanted.map(Vec::as_slice))
        );
    }
    Ok(())
}

pub fn seek(store: &Store, model: &Records, key: &[u8], most: usize) -> Outcome {
    if !store.plugin().has("seek") {
        return Ok(());
    }
    const STOP: i32 = -7;
    let (mut found, mut is_stopped) = (Vec::new(), false);
    let answer = store.seek(key, &mut |current| {
        is_stopped = found.len() == most;
        if is_stopped {
            return STOP;
        }
        found.push((current.key().unwrap_or_default(), current.val().unwrap_or_default()));
        0
    });
    let said = clean(answer, "seek")?;
    let wanted: Vec<(&Vec<u8>, &Vec<u8>)> = model.range(key.to_vec()..).take(most).collect();
    let found_at = |number: usize| found.get(number).map(|(key, value)| (key, value));
    let shown = |record: Option<(&Vec<u8>, &Vec<u8>)>| match record {
        Some((key, value)) => format!("{} = {}", text(key), text(value)),
        None => "nothing".to_owned(),
    };
    for number in 0..found.len().max(wanted.len()) {
        let (is, should) = (found_at(number), wanted.get(number).copied());
        ensure!(
            is == should,
            "seek shows {} as number {}; it should be {}",
            shown(is),
            number + 1,
            shown(should)
        );
    }
    let is_more = model.range(key.to_vec()..).nth(most).is_some();
    ensure!(is_stopped == is_more, "of {most} records and one more, seek shows {}", found.len());
    let is_right = if is_stopped { said == STOP } else { said >= 0 };
    ensure!(is_right, "seek returned {said}; was it stopped, by {STOP}: {is_stopped}");
    Ok(())
}
