//! The process that a test kills, with an engine in it.

use super::{
    super::{
        Outcome, Stop,
        crash::{Killed, Survivor, Through, WRITES, Writes, acknowledgements, kill_and_look},
        ensure, fail,
        place::Place,
    },
    client::Client,
    context::{Context, Engine},
};
use crate::host::memcached::{Code, Operation};
use std::{fs::File, io::Write, thread};

/// The role of the process that writes.
pub(in crate::kit) const ROLE: &str = "role-engine-writer";

/// Kills and looks, in one directory.
pub(super) fn rounds(context: &Context, threads: usize) -> Outcome {
    let killed = Killed { role: ROLE, through: Through::Calls, threads };
    kill_and_look(&context.place, killed, &|| {
        let engine = context.start()?;
        Ok(Left { client: engine.connect(), engine })
    })
}

/// What the process has left.
struct Left {
    client: Client,
    engine: Engine,
}

impl Survivor for Left {
    fn read(&self, key: &[u8]) -> Outcome<Option<Vec<u8>>> {
        self.client.read(key)
    }

    fn leave(self, known: usize) -> Outcome {
        let items = self.client.curr_items()?;
        ensure!(
            items.is_none_or(|items| items == known as u64),
            "curr_items is {items:?}; {known} items can be read"
        );
        drop(self.client);
        self.engine.destroy()
    }
}

/// The role: writes until it is killed.
pub(in crate::kit) fn write(place: Place, arguments: &[String]) -> Outcome {
    let [_, seed, threads] = arguments else { fail!("the writer needs three arguments") };
    let (Ok(seed), Ok(threads)) = (seed.parse(), threads.parse()) else {
        fail!("the writer does not know its arguments")
    };
    let context = Context::new(place)?;
    let engine = context.start()?;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..threads)
            .map(|thread| {
                let (place, engine) = (&context.place, &engine);
                let writes = Writes::new(seed, thread, Through::Calls);
                scope.spawn(move || write_all(place, &engine.connect(), thread, writes))
            })
            .collect();
        writers.into_iter().try_for_each(|writer| {
            writer.join().unwrap_or_else(|_| Err(Stop::Failed("a writer panicked".to_owned())))
        })
    })
}

fn write_all(place: &Place, client: &Client, thread: usize, mut writes: Writes) -> Outcome {
    let mut acknowledged = File::create(place.path(&acknowledgements(thread)))?;
    for number in 0..WRITES {
        for (key, value) in writes.next() {
            let Some(value) = value else {
                client.delete(&key)?;
                continue;
            };
            // An add and a replace where a set would do as well.
            let first = [Operation::Set, Operation::Add, Operation::Replace][number as usize % 3];
            if client.try_store(first, &key, &value)?.0 != Code::SUCCESS {
                client.put(&key, &value)?;
            }
        }
        acknowledged.write_all(b".")?;
    }
    Ok(())
}
