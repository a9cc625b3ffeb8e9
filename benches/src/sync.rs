//! Writes that wait for the disk, by one writer and by many.

use crate::{
    Settings,
    child::{Task, What},
    peers::REFERENCE,
    report::{Page, Table, spread},
};
use anyhow::{Result, anyhow};
use kumo::bench::{Spread, Values, key};
use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

const SIZE: usize = 32;
const ALWAYS: &str = "tchdb_like-always";
const CASES: [(&str, usize); 6] =
    [(ALWAYS, 1), (ALWAYS, 8), (ALWAYS, 32), (REFERENCE, 1), (REFERENCE, 32), ("tkrzw-crc32", 32)];

/// The child's side: writes a second.
pub fn work(task: &Task, seconds: f64) -> Result<f64> {
    let peer = task.open()?;
    let values = Values::new(task.size);
    let start = Instant::now();
    let until = start + Duration::from_secs_f64(seconds);
    let writer = |first: u32| -> Result<u32> {
        let mut session = peer.session();
        let (mut value, mut done) = (values.buffer(), 0);
        while Instant::now() < until {
            // Each writer has records of its own.
            let n = first + done % task.records;
            values.fill(&mut value, n, 1);
            let set = session.set(&key(n), &value);
            // Ours has waited by then.
            let synced = set.and_then(|()| if task.peer == ALWAYS { Ok(()) } else { peer.sync() });
            synced.map_err(|failure| anyhow!("{failure}"))?;
            done += 1;
        }
        Ok(done)
    };
    let done = thread::scope(|scope| {
        let threads: Vec<_> = (0..task.threads as u32)
            .map(|n| scope.spawn(move || writer(n * task.records)))
            .collect();
        let joined = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("a writer panicked"))));
        joined.sum::<Result<u32>>()
    })?;
    let rate = f64::from(done) / start.elapsed().as_secs_f64();
    peer.close()?;
    Ok(rate)
}

pub fn run(settings: &Settings) -> Result<Page> {
    let chosen = settings.chosen(&[ALWAYS, REFERENCE, "tkrzw-crc32"]);
    let cases: Vec<_> = CASES.into_iter().filter(|(peer, _)| chosen.contains(peer)).collect();
    let mut rates: BTreeMap<(&str, usize), Vec<f64>> = BTreeMap::new();
    for round in 0..=settings.rounds {
        for &(peer, writers) in &cases {
            eprintln!("round {round}: {peer}, {writers} writers");
            let directory = tempfile::tempdir_in(settings.dir())?;
            let what = What::Sync { seconds: settings.seconds };
            let mut task = Task::new(what, peer, directory.path(), 10_000, SIZE);
            task.threads = writers;
            let rate = task.run()?;
            if round > 0 {
                rates.entry((peer, writers)).or_default().push(rate);
            }
        }
    }
    let mut page = Page::new("Writes that wait for the disk", settings);
    page.text(&format!(
        "Writes of {SIZE} bytes a second, each of them on the disk before the next one of its \
         writer. Of tchdb_like with sync=always; the others sync after each write (`tchdbsync`, \
         `HashDBM::Synchronize(true)`)."
    ));
    page.versions(&chosen);
    let mut table = Table::new(["database", "writers", "writes a second"]);
    for (peer, writers) in &cases {
        let rates = rates[&(*peer, *writers)].iter().copied();
        table.row(peer, [writers.to_string(), spread(rates, 0)]);
    }
    page.table(&table);
    let ratio = |one: (&'static str, usize), to: (&'static str, usize)| {
        let (one, to) = (rates.get(&one)?, rates.get(&to)?);
        Spread::of(one.iter().zip(to).map(|(one, to)| one / to).collect())
    };
    let mut table = Table::new(["tchdb_like, 32 writers, to", "times"]);
    for (name, to) in
        [("its own one writer", (ALWAYS, 1)), ("Tokyo Cabinet with 32", (REFERENCE, 32))]
    {
        if let Some(ratio) = ratio((ALWAYS, 32), to) {
            table.row(name, [format!("{:.1} ({:.1}..{:.1})", ratio.median, ratio.min, ratio.max)]);
        }
    }
    page.table(&table);
    Ok(page)
}
