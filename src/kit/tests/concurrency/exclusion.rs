//! The comparison and the change are one step.

use super::{for_a_while, together};
use crate::{
    host::raw::Cas,
    kit::{Outcome, context::Context, ensure, store::clean},
};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};

pub fn procs(context: &Context) -> Outcome {
    let store = context.open("exclusion")?;
    let key = b"one key";
    store.put(key, b"0")?;
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let ask = |answer: bool| {
        most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
        // Long enough for another to come in, if nothing keeps it out.
        for _ in 0..20 {
            thread::yield_now();
        }
        inside.fetch_sub(1, SeqCst);
        answer
    };
    together(8, |number| {
        let mut turn = number;
        for_a_while(|| {
            turn += 1;
            // Mostly refused, so that the record stays and procs are asked.
            let agrees = turn % 4 == 0;
            let mut cas = Cas::new(|_| ask(agrees));
            if turn % 8 < 2 {
                clean(store.del(key, &mut cas), "del").map(|_| ())
            } else {
                clean(store.update(key, b"1", &mut cas), "update").map(|_| ())
            }
        })
    })?;
    let most = most.into_inner();
    ensure!(most <= 1, "{most} procs of one key were inside at once");
    store.shut()
}

/// A thread sets; others update from what their procs were shown. What a proc
/// was shown, and agreed with, must be what was there last before its write.
pub fn set_waits(context: &Context) -> Outcome {
    let store = context.open("waits")?;
    let key = b"one key";
    store.put(key, b"set")?;
    let is_over = AtomicBool::new(false);
    let lost = AtomicUsize::new(0);
    together(2, |number| {
        if number == 0 {
            // An update that was decided before the set must be overwritten by
            // it: after a set has returned, only what is newer is there.
            let mut turn = 0_u32;
            let wrote = for_a_while(|| {
                turn += 1;
                let value = format!("set {turn}");
                store.put(key, value.as_bytes())?;
                let after = store.read(key)?.unwrap_or_default();
                let wanted = [value.clone(), format!("after {value}")];
                if !wanted.iter().any(|wanted| wanted.as_bytes() == after) {
                    lost.fetch_add(1, SeqCst);
                }
                Ok(())
            });
            is_over.store(true, SeqCst);
            return wrote;
        }
        while !is_over.load(SeqCst) {
            let old = store.read(key)?.unwrap_or_default();
            if old.starts_with(b"after") {
                continue;
            }
            let new = [b"after ", &old[..]].concat();
            store.replace(key, &new, |there| {
                thread::yield_now();
                there == old
            })?;
        }
        Ok(())
    })?;
    let lost = lost.into_inner();
    ensure!(
        lost == 0,
        "{lost} times a set happened between a proc and the write it allowed, and was lost"
    );
    store.shut()
}
