//! Comparisons: when they are asked, about what, and what their answer does.

use super::{test, with};
use crate::{
    host::raw::Cas,
    kit::{
        Need, Outcome, Test,
        context::Context,
        ensure,
        store::{Records, Store, clean, text},
    },
};
use kumo_plugin::abi::KUMO_CAP_REENTRANT_SCAN;
use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
    time::Duration,
};

pub(super) const TESTS: &[Test] = &[
    test("cas_update_asks_once", "update asks once about a record that is there", asks_once),
    test("cas_update_shows_present", "update shows the present value, whole", shows_present),
    test("cas_update_absent", "update stores what is not there, without asking", update_absent),
    test("cas_update_agreed", "update stores what was agreed to", update_agreed),
    test("cas_update_refused", "a refused update changes nothing, and is no error", refused),
    test("cas_del_asks_once", "del asks once, about the present value", del_asks_once),
    test("cas_del_absent", "del of what is not there does not ask", del_absent),
    test("cas_del_refused", "a refused del changes nothing, and is no error", del_refused),
    test("cas_excludes_updates", "no write gets between a comparison and its update", counter),
    test("cas_one_at_a_time", "two comparisons of one record never overlap", one_at_a_time),
    with("cas_iterator_del_asks", "iterator_del asks as del does", ITERATOR_DEL, iterator_asks),
    with("cas_iterator_del_now", "iterator_del shows the value that is there now", NOW, now),
];

const ITERATOR_DEL: &[Need] = &[Need::Slot("iterator_del")];
const NOW: &[Need] =
    &[Need::Slot("iterator_del"), Need::Cap(KUMO_CAP_REENTRANT_SCAN, "reentrant scans")];

/// `update` that must be asked about exactly this; None: not at all.
fn update(
    store: &Store,
    key: &[u8],
    value: &[u8],
    cas: &mut Cas<'_>,
    wanted: Option<&[u8]>,
) -> Outcome<bool> {
    let said = clean(store.update(key, value, cas), "update")?;
    asked(cas, wanted, "update").map(|()| said)
}

/// The comparison was asked about exactly this.
fn asked(cas: &Cas<'_>, wanted: Option<&[u8]>, what: &str) -> Outcome {
    let (times, due) = (cas.shown.len(), usize::from(wanted.is_some()));
    ensure!(times == due, "{what} asked the proc {times} times; it should be {due}");
    if let (Some(shown), Some(wanted)) = (cas.shown.first(), wanted) {
        ensure!(
            shown == wanted,
            "{what} showed the proc {}; the record has {}",
            text(shown),
            text(wanted)
        );
    }
    Ok(())
}

fn asks_once(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.put(b"key", b"old")?;
    for mut cas in [Cas::agree(), Cas::refuse()] {
        clean(store.update(b"key", b"old", &mut cas), "update")?;
        let times = cas.shown.len();
        ensure!(times == 1, "update of a record asked the proc {times} times; it should be once");
    }
    store.shut()
}

fn shows_present(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut random = context.random();
    let mut old = Vec::new();
    store.put(b"key", &old)?;
    store.put(b"other", b"another record")?;
    for len in [3, 0, 1, 8, 300, 70_000, 0, 1 << 20, 5] {
        let new = random.bytes(len);
        let said = update(&store, b"key", &new, &mut Cas::agree(), Some(&old))?;
        ensure!(said, "update returned false, though the proc agreed");
        old = new;
    }
    store.expect(b"key", Some(&old))?;
    store.shut()
}

fn update_absent(context: &Context) -> Outcome {
    let store = context.open("db")?;
    // Also what has been there.
    store.put(b"deleted", b"old")?;
    ensure!(store.remove(b"deleted")?, "del did not find a record");
    for key in [&b"key"[..], b"", b"deleted"] {
        let said = update(&store, key, b"new", &mut Cas::refuse(), None)?;
        ensure!(said, "update of what is not there returned false");
        store.expect(key, Some(b"new"))?;
    }
    store.expect_count(3)?;
    store.shut()
}

fn update_agreed(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for n in 0..100_u8 {
        let value = vec![n; usize::from(n)];
        let said = clean(store.update(b"key", &value, &mut Cas::agree()), "update")?;
        ensure!(said, "update returned false, though nobody refused");
        store.expect(b"key", Some(&value))?;
    }
    store.expect_count(1)?;
    store.shut()
}

fn refused(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for old in [&b"old"[..], b"", &[1; 5000]] {
        store.put(b"key", old)?;
        for new in [&b"new"[..], b"", &[2; 9000]] {
            let said = clean(store.update(b"key", new, &mut Cas::refuse()), "a refused update")?;
            ensure!(!said, "update returned true, though the proc refuses");
            store.expect(b"key", Some(old))?;
        }
        store.expect_all(&Records::from([(b"key".to_vec(), old.to_vec())]))?;
    }
    store.shut()
}

fn del_asks_once(context: &Context) -> Outcome {
    let store = context.open("db")?;
    for old in [&b"old"[..], b"", &[1; 70_000]] {
        store.put(b"key", old)?;
        let mut cas = Cas::agree();
        let said = clean(store.del(b"key", &mut cas), "del")?;
        asked(&cas, Some(old), "del")?;
        ensure!(said, "del returned false, though the proc agreed");
        store.expect(b"key", None)?;
    }
    store.shut()
}

fn del_absent(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.put(b"other", b"value")?;
    for mut cas in [Cas::agree(), Cas::refuse()] {
        let said = clean(store.del(b"key", &mut cas), "del of what is not there")?;
        asked(&cas, None, "del of what is not there")?;
        ensure!(!said, "del of what is not there returned true");
    }
    store.expect(b"other", Some(b"value"))?;
    store.shut()
}

fn del_refused(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.put(b"key", b"value")?;
    let mut cas = Cas::refuse();
    let said = clean(store.del(b"key", &mut cas), "a refused del")?;
    asked(&cas, Some(b"value"), "del")?;
    ensure!(!said, "del returned true, though the proc refused");
    store.expect_all(&Records::from([(b"key".to_vec(), b"value".to_vec())]))?;
    store.shut()
}

/// Runs the same on several threads; the first failure is the result.
fn on_threads(count: usize, work: impl Fn() -> Outcome + Sync) -> Outcome {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| {
                Err(crate::kit::Stop::Failed("a thread of the kit's panicked".to_owned()))
            })
        })
    })
}

/// Threads count up one record: as many updates that returned true, so much more.
fn counter(context: &Context) -> Outcome {
    const THREADS: usize = 4;
    const EACH: usize = 300;
    let store = context.open("db")?;
    store.put(b"key", b"0")?;
    on_threads(THREADS, || {
        for _ in 0..EACH {
            loop {
                let old = store.read(b"key")?.unwrap_or_default();
                let number = String::from_utf8_lossy(&old).parse::<usize>().unwrap_or_default();
                let new = (number + 1).to_string();
                if store.replace(b"key", new.as_bytes(), |now| now == old)? {
                    break;
                }
            }
        }
        Ok(())
    })?;
    let end = store.read(b"key")?.unwrap_or_default();
    ensure!(
        end == (THREADS * EACH).to_string().as_bytes(),
        "{} updates returned true, each one more than the value it was agreed on, and the value \
         is {}: some went lost",
        THREADS * EACH,
        text(&end)
    );
    store.shut()
}

fn one_at_a_time(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.put(b"key", b"value")?;
    let (inside, overlaps) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let ask = |_: &[u8]| {
        if inside.fetch_add(1, SeqCst) > 0 {
            overlaps.fetch_add(1, SeqCst);
        }
        thread::sleep(Duration::from_micros(200));
        inside.fetch_sub(1, SeqCst);
        true
    };
    on_threads(4, || {
        for n in 0..40 {
            match n % 4 {
                // Deleted now and then, and there again.
                3 => drop(clean(store.del(b"key", &mut Cas::new(ask)), "del")?),
                _ => drop(store.replace(b"key", b"value", ask)?),
            }
        }
        Ok(())
    })?;
    let overlaps = overlaps.into_inner();
    ensure!(
        overlaps == 0,
        "{overlaps} times a comparison began while another one of the same record was under way"
    );
    store.shut()
}

fn iterator_asks(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut left = Records::new();
    for n in 0..40_u8 {
        store.put(&[b'k', n], &[n, n])?;
    }
    store.each(|current| {
        let (key, value) = (current.key().unwrap_or_default(), current.val().unwrap_or_default());
        let is_refused = key[1] % 2 == 0;
        let mut cas = Cas::new(|_| !is_refused);
        let said = current.del(&mut cas);
        asked(&cas, Some(&value), "iterator_del")?;
        ensure!(said != is_refused, "iterator_del returned {said}; the proc said {}", !is_refused);
        if is_refused {
            left.insert(key, value);
        }
        Ok(())
    })?;
    ensure!(left.len() == 20, "the scan showed {} of the 20 records to keep", left.len());
    store.expect_all(&left)?;
    store.shut()
}

fn now(context: &Context) -> Outcome {
    let store = context.open("db")?;
    store.put(b"key", b"old")?;
    let mut is_first = true;
    store.each(|current| {
        // An engine may show what was written during the scan.
        if std::mem::take(&mut is_first) {
            store.put(b"key", b"written meanwhile")?;
            let mut cas = Cas::refuse();
            let said = current.del(&mut cas);
            asked(&cas, Some(b"written meanwhile"), "iterator_del")?;
            ensure!(!said, "iterator_del returned true, though the proc refused");
        }
        Ok(())
    })?;
    store.expect_all(&Records::from([(b"key".to_vec(), b"written meanwhile".to_vec())]))?;
    store.shut()
}
