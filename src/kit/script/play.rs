//! Plays a script against a model: what a correct engine would hold.

mod many;

use super::Step;
use crate::{
    host::raw::Cas,
    kit::{
        Outcome, Stop,
        context::Context,
        ensure, fail,
        store::{Records, Store, clean, same, text, text_or},
    },
};

/// The database that scripts are played on.
pub(super) const DATABASE: &str = "played";

/// Plays steps on a new database.
pub(super) fn play(context: &Context, steps: &[Step]) -> Outcome {
    let mut model = Records::new();
    let mut store = context.open(DATABASE)?;
    for (number, step) in steps.iter().enumerate() {
        let told = |stop: Stop| {
            let shown: String = step.to_string().chars().take(80).collect();
            stop.told(&format!("step {} ({shown})", number + 1))
        };
        if *step == Step::Reopen {
            if context.is_durable() {
                store.shut().map_err(told)?;
                store = context.open(DATABASE).map_err(told)?;
            }
            continue;
        }
        one(&store, &mut model, step).map_err(told)?;
    }
    store.expect_all(&model)?;
    store.shut()
}

fn one(store: &Store, model: &mut Records, step: &Step) -> Outcome {
    match step {
        Step::Set(key, value) => {
            store.put(&key.get(), &value.get())?;
            model.insert(key.get(), value.get());
        }
        Step::Get(key) => {
            let key = key.get();
            store.expect(&key, model.get(&key).map(Vec::as_slice))?;
        }
        Step::Head(key, room) => head(store, model, &key.get(), *room)?,
        Step::Del(key) => {
            let (key, deleted) = (key.get(), store.remove(&key.get())?);
            let was_there = model.remove(&key).is_some();
            ensure!(deleted == was_there, "del returned {deleted}");
        }
        Step::DelRefused(key) => {
            let mut cas = Cas::refuse();
            let key = key.get();
            let deleted = clean(store.del(&key, &mut cas), "del with a proc that refuses")?;
            ensure!(!deleted, "del returned true, although the proc refused or was not asked");
            shown(&cas, model.get(&key))?;
        }
        Step::Update(key, value) => {
            let mut cas = Cas::agree();
            let key = key.get();
            let stored = clean(store.update(&key, &value.get(), &mut cas), "update")?;
            ensure!(stored, "update returned false, although the proc agrees");
            shown(&cas, model.get(&key))?;
            model.insert(key, value.get());
        }
        Step::UpdateRefused(key, value) => {
            let mut cas = Cas::refuse();
            let key = key.get();
            let stored = clean(store.update(&key, &value.get(), &mut cas), "update")?;
            shown(&cas, model.get(&key))?;
            ensure!(
                stored != model.contains_key(&key),
                "update with a proc that refuses returned {stored}"
            );
            model.entry(key).or_insert_with(|| value.get());
        }
        Step::ScanDel(prefix) => scan_del(store, model, &prefix.get())?,
        Step::Batch(changes) => many::batch(store, model, changes)?,
        Step::Updatev(records) => many::updatev(store, model, records)?,
        Step::Getv(keys) => many::getv(store, model, keys)?,
        Step::Seek(key, most) => many::seek(store, model, &key.get(), *most)?,
        Step::Scan => same(&store.records()?, model, "for_each shows")?,
        Step::Count => store.expect_count(model.len() as u64)?,
        Step::Sync if store.plugin().has("sync") => {
            ensure!(clean(store.sync(), "sync")?, "sync failed");
        }
        Step::Compact if store.plugin().has("compact") => {
            ensure!(clean(store.compact(), "compact")?, "compact failed");
        }
        Step::Sync | Step::Compact | Step::Reopen => {}
    }
    Ok(())
}

/// What a comparison was shown must be the one value that was there.
fn shown(cas: &Cas<'_>, present: Option<&Vec<u8>>) -> Outcome {
    match (&cas.shown[..], present) {
        ([], None) => Ok(()),
        ([one], Some(present)) if one == present => Ok(()),
        ([one], present) => fail!(
            "the proc was shown {}; there was {}",
            text(one),
            text_or(present.map(Vec::as_slice))
        ),
        (many, _) => fail!("the proc was called {} times", many.len()),
    }
}

fn head(store: &Store, model: &Records, key: &[u8], room: usize) -> Outcome {
    if !store.plugin().has("get_header") {
        return Ok(());
    }
    let mut head = vec![0; room];
    let copied = clean(store.get_header(key, &mut head), "get_header")?;
    match model.get(key) {
        // Two of the original modules say 0.
        None => ensure!(copied <= 0, "get_header returned {copied} for what is absent"),
        Some(value) => {
            let wanted = &value[..value.len().min(room)];
            ensure!(
                usize::try_from(copied) == Ok(wanted.len()) && head[..wanted.len()] == *wanted,
                "get_header returned {copied}; the value has {} bytes, the buffer {room}",
                value.len()
            );
        }
    }
    Ok(())
}

fn scan_del(store: &Store, model: &mut Records, prefix: &[u8]) -> Outcome {
    if !store.plugin().has("iterator_del") {
        return Ok(());
    }
    let mut wrong = None;
    let answer = store.for_each(&mut |current| {
        let key = current.key().unwrap_or_default();
        if key.starts_with(prefix) && !current.del(&mut Cas::agree()) {
            wrong.get_or_insert(format!("iterator_del of {} returned false", text(&key)));
        }
        0
    });
    let said = clean(answer, "for_each")?;
    ensure!(said >= 0, "for_each returned {said}");
    model.retain(|key, _| !key.starts_with(prefix));
    match wrong {
        Some(wrong) => fail!("{wrong}"),
        None => Ok(()),
    }
}
