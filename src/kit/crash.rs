//! A process that writes and is killed, and what must be left of its writes.
//!
//! What it writes is determined by a seed. It notes every write that was
//! acknowledged by one more byte in a file, which survives the kill. So what
//! must be in the database afterwards is known to the byte: all that was
//! acknowledged, and, or not, the one write that was under way.

mod kill;

pub(super) use kill::{Killed, Survivor, kill_and_look, second};

use super::{
    Outcome, Stop,
    context::Context,
    ensure, fail,
    random::Random,
    store::{Records, Store},
};
use crate::host::{Change, raw::Cas};
use std::{fs::File, io::Write, thread};

/// The role of the process that writes.
pub(super) const ROLE: &str = "role-writer";

/// The database that it writes.
pub(super) const DATABASE: &str = "killed";

/// Different keys of each thread.
const KEYS: usize = 40;

/// Writes of each thread before it ends by itself.
pub(super) const WRITES: u64 = 200_000;

/// What the writes go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through {
    /// `set`, `update` and `del`, one key at a time.
    Calls,
    /// `batch`, several changes at a time.
    Batch,
    /// `set`, and `sync` before the acknowledgement.
    Sync,
}

impl Through {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Calls, "calls"), (Self::Batch, "batch"), (Self::Sync, "sync")];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(through, _)| *through == self).map_or("", |(_, name)| name)
    }
}

/// A write: keys, with a value or none. More than one are one batch.
pub(super) type Write_ = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// The writes of one thread, one after another, without end.
pub(super) struct Writes {
    random: Random,
    thread: usize,
    number: u64,
    through: Through,
}

impl Writes {
    pub fn new(seed: u64, thread: usize, through: Through) -> Self {
        let random = Random::new(seed ^ (thread as u64) << 32);
        Self { random, thread, number: 0, through }
    }

    pub fn next(&mut self) -> Write_ {
        self.number += 1;
        let changes = if self.through == Through::Batch { 1 + self.random.below(8) } else { 1 };
        (0..changes).map(|_| self.change()).collect()
    }

    fn change(&mut self) -> (Vec<u8>, Option<Vec<u8>>) {
        let key = format!("thread {} key {}", self.thread, self.random.below(KEYS));
        if self.through != Through::Sync && self.random.one_in(5) {
            return (key.into_bytes(), None);
        }
        let mut value = format!("write {} of thread {}:", self.number, self.thread).into_bytes();
        let more = if self.random.one_in(20) { 30_000 } else { 300 };
        let more = self.random.below(more);
        value.extend(self.random.bytes(more));
        (key.into_bytes(), Some(value))
    }
}

fn apply(records: &mut Records, write: Write_) {
    for (key, value) in write {
        match value {
            Some(value) => records.insert(key, value),
            None => records.remove(&key),
        };
    }
}

/// The argument of a process that does not write, but opens the database a
/// second time, and closes it.
const SECOND: &str = "second";

/// Kills and looks, on one database.
pub(super) fn rounds(context: &Context, through: Through, threads: usize) -> Outcome {
    let killed = Killed { role: ROLE, through, threads };
    kill_and_look(context, killed, &|| context.open(DATABASE))
}

impl Survivor for Store {
    fn read(&self, key: &[u8]) -> Outcome<Option<Vec<u8>>> {
        Self::read(self, key)
    }

    fn leave(self, known: usize) -> Outcome {
        let found = self.records()?;
        ensure!(
            found.len() == known,
            "for_each shows {} records; {known} can be read",
            found.len()
        );
        self.expect_count(known as u64)?;
        self.shut()
    }
}

/// The role: writes until it is killed.
pub(super) fn write(context: &Context, arguments: &[String]) -> Outcome {
    if arguments == [SECOND] {
        return match context.try_open(&context.location(&context.path(DATABASE)))? {
            Ok(store) => {
                store.records()?;
                store.shut()
            }
            Err(reason) => {
                ensure!(
                    !reason.trim().is_empty(),
                    "open of a database that another process has open failed, and said nothing"
                );
                Ok(())
            }
        };
    }
    let [through, seed, threads] = arguments else { fail!("the writer needs three arguments") };
    let through = Through::ALL.iter().find(|(_, name)| name == through);
    let (Some((through, _)), Ok(seed), Ok(threads)) = (through, seed.parse(), threads.parse())
    else {
        fail!("the writer does not know its arguments")
    };
    let store = context.open(DATABASE)?;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..threads)
            .map(|thread| {
                let (store, writes) = (&store, Writes::new(seed, thread, *through));
                scope.spawn(move || write_all(context, store, writes))
            })
            .collect();
        writers.into_iter().try_for_each(|writer| {
            writer.join().unwrap_or_else(|_| Err(Stop::Failed("a writer panicked".to_owned())))
        })
    })
}

fn write_all(context: &Context, store: &Store, mut writes: Writes) -> Outcome {
    let mut acknowledged = File::create(context.path(&acknowledgements(writes.thread)))?;
    for _ in 0..WRITES {
        let through = writes.through;
        let write = writes.next();
        match (through, &write[..]) {
            (Through::Batch, write) => {
                let changes: Vec<Change<'_>> = write
                    .iter()
                    .map(|(key, value)| match value {
                        Some(value) => Change::Put(key, value),
                        None => Change::Delete(key),
                    })
                    .collect();
                ensure!(store.batch(&changes).said, "batch failed");
            }
            (_, [(key, None)]) => {
                store.remove(key)?;
            }
            (Through::Calls, [(key, Some(value))]) if writes.number.is_multiple_of(3) => {
                ensure!(store.update(key, value, &mut Cas::agree()).said, "update failed");
            }
            (_, [(key, Some(value))]) => store.put(key, value)?,
            _ => {}
        }
        if through == Through::Sync {
            ensure!(store.sync().said, "sync failed");
        }
        acknowledged.write_all(b".")?;
    }
    Ok(())
}

pub(super) fn acknowledgements(thread: usize) -> String {
    format!("acknowledged-{thread}")
}
