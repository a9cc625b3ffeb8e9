//! The plugin's own tests: they call it through its table, as the host does.
//! Add one for everything that you add.

use super::Engine;
use kumo_plugin::{Error, testing};
use std::{collections::BTreeSet, thread};

type Done = Result<(), Error>;

fn open() -> Result<testing::Engine, Error> {
    testing::Engine::open::<Engine>("test.db")
}

#[test]
fn values_are_stored_and_found() -> Done {
    let db = open()?;
    assert!(db.get(b"a")?.is_none());
    for (key, val) in [
        (&b"a"[..], &b"1"[..]),
        (b"a", b"other"),
        (b"empty", b""),
        (b"", b"no key"),
    ] {
        db.set(key, val)?;
        assert_eq!(db.get(key)?.as_deref(), Some(val));
    }
    assert_eq!(db.rnum()?, 3);
    db.close()
}

#[test]
fn a_value_outlives_its_record() -> Done {
    let db = open()?;
    db.set(b"k", b"first")?;
    let first = db.get(b"k")?;
    db.set(b"k", b"second")?;
    assert!(db.del(b"k", &mut |_| true)?);
    assert_eq!(first.as_deref(), Some(&b"first"[..]));
    Ok(())
}

#[test]
fn the_comparison_decides() -> Done {
    let db = open()?;
    let mut never = |_: &[u8]| -> bool { panic!("there is nothing to ask about") };
    assert!(!db.del(b"k", &mut never)?);
    assert!(db.update(b"k", b"1", &mut never)?);
    assert!(!db.update(b"k", b"2", &mut |old| old != b"1")?);
    assert!(db.update(b"k", b"2", &mut |old| old == b"1")?);
    assert!(!db.del(b"k", &mut |old| old == b"1")?);
    assert!(db.del(b"k", &mut |old| old == b"2")?);
    assert!(db.get(b"k")?.is_none());
    db.close()
}

#[test]
fn a_scan_shows_every_record_once() -> Done {
    let db = open()?;
    for n in 0..1000_u32 {
        db.set(&n.to_be_bytes(), &n.to_le_bytes())?;
    }
    let mut seen = BTreeSet::new();
    db.for_each(&mut |record| {
        assert!(
            seen.insert((record.key()?, record.value()?)),
            "a record is shown twice"
        );
        Ok(0)
    })?;
    assert_eq!(seen.len(), 1000);
    db.close()
}

#[test]
fn no_update_is_lost() -> Done {
    const THREADS: u32 = 4;
    const ROUNDS: u32 = 1000;
    let db = open()?;
    db.set(b"n", &0_u32.to_be_bytes())?;
    // Adds one only if no other thread has changed the number meanwhile.
    let add = || -> Result<bool, Error> {
        let old = db.get(b"n")?.map(|val| val.to_vec()).unwrap_or_default();
        let n = u32::from_be_bytes(old.as_slice().try_into().expect("four bytes"));
        db.update(b"n", &(n + 1).to_be_bytes(), &mut |now| now == old)
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut done = 0;
                while done < ROUNDS {
                    done += u32::from(add().expect("an update"));
                }
            });
        }
    });
    assert_eq!(
        db.get(b"n")?.as_deref(),
        Some(&(THREADS * ROUNDS).to_be_bytes()[..])
    );
    db.close()
}
