//! What is taken is given back: descriptors, threads, memory.

use super::backup::back_up;
use crate::{
    host::raw::{Cas, Zone},
    kit::{
        Need, Outcome, Test,
        context::Context,
        fail,
        store::{Store, clean},
        taken::{Use, often},
    },
};
use std::{
    fs,
    time::{Duration, Instant},
};

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "resources_open_close",
        about: "opening and closing leaves no descriptor, thread or memory behind",
        needs: &[],
        run: open_close,
    },
    Test {
        name: "resources_open_fails",
        about: "an open that fails leaves no descriptor, thread or memory behind",
        needs: &[Need::Durable],
        run: open_fails,
    },
    Test {
        name: "resources_get",
        about: "values of zones that were cleared take no memory",
        needs: &[],
        run: get,
    },
    Test {
        name: "resources_pinned",
        about: "values that were overwritten and deleted while held are freed in the end",
        needs: &[],
        run: pinned,
    },
    Test {
        name: "resources_overwrite",
        about: "overwriting and deleting for ever takes no more memory",
        needs: &[],
        run: overwrite,
    },
    Test {
        name: "resources_scan",
        about: "scans, stopped or not, leave no descriptor, thread or memory behind",
        needs: &[],
        run: scan,
    },
    Test {
        name: "resources_backup",
        about: "backups leave no descriptor, thread or memory behind",
        needs: &[Need::Slot("backup")],
        run: backup,
    },
];

fn open_close(context: &Context) -> Outcome {
    often("create, open, a few calls, close and free", || {
        let store = context.open("cycles")?;
        store.put(b"key", b"value")?;
        store.expect(b"key", Some(b"value"))?;
        store.remove(b"key")?;
        store.shut()
    })
}

fn open_fails(context: &Context) -> Outcome {
    let path = context.path("missing").join("database");
    often("an open that fails", || match context.try_open(&context.location(&path))? {
        Ok(_) => fail!("open in a directory that does not exist succeeded"),
        Err(_) => Ok(()),
    })
}

/// A database with records of a few hundred bytes.
fn filled(context: &Context) -> Outcome<Store> {
    let store = context.open("filled")?;
    for n in 0..100 {
        store.put(format!("key {n}").as_bytes(), &[b'v'; 300])?;
    }
    Ok(store)
}

fn get(context: &Context) -> Outcome {
    let store = filled(context)?;
    often("gets whose zones were cleared", || {
        let mut zone = Zone::new(&store);
        for n in 0..120 {
            clean(store.get(format!("key {n}").as_bytes(), &zone), "get")?;
            if n % 40 == 39 {
                zone.clear();
            }
        }
        Ok(())
    })?;
    store.shut()
}

fn pinned(context: &Context) -> Outcome {
    // Engines that keep dead records for later are given a fresh database, so
    // that what they keep is freed by close.
    let mut round = 0;
    often("values held over an overwrite and a delete", || {
        round += 1;
        let store = context.open(&format!("pinned-{}", round % 2))?;
        for n in 0..30 {
            store.put(format!("key {n}").as_bytes(), &[b'v'; 1000])?;
        }
        let zone = Zone::new(&store);
        for n in 0..30 {
            let key = format!("key {n}").into_bytes();
            clean(store.get(&key, &zone), "get")?;
            match n % 2 {
                0 => store.put(&key, b"another")?,
                _ => store.remove(&key).map(|_| ())?,
            }
        }
        drop(zone);
        store.shut()
    })
}

fn overwrite(context: &Context) -> Outcome {
    let store = filled(context)?;
    let turn = |times: usize| -> Outcome {
        let end = Instant::now() + Duration::from_secs(2);
        for n in 0..times {
            let key = format!("key {}", n % 100).into_bytes();
            match n % 7 {
                5 => store.update(&key, &[b'u'; 900], &mut Cas::agree()).said.then_some(()),
                6 => store.remove(&key).ok().map(|_| ()),
                _ => store.put(&key, &[b's'; 1000]).ok(),
            };
            if n % 100 == 0 && Instant::now() > end {
                break;
            }
        }
        Ok(())
    };
    turn(3000)?;
    let before = Use::now()?;
    turn(30_000)?;
    // 30 MB were written; what an engine still has to tidy up is a part of it.
    before.expect_back("30000 overwrites and deletes of 100 records", 8 << 20)?;
    store.shut()
}

fn scan(context: &Context) -> Outcome {
    let store = filled(context)?;
    often("scans, every other one stopped", || {
        for stop in [-1, 0] {
            let said = store.for_each(&mut |current| {
                current.key();
                current.val();
                stop
            });
            clean(said, "for_each")?;
        }
        Ok(())
    })?;
    store.shut()
}

fn backup(context: &Context) -> Outcome {
    let store = filled(context)?;
    let path = context.path("copy");
    often("a backup", || {
        back_up(context, &store, &path)?;
        match path.is_dir() {
            true => fs::remove_dir_all(&path)?,
            false => fs::remove_file(&path)?,
        }
        Ok(())
    })?;
    store.shut()
}
