//! What may be done in a scan's callback.

use super::{fill, shown};
use crate::{
    host::raw::{Cas, Current, Value, Zone},
    kit::{
        Outcome,
        context::Context,
        ensure, fail,
        store::{Records, Store, same, text},
    },
};

/// Deletes every second record that a scan shows; what is left must be there,
/// and nothing else.
fn delete_half(context: &Context, del: impl Fn(&Current<'_>) -> bool) -> Outcome {
    let store = context.open("db")?;
    let mut records = fill(&store, 200)?;
    let mut count = 0;
    store.each(|current| {
        let (key, _) = shown(current)?;
        count += 1;
        if count % 2 == 0 {
            ensure!(del(current), "the delete of {} in a scan returned false", text(&key));
            records.remove(&key);
        }
        Ok(())
    })?;
    ensure!(count == 200, "a scan that deletes was shown {count} of 200 records");
    store.expect_all(&records)?;
    store.shut()
}

pub(super) fn del_shown(context: &Context) -> Outcome {
    delete_half(context, |current| current.del(&mut Cas::agree()))
}

pub(super) fn force_shown(context: &Context) -> Outcome {
    delete_half(context, |current| current.del_force())
}

pub(super) fn del_all(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for _ in 0..3 {
        fill(&store, 100)?;
        store.each(|current| {
            ensure!(current.del(&mut Cas::agree()), "iterator_del returned false");
            Ok(())
        })?;
        store.expect_all(&Records::new())?;
    }
    store.shut()
}

pub(super) fn readable(context: &Context) -> Outcome {
    let store = context.open("db")?;
    fill(&store, 100)?;
    store.each(|current| {
        let before = shown(current)?;
        ensure!(current.del(&mut Cas::agree()), "iterator_del returned false");
        let after = shown(current)?;
        ensure!(
            after == before,
            "after iterator_del the callback's record {} = {} reads {} = {}",
            text(&before.0),
            text(&before.1),
            text(&after.0),
            text(&after.1)
        );
        Ok(())
    })?;
    store.shut()
}

/// Deletes what is shown, twice: the second time it is gone.
fn delete_twice(context: &Context, del: impl Fn(&Current<'_>) -> bool) -> Outcome {
    let store = context.open("db")?;
    fill(&store, 20)?;
    store.each(|current| {
        ensure!(del(current), "the first delete returned false");
        ensure!(!del(current), "the second delete of one record returned true");
        Ok(())
    })?;
    store.expect_all(&Records::new())?;
    store.shut()
}

pub(super) fn del_again(context: &Context) -> Outcome {
    delete_twice(context, |current| current.del(&mut Cas::agree()))
}

pub(super) fn force_again(context: &Context) -> Outcome {
    delete_twice(context, |current| current.del_force())
}

/// Releases something of every record, has all records deleted and others
/// written, and looks at it then.
fn release<'z>(
    store: &Store,
    what: &str,
    mut take: impl FnMut(&Current<'_>) -> Outcome<(Option<Value<'z>>, Vec<u8>)>,
) -> Outcome {
    let records = fill(store, 200)?;
    let mut released = Vec::new();
    store.each(|current| {
        let (value, wanted) = take(current)?;
        match value {
            Some(value) => released.push((value, wanted)),
            None => fail!("{what} returned NULL"),
        }
        Ok(())
    })?;
    for key in records.keys() {
        ensure!(store.remove(key)?, "del did not find {}", text(key));
    }
    for n in 0..200_usize {
        store.put(&n.to_le_bytes(), &vec![0xee; n * 2])?;
    }
    for (value, wanted) in &released {
        let now = value.bytes();
        ensure!(
            now == *wanted,
            "what {what} returned was {}, and before its zone was cleared it became {}",
            text(wanted),
            text(&now)
        );
    }
    ensure!(released.len() == 200, "the scan showed {} of 200 records", released.len());
    Ok(())
}

pub(super) fn release_key(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let zone = Zone::new(&store);
    release(&store, "iterator_release_key", |current| {
        // The value is still to be had.
        let (key, value) = shown(current)?;
        let released = current.release_key(&zone);
        ensure!(current.val() == Some(value), "the value changed when the key was released");
        Ok((released, key))
    })?;
    drop(zone);
    store.shut()
}

pub(super) fn release_val(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let zone = Zone::new(&store);
    release(&store, "iterator_release_val", |current| {
        let (key, value) = shown(current)?;
        let released = current.release_val(&zone);
        ensure!(current.key() == Some(key), "the key changed when the value was released");
        Ok((released, value))
    })?;
    drop(zone);
    store.shut()
}

pub(super) fn release_del(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let zone = Zone::new(&store);
    let records = fill(&store, 100)?;
    let mut released = Vec::new();
    store.each(|current| {
        match (current.release_key(&zone), current.release_val(&zone)) {
            (Some(key), Some(value)) => released.push((key, value)),
            _ => fail!("iterator_release_key or _val returned NULL"),
        }
        ensure!(current.del_force(), "iterator_del_force after a release returned false");
        Ok(())
    })?;
    let found = released.iter().map(|(key, value)| (key.bytes(), value.bytes())).collect();
    same(&found, &records, "released and deleted, the records are")?;
    store.expect_all(&Records::new())?;
    drop(zone);
    store.shut()
}

pub(super) fn nested(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut records = fill(&store, 60)?;
    let all = records.clone();
    store.each(|current| {
        let (key, value) = shown(current)?;
        // What was written in the scan may be shown.
        if !all.contains_key(&key) {
            return Ok(());
        }
        store.expect(&key, Some(&value))?;
        let new = [&b"new "[..], &key].concat();
        store.put(&new, b"written in a scan")?;
        records.insert(new, b"written in a scan".to_vec());
        if key.ends_with(b"1") {
            ensure!(store.remove(&key)?, "del in a scan did not find {}", text(&key));
            records.remove(&key);
        } else {
            store.replace(&key, b"updated", |_| true)?;
            records.insert(key, b"updated".to_vec());
        }
        store.expect_count(records.len() as u64)
    })?;
    store.expect_all(&records)?;
    store.shut()
}

pub(super) fn scan_in_scan(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let records = fill(&store, 30)?;
    let mut outer = Records::new();
    store.each(|current| {
        let (key, value) = shown(current)?;
        same(&store.records()?, &records, "a scan within a scan shows")?;
        let again = shown(current)?;
        ensure!(again == (key, value), "the outer scan's record changed under the inner scan");
        ensure!(outer.insert(again.0, again.1).is_none(), "the outer scan shows a record twice");
        Ok(())
    })?;
    same(&outer, &records, "a scan with scans within shows")?;
    store.shut()
}
