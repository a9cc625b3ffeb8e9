//! Scans beside writes.

use super::{for_a_while, number_in, stamped, together};
use crate::kit::{Outcome, context::Context, ensure, store::text};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub fn beside_writes(context: &Context) -> Outcome {
    const STAY: usize = 500;
    let store = context.open("scanned")?;
    let stays = |n: usize| format!("stays {n}").into_bytes();
    for n in 0..STAY {
        store.put(&stays(n), &stamped(&stays(n), n as u64))?;
    }
    let is_over = AtomicBool::new(false);
    together(4, |thread| {
        if thread == 0 {
            let scanned = for_a_while(|| {
                // `records` fails if a key is shown twice.
                let records = store.records()?;
                for (key, value) in &records {
                    ensure!(
                        number_in(key, value).is_some(),
                        "beside writes, for_each shows {} = {}, which nobody stored",
                        text(key),
                        text(value)
                    );
                }
                let missed = (0..STAY).map(stays).find(|key| !records.contains_key(key));
                ensure!(
                    missed.is_none(),
                    "beside writes of other keys, for_each does not show {}, which stays",
                    text(&missed.unwrap_or_default())
                );
                Ok(())
            });
            is_over.store(true, Relaxed);
            return scanned;
        }
        let mut number = 0_u64;
        while !is_over.load(Relaxed) {
            number += 1;
            let key = format!("comes and goes {thread} {}", number % 200).into_bytes();
            store.put(&key, &stamped(&key, number))?;
            if number.is_multiple_of(2) {
                store.remove(&key)?;
            }
        }
        Ok(())
    })?;
    store.shut()
}
