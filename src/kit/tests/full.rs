//! No room: a limit on the size of files, which fails as a full disk does.

mod limit;

use super::backup::says_why;
use crate::{
    host::Change,
    kit::{
        Need, Outcome, Stop, Test,
        context::Context,
        ensure,
        store::{Records, Store, text, why},
    },
};
use limit::{Limit, limit};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "full_set",
        about: "a set without room fails and says so; what was acknowledged is there",
        needs: &[Need::Durable],
        run: set,
    },
    Test {
        name: "full_overwrite",
        about: "an overwrite without room fails, and the old value stays",
        needs: &[Need::Durable],
        run: overwrite,
    },
    Test {
        name: "full_lifted",
        about: "when there is room again, writes succeed again",
        needs: &[Need::Durable],
        run: lifted,
    },
    Test {
        name: "full_batch",
        about: "a batch without room leaves nothing of itself",
        needs: &[Need::Durable, Need::Slot("batch")],
        run: batch,
    },
    Test {
        name: "full_backup",
        about: "a backup without room fails with a reason, and leaves nothing",
        needs: &[Need::Slot("backup")],
        run: backup,
    },
    Test {
        name: "full_read_only",
        about: "a directory that cannot be written, or is not there, is refused with a text",
        needs: &[Need::Durable],
        run: read_only,
    },
];

const VALUE: usize = 10_000;

/// A record of a batch.
const PART: usize = 40_000;

/// The most that is written to come to the limit.
const MOST: usize = 64 << 20;

/// A set that fails must say why.
fn set_says_why(context: &Context, store: &Store, key: &[u8], value: &[u8]) -> Outcome<bool> {
    let answer = store.set(key, value);
    if answer.said {
        return Ok(true);
    }
    ensure!(
        answer.error.is_some() || !context.plugin.is_described(),
        "set failed without room, and did not call set_error"
    );
    ensure!(
        answer.error.is_none_or(|error| !error.text.trim().is_empty()),
        "set failed without room, with an empty text"
    );
    Ok(false)
}

/// Writes new records until one fails. Skips where none does.
fn fill(context: &Context, store: &Store, records: &mut Records) -> Outcome {
    let mut random = context.random();
    for n in 0..MOST / VALUE {
        let (key, value) = (format!("filling {n}").into_bytes(), random.bytes(VALUE));
        if !set_says_why(context, store, &key, &value)? {
            store
                .expect(&key, None)
                .map_err(|stop| stop.told("after a set that failed without room"))?;
            return Ok(());
        }
        records.insert(key, value);
    }
    Err(Stop::Skipped(format!("it stores {} MiB in spite of a limit on file sizes", MOST >> 20)))
}

/// Some records that are there before.
fn begin(store: &Store) -> Outcome<Records> {
    let mut records = Records::new();
    for n in 0..20 {
        let (key, value) = (format!("before {n}").into_bytes(), vec![n as u8; 500]);
        store.put(&key, &value)?;
        records.insert(key, value);
    }
    Ok(records)
}

/// The records must be there, now, and when the database is opened again.
fn survive(context: &Context, store: Store, records: &Records) -> Outcome {
    store.expect_all(records).map_err(|stop| stop.told("after writes failed without room"))?;
    store.shut()?;
    let store = context.open("full")?;
    store
        .expect_all(records)
        .map_err(|stop| stop.told("opened again, after writes failed without room"))?;
    store.shut()
}

fn set(context: &Context) -> Outcome {
    let store = context.open("full")?;
    let mut records = begin(&store)?;
    let limited = limit(context, 1 << 20)?;
    fill(context, &store, &mut records)?;
    // Reads go on.
    store.expect_all(&records)?;
    // Smaller ones may still fit; a delete may need room. None may lie.
    let value = [7; 3000];
    for n in 0..40 {
        let key = format!("small {n}").into_bytes();
        let value = &value[..n * 70];
        if set_says_why(context, &store, &key, value)? {
            records.insert(key, value.to_vec());
        }
        let key = format!("before {}", n / 4).into_bytes();
        let mut cas = crate::host::raw::Cas::agree();
        if store.del(&key, &mut cas).said {
            ensure!(records.remove(&key).is_some(), "del of what is absent returned true");
        }
    }
    drop(limited);
    survive(context, store, &records)
}

fn overwrite(context: &Context) -> Outcome {
    let store = context.open("full")?;
    let mut records = begin(&store)?;
    let limited = limit(context, 1 << 20)?;
    fill(context, &store, &mut records)?;
    let larger = vec![b'x'; 2 << 20];
    for n in 0..10 {
        let key = format!("before {n}").into_bytes();
        let has_stored = match n % 2 {
            0 => set_says_why(context, &store, &key, &larger)?,
            _ => store.update(&key, &larger, &mut crate::host::raw::Cas::agree()).said,
        };
        if has_stored {
            records.insert(key.clone(), larger.clone());
        }
        let wanted = records.get(&key).map(Vec::as_slice);
        store
            .expect(&key, wanted)
            .map_err(|stop| stop.told("after an overwrite that failed without room"))?;
    }
    drop(limited);
    survive(context, store, &records)
}

fn lifted(context: &Context) -> Outcome {
    let store = context.open("full")?;
    let mut records = begin(&store)?;
    let limited = limit(context, 1 << 20)?;
    fill(context, &store, &mut records)?;
    drop(limited);
    for n in 0..300 {
        let (key, value) = (format!("again {n}").into_bytes(), vec![1; VALUE]);
        store
            .put(&key, &value)
            .map_err(|stop| stop.told("there is room again, and the database still open"))?;
        records.insert(key, value);
    }
    survive(context, store, &records)
}

fn batch(context: &Context) -> Outcome {
    let store = context.open("full")?;
    let mut records = begin(&store)?;
    let limited = limit(context, 1 << 20)?;
    // Of several records each; small enough for an engine that bounds its batches.
    let value = vec![b'b'; PART];
    let mut has_failed = false;
    for n in 0..MOST / (3 * PART) {
        let keys: Vec<Vec<u8>> =
            (0..3).map(|part| format!("batch {n} part {part}").into_bytes()).collect();
        let mut changes: Vec<Change<'_>> =
            keys.iter().map(|key| Change::Put(key, &value)).collect();
        changes.insert(1, Change::Delete(b"before 0"));
        let answer = store.batch(&changes);
        if answer.said {
            records.remove(&b"before 0"[..]);
            records.extend(keys.into_iter().map(|key| (key, value.clone())));
            continue;
        }
        ensure!(answer.error.is_some(), "batch failed without room, and did not call set_error");
        has_failed = true;
        for key in &keys {
            store
                .expect(key, None)
                .map_err(|stop| stop.told("a batch failed without room, and left a part"))?;
        }
        break;
    }
    drop(limited);
    if !has_failed {
        return Err(Stop::Skipped("its batches ignore a limit on file sizes".to_owned()));
    }
    survive(context, store, &records)
}

fn backup(context: &Context) -> Outcome {
    let store = context.open("full")?;
    let mut records = begin(&store)?;
    for n in 0..200 {
        let (key, value) = (format!("more {n}").into_bytes(), vec![b'm'; VALUE]);
        store.put(&key, &value)?;
        records.insert(key, value);
    }
    super::backup::back_up(context, &store, &context.path("possible"))?;
    let target = context.path("target");
    fs::create_dir(&target)?;
    let limited = Limit::new(100_000)?;
    let answer = store.backup(&target.join("copy"));
    drop(limited);
    ensure!(!answer.said, "backup returned true, although there was no room for it");
    says_why(context, &store, answer.error.map(|error| error.text), "there is no room")?;
    let left = fs::read_dir(&target)?.next().transpose()?;
    if let Some(left) = left {
        let name = left.file_name();
        let name = name.to_string_lossy();
        return Err(Stop::Failed(format!("backup failed without room, and left {name} behind")));
    }
    super::backup::back_up(context, &store, &target.join("copy"))?;
    store.expect_all(&records)?;
    store.shut()
}

/// A database that cannot be made; None: it can, for this user.
fn read_only(context: &Context) -> Outcome {
    let refused = |path: &Path, what: &str| -> Outcome {
        match context.try_open(&context.location(path))? {
            Ok(store) => {
                let answer = store.set(b"key", b"value");
                ensure!(
                    !answer.said,
                    "open in {what} succeeded, and {} is acknowledged",
                    text(b"key")
                );
                ensure!(!why(&answer).trim().is_empty(), "set failed with an empty text");
            }
            Err(reason) => {
                ensure!(!reason.trim().is_empty(), "open in {what} failed, and said nothing");
            }
        }
        Ok(())
    };
    refused(&context.path("missing").join("database"), "a directory that does not exist")?;
    let dir = context.path("locked");
    fs::create_dir(&dir)?;
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o555))?;
    // Root writes everywhere.
    if fs::write(dir.join("probe"), b"").is_ok() {
        return Ok(());
    }
    let ended = refused(&dir.join("database"), "a directory that cannot be written");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755))?;
    ended
}
