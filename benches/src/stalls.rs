//! How long single writes take, the longest above all.

use crate::{
    Settings,
    child::{Task, What},
    peers::{OURS, REFERENCE},
    report::{Page, Table, spread},
};
use anyhow::{Result, anyhow};
use kumo::bench::{Orders, Values, key};
use std::time::Instant;

const SIZE: usize = 32;
/// Of every so many writes, one may take longer.
const SHARES: [(&str, usize); 4] =
    [("median", 2), ("p99", 100), ("p99.9", 1000), ("p99.99", 10_000)];

/// The child's side: microseconds, of loading and of overwriting, for each of
/// the shares, and the longest.
pub fn work(task: &Task) -> Result<[Vec<f64>; 2]> {
    let orders = Orders::new(task.records);
    let values = Values::new(task.size);
    let peer = task.open()?;
    let mut session = peer.session();
    let mut value = values.buffer();
    let mut pass = |order: &[u32], version| -> Result<Vec<f64>> {
        let mut took = Vec::with_capacity(order.len());
        for &n in order {
            values.fill(&mut value, n, version);
            let start = Instant::now();
            session.set(&key(n), &value).map_err(|failure| anyhow!("{failure}"))?;
            took.push(u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX));
        }
        took.sort_unstable();
        let above = |share: usize| took[took.len() - 1 - took.len() / share];
        let longest = took[took.len() - 1];
        let all = SHARES.iter().map(|(_, share)| above(*share)).chain([longest]);
        Ok(all.map(|nanoseconds| f64::from(nanoseconds) / 1e3).collect())
    };
    let results = [pass(&orders.load, 1)?, pass(&orders.overwrite, 2)?];
    drop(session);
    peer.close()?;
    Ok(results)
}

pub fn run(settings: &Settings) -> Result<Page> {
    let records = settings.many / 5 * 2;
    let chosen = settings.chosen(&[OURS, "tchdb_like-interval", REFERENCE]);
    let mut page = Page::new("Stalls", settings);
    page.text(&format!(
        "Microseconds that a write takes, by one thread: {records} records of {SIZE} bytes are \
         stored, and then overwritten. The longest is of all of them, so what else the machine \
         does is in it; the least of the rounds says most."
    ));
    page.versions(&chosen);
    let header = ["database", "writes"].into_iter().chain(SHARES.map(|(name, _)| name));
    let mut table = Table::new(header.chain(["longest"]));
    let mut all = vec![[vec![], vec![]]; chosen.len()];
    for round in 0..=settings.rounds {
        for (peer, all) in chosen.iter().zip(&mut all) {
            eprintln!("round {round}: {peer}");
            let directory = tempfile::tempdir_in(settings.dir())?;
            let task = Task::new(What::Stalls, peer, directory.path(), records, SIZE);
            let both: [Vec<f64>; 2] = task.run()?;
            if round > 0 {
                all.iter_mut().zip(both).for_each(|(all, one)| all.push(one));
            }
        }
    }
    for (peer, all) in chosen.iter().zip(all) {
        for (name, rounds) in ["load", "overwrite"].into_iter().zip(all) {
            let cell = |n: usize| spread(rounds.iter().map(|round| round[n]), 1);
            let cells = (0..=SHARES.len()).map(cell);
            table.row(peer, [name.to_owned()].into_iter().chain(cells));
        }
    }
    page.table(&table);
    Ok(page)
}
