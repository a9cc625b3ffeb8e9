//! The table: every operation, on every database, in turns.

use crate::{
    Settings,
    child::{Task, What},
    peers::{OURS, REFERENCE},
    reopen,
    report::{Page, Table, spread},
};
use anyhow::{Context, Result, bail};
use kumo::bench::{KEY_SIZE, Orders, Phase, Round, Spread, Values};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::Path};

const PEERS: [&str; 10] = [
    OURS,
    "tchdb_like-interval",
    REFERENCE,
    "tkrzw",
    "tkrzw-crc32",
    "kyotocabinet",
    "lmdb",
    "rocksdb",
    "redb",
    "fjall",
];

/// What one round came to.
#[derive(Serialize, Deserialize)]
pub struct Round1 {
    /// Records a second, for each phase.
    pub rates: Vec<f64>,
    /// Bytes of memory of the process for each record, mapped files not counted.
    memory: f64,
}

/// The child's side.
pub fn work(task: &Task) -> Result<Round1> {
    // What the measurement itself takes is there before.
    let orders = Orders::new(task.records);
    let values = Values::new(task.size);
    let before = memory()?;
    let peer = task.open()?;
    let round = Round { target: &*peer, orders: &orders, values: &values, threads: task.threads };
    let records = f64::from(task.records);
    let (mut rates, mut held) = (Vec::new(), 0.0);
    for phase in Phase::ALL {
        rates.push(round.rate(phase)?);
        if phase == Phase::Load {
            held = memory()?.saturating_sub(before) as f64 / records;
        }
    }
    peer.close()?;
    Ok(Round1 { rates, memory: held })
}

/// The child's side: bytes of disk for each record, beside key and value, after
/// loading and a sync. Apart from the rest, since behind a sync every first store
/// to a page of a mapping is paid for once more.
pub fn disk(task: &Task) -> Result<f64> {
    let peer = reopen::load(task)?;
    peer.sync().map_err(|failure| anyhow::anyhow!("{failure}"))?;
    let records = f64::from(task.records);
    let disk = bytes_of(&task.directory)? as f64 / records - (KEY_SIZE + task.size) as f64;
    peer.close()?;
    Ok(disk)
}

/// The bytes of this process's memory that are not of a file.
fn memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")).context("no RssAnon")?;
    Ok(kib.parse::<u64>()? * 1024)
}

/// The bytes of disk of all files in a directory.
pub fn bytes_of(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { bytes_of(&entry.path())? } else { about.blocks() * 512 };
    }
    Ok(bytes)
}

pub fn run(settings: &Settings) -> Result<Page> {
    let peers = settings.chosen(&PEERS);
    if peers.is_empty() {
        bail!("no database is left to measure");
    }
    let mut page = Page::new("Every operation, in turns", settings);
    page.text(
        "Millions of records a second, and how many times as fast as Tokyo Cabinet, \
         both as medians of the rounds, with the least and the most. All of them \
         promise the same: what was written outlives the process, not a loss of power \
         (tchdb_like-interval, the default, promises that too, but for the last second). \
         Every value that is read is compared with what was stored. Of Tokyo Cabinet, a \
         get returns a copy; the others are read where the value is, if their API allows it. \
         get_16 asks for 16 keys at a time, for each key; where there is no such call, one \
         after the other. No sync falls between the phases; disk is measured after a load of \
         its own, and a sync.",
    );
    page.versions(&peers);
    for &size in &settings.sizes {
        let records = if size > 512 { settings.records / 2 } else { settings.records };
        let parts: Vec<(usize, Results)> = settings
            .threads
            .iter()
            .map(|&threads| {
                Ok((threads, part(settings, &mut page, &peers, size, records, threads)?))
            })
            .collect::<Result<_>>()?;
        if let Some(((first, one), others)) = parts.split_first() {
            for (threads, many) in others {
                page.heading(&format!("{size}-byte values, {threads} thread(s) to {first}"));
                page.table(&scaling(&peers, one, many));
            }
        }
    }
    Ok(page)
}

/// The rounds of each database.
type Results = BTreeMap<&'static str, Vec<Round1>>;

/// How many times as fast each is with many threads as with one. They were not
/// measured in the same rounds.
fn scaling(peers: &[&'static str], one: &Results, many: &Results) -> Table {
    let phases = Phase::ALL.map(Phase::name);
    let mut table = Table::new(["times its own"].into_iter().chain(phases));
    for &peer in peers {
        let ratios = |phase: usize| {
            let both = many[peer].iter().zip(&one[peer]);
            spread(both.map(|(many, one)| many.rates[phase] / one.rates[phase]), 2)
        };
        table.row(peer, (0..phases.len()).map(ratios));
    }
    table
}

fn part(
    settings: &Settings,
    page: &mut Page,
    peers: &[&'static str],
    size: usize,
    records: u32,
    threads: usize,
) -> Result<Results> {
    let mut all = Results::new();
    let mut disks = BTreeMap::new();
    for &peer in peers {
        let directory = tempfile::tempdir_in(settings.dir())?;
        let task = Task::new(What::Disk, peer, directory.path(), records, size);
        disks.insert(peer, task.run::<f64>()?);
    }
    for round in 0..=settings.rounds {
        for &peer in peers {
            eprintln!("{size} B, {threads} threads, round {round}: {peer}");
            let directory = tempfile::tempdir_in(settings.dir())?;
            let mut task = Task::new(What::Table, peer, directory.path(), records, size);
            task.threads = threads;
            let result = task.run()?;
            if round > 0 {
                all.entry(peer).or_default().push(result);
            }
        }
    }
    page.heading(&format!("{size}-byte values, {threads} thread(s), {records} records"));
    let phases = Phase::ALL.map(Phase::name);
    let rates = |peer: &str, phase: usize| -> Vec<f64> {
        all[peer].iter().map(|result| result.rates[phase]).collect()
    };

    let mut table = Table::new(["millions a second"].into_iter().chain(phases));
    for &peer in peers {
        let rate = |phase| spread(rates(peer, phase).iter().map(|rate| rate / 1e6), 2);
        table.row(peer, (0..phases.len()).map(rate));
    }
    page.table(&table);

    if peers.contains(&REFERENCE) {
        let mut table = Table::new(["times Tokyo Cabinet"].into_iter().chain(phases));
        let mut bars = Vec::new();
        for &peer in peers.iter().filter(|peer| **peer != REFERENCE) {
            let ratios = |phase| {
                let both = rates(peer, phase).into_iter().zip(rates(REFERENCE, phase));
                both.map(|(rate, to)| rate / to).collect::<Vec<_>>()
            };
            table.row(peer, (0..phases.len()).map(|phase| spread(ratios(phase), 2)));
            let median = |phase| Spread::of(ratios(phase)).map_or(0.0, |spread| spread.median);
            bars.push((peer, (0..phases.len()).map(median).collect::<Vec<_>>()));
        }
        page.table(&table);
        let title = format!("times Tokyo Cabinet: {size}-byte values, {threads} thread(s)");
        page.chart(&format!("{size}-{threads}"), &title, &phases, &bars);
    }

    let mut table = Table::new(["bytes a record", "disk beyond key and value", "memory"]);
    for &peer in peers {
        let memory = spread(all[peer].iter().map(|result| result.memory), 1);
        table.row(peer, [format!("{:.1}", disks[peer]), memory]);
    }
    page.table(&table);
    Ok(all)
}
