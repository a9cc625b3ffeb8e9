//! Closing and opening again: what was stored is there.

use super::fill;
use crate::kit::{Outcome, context::Context, ensure, store::Records};

pub fn reopen_all(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut records = fill(&store, "", 500)?;
    let binary: Vec<u8> = (0..=255).collect();
    for (key, value) in [(&b""[..], &binary[..]), (&binary, b""), (b"big", &[7; 300_000])] {
        store.put(key, value)?;
        records.insert(key.to_vec(), value.to_vec());
    }
    store.shut()?;
    let store = context.open("db")?;
    store.expect_all(&records)?;
    store.shut()
}

pub fn reopen_last_write(context: &Context) -> Outcome {
    for n in 0..5 {
        let (key, value) = (format!("key {n}"), format!("value {n}"));
        let store = context.open("db")?;
        store.put(key.as_bytes(), value.as_bytes())?;
        store.shut()?;
        let store = context.open("db")?;
        store.expect(key.as_bytes(), Some(value.as_bytes()))?;
        store.shut()?;
    }
    Ok(())
}

pub fn reopen_deletes(context: &Context) -> Outcome {
    let store = context.open("db")?;
    let mut records = fill(&store, "", 50)?;
    for i in (0..50).step_by(2) {
        let key = format!("key {i}");
        ensure!(store.remove(key.as_bytes())?, "del did not find \"{key}\"");
        records.remove(key.as_bytes());
    }
    store.shut()?;
    let store = context.open("db")?;
    for i in (0..50).step_by(2) {
        store.expect(format!("key {i}").as_bytes(), None)?;
    }
    store.expect_all(&records)?;
    store.shut()
}

pub fn reopen_untouched(context: &Context) -> Outcome {
    for records in [0, 20] {
        let store = context.open("db")?;
        let records = fill(&store, "", records)?;
        store.shut()?;
        for _ in 0..3 {
            context.open("db")?.shut()?;
        }
        let store = context.open("db")?;
        store.expect_all(&records)?;
        store.shut()?;
    }
    Ok(())
}

pub fn many_cycles(context: &Context) -> Outcome {
    let mut records = Records::new();
    for n in 0..30 {
        let store = context.open("db")?;
        if !context.is_durable() {
            records.clear();
        }
        let (key, value) = (format!("key {n}").into_bytes(), vec![n; usize::from(n)]);
        store.put(&key, &value)?;
        records.insert(key, value);
        store.expect_all(&records)?;
        store.shut()?;
    }
    Ok(())
}
