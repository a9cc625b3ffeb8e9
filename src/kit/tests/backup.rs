//! Backups: a database of one moment, whole or not there.

mod leftover;
mod moment;

use crate::{
    host::ErrorCode,
    kit::{
        Need, Outcome, Stop, Test,
        context::Context,
        ensure, fail,
        store::{Records, Store, clean, why},
    },
};
use std::{fs, path::Path};

const NEEDS: &[Need] = &[Need::Slot("backup")];

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "backup_complete",
        about: "a backup opens as a database with all records",
        needs: NEEDS,
        run: complete,
    },
    Test {
        name: "backup_empty",
        about: "a backup of an empty database opens as one",
        needs: NEEDS,
        run: empty,
    },
    Test {
        name: "backup_leaves_one_file",
        about: "beside a backup that worked, nothing else is left",
        needs: NEEDS,
        run: leaves_one_file,
    },
    Test {
        name: "backup_apart",
        about: "writes after a backup are not in it, and writes to it not in the original",
        needs: NEEDS,
        run: apart,
    },
    Test {
        name: "backup_moment",
        about: "a backup beside writes is one moment: of two writes, not the second alone",
        needs: NEEDS,
        run: moment::beside_writes,
    },
    Test {
        name: "backup_target_exists",
        about: "an existing target is refused, with a reason, and not touched",
        needs: NEEDS,
        run: target_exists,
    },
    Test {
        name: "backup_no_directory",
        about: "a backup into a missing directory fails with a reason, and leaves nothing",
        needs: NEEDS,
        run: no_directory,
    },
    Test {
        name: "backup_twice",
        about: "two backups, one after the other, each of its moment",
        needs: NEEDS,
        run: twice,
    },
    Test {
        name: "backup_after_crash",
        about: "what a backup that was killed left behind stops no later one",
        needs: NEEDS,
        run: leftover::after_crash,
    },
];

/// A backup, which must work, unless the engine says that it makes none.
pub(super) fn back_up(context: &Context, store: &Store, path: &Path) -> Outcome {
    let answer = store.backup(path);
    if answer.said {
        return clean(answer, "backup").map(|_| ());
    }
    let reason = match answer.error {
        None if context.plugin.has("error") => store.error().said.unwrap_or_default(),
        _ => why(&answer),
    };
    let is_unsupported = answer.error.is_some_and(|error| error.code == ErrorCode::Unsupported);
    // A classic engine has no code for it: one in memory is believed, if it is as
    // good as its word.
    let is_in_memory = !context.plugin.is_described() && !context.is_durable();
    let is_excused = is_unsupported || is_in_memory && makes_none(context)?;
    ensure!(is_excused, "backup failed: {reason}");
    ensure!(!path.exists(), "backup returned false, and yet left something at its target");
    Err(Stop::Skipped(format!("it makes no backups: {reason}")))
}

/// Whether an empty database cannot be backed up either.
fn makes_none(context: &Context) -> Outcome<bool> {
    let store = context.open("without records")?;
    let answer = store.backup(&context.path("copy of nothing"));
    store.shut()?;
    Ok(!answer.said)
}

fn fill(store: &Store, count: usize) -> Outcome<Records> {
    let mut records = Records::new();
    for n in 0..count {
        let key = format!("record {n}").into_bytes();
        let value = key.repeat(n % 97);
        store.put(&key, &value)?;
        records.insert(key, value);
    }
    Ok(records)
}

/// What is at a path must be a database with exactly these records.
fn holds(context: &Context, path: &Path, records: &Records) -> Outcome {
    ensure!(path.exists(), "backup returned true, and there is nothing at {}", context.shown(path));
    let copy = context.open_at(path)?;
    copy.expect_all(records).map_err(|stop| stop.told("in the backup"))?;
    copy.shut()
}

fn complete(context: &Context) -> Outcome {
    let store = context.open("database")?;
    let records = fill(&store, 2000)?;
    back_up(context, &store, &context.path("copy"))?;
    // The original is as it was, and open.
    store.expect_all(&records)?;
    holds(context, &context.path("copy"), &records)?;
    store.shut()?;
    holds(context, &context.path("copy"), &records)
}

fn empty(context: &Context) -> Outcome {
    let store = context.open("database")?;
    back_up(context, &store, &context.path("copy"))?;
    holds(context, &context.path("copy"), &Records::new())?;
    store.shut()
}

fn leaves_one_file(context: &Context) -> Outcome {
    let store = context.open("database")?;
    fill(&store, 100)?;
    let target = context.path("target");
    fs::create_dir(&target)?;
    back_up(context, &store, &target.join("copy"))?;
    let names = names(&target)?;
    ensure!(names == ["copy"], "beside the backup there is more: {}", names.join(", "));
    store.shut()
}

fn names(dir: &Path) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn apart(context: &Context) -> Outcome {
    let store = context.open("database")?;
    let mut records = fill(&store, 100)?;
    let path = context.path("copy");
    back_up(context, &store, &path)?;
    let then = records.clone();
    for n in 0..50 {
        let key = format!("record {n}").into_bytes();
        store.put(&key, b"written after the backup")?;
        records.insert(key, b"written after the backup".to_vec());
    }
    holds(context, &path, &then)?;
    let copy = context.open_at(&path)?;
    copy.put(b"record 0", b"written to the copy")?;
    copy.put(b"record 99", b"written to the copy")?;
    store.expect_all(&records)?;
    copy.shut()?;
    store.expect_all(&records)?;
    store.shut()
}

fn target_exists(context: &Context) -> Outcome {
    let store = context.open("database")?;
    let records = fill(&store, 100)?;
    back_up(context, &store, &context.path("possible"))?;
    let path = context.path("copy");
    fs::write(&path, b"somebody's file")?;
    let answer = store.backup(&path);
    ensure!(
        fs::read(&path).is_ok_and(|there| there == b"somebody's file"),
        "backup overwrote the file that was its target"
    );
    ensure!(!answer.said, "backup returned true, although its target exists already");
    says_why(context, &store, answer.error.map(|error| error.text), "its target exists")?;
    let files = context.files()?;
    ensure!(
        !files.iter().any(|name| name == "copy.tmp"),
        "backup was refused, and yet left copy.tmp behind"
    );
    store.expect_all(&records)?;
    store.shut()
}

/// A backup that failed must say why; a classic plugin by `error`.
pub(super) fn says_why(
    context: &Context,
    store: &Store,
    reported: Option<String>,
    reason: &str,
) -> Outcome {
    let said = match reported {
        None if context.plugin.is_described() => {
            fail!("backup returned false, for {reason}, and did not call set_error")
        }
        None if context.plugin.has("error") => store.error().said,
        None => None,
        text => text,
    };
    ensure!(
        said.is_some_and(|text| !text.trim().is_empty()),
        "backup returned false, for {reason}, and said nothing about it"
    );
    Ok(())
}

fn no_directory(context: &Context) -> Outcome {
    let store = context.open("database")?;
    let records = fill(&store, 100)?;
    back_up(context, &store, &context.path("possible"))?;
    let before = context.files()?;
    let answer = store.backup(&context.path("missing").join("copy"));
    ensure!(!answer.said, "backup into a directory that does not exist returned true");
    let text = answer.error.map(|error| error.text);
    says_why(context, &store, text, "its directory does not exist")?;
    let after = context.files()?;
    ensure!(
        before == after,
        "backup failed, and left something behind: {} before, {} after",
        before.join(" "),
        after.join(" ")
    );
    store.expect_all(&records)?;
    store.put(b"more", b"after the failure")?;
    store.shut()
}

fn twice(context: &Context) -> Outcome {
    let store = context.open("database")?;
    let mut records = fill(&store, 300)?;
    back_up(context, &store, &context.path("copy-1"))?;
    let first = records.clone();
    store.put(b"between", b"the two")?;
    records.insert(b"between".to_vec(), b"the two".to_vec());
    ensure!(store.remove(b"record 7")?, "del of a record returned false");
    records.remove(&b"record 7"[..]);
    back_up(context, &store, &context.path("copy-2"))?;
    holds(context, &context.path("copy-1"), &first)?;
    holds(context, &context.path("copy-2"), &records)?;
    store.shut()
}
