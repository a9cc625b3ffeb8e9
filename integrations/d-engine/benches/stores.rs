//! Measures the stores against the targets that d-engine's guides name.
//!
//! `cargo bench --bench stores -- [PLUGIN...]`: paths or names of plugins; the
//! built-in engine comes first. Each figure is the median of 11 rounds, each on new
//! databases.

#![allow(missing_docs)]

use anyhow::{Context, Result};
use bytes::Bytes;
use d_engine::{
    ApplyEntry, Command, LogStore, StateMachine,
    common::{Entry, EntryPayload, LogId, entry_payload::Payload},
};
use kumo_d_engine::{Durability, KumoLogStore, KumoStateMachine, Options, Plugin};
use std::{
    env,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

const ROUNDS: usize = 11;
const MANY: u64 = 10_000;

/// What is measured, the target, and the figures of all rounds.
type Figures = Vec<(&'static str, &'static str, Vec<Duration>)>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut plugins = vec![Plugin::built_in()?];
    for name in env::args().skip(1).filter(|argument| !argument.starts_with("--")) {
        plugins.push(Plugin::load(&name)?);
    }
    let place = env::var_os("KUMO_BENCH_DIR").unwrap_or_else(|| env::temp_dir().into());
    for plugin in plugins {
        for durability in [Durability::Disk, Durability::Process] {
            let mut figures = Figures::new();
            for _ in 0..ROUNDS {
                let directory = tempfile::tempdir_in(&place)?;
                let options = Options { durability, ..Options::default() };
                let mut round = Round { figures: &mut figures };
                round.log(&plugin, directory.path(), &options).await?;
                round.state(&plugin, directory.path(), &options).await?;
            }
            println!("\n{}, durability: {durability:?}\n", plugin.name());
            println!("| | target | median | best | worst |\n|---|---|---|---|---|");
            for (what, target, mut times) in figures {
                times.sort();
                let (best, worst) = (times[0], times[times.len() - 1]);
                let median = times[times.len() / 2];
                println!("| {what} | {target} | {median:.2?} | {best:.2?} | {worst:.2?} |");
            }
        }
    }
    Ok(())
}

struct Round<'a> {
    figures: &'a mut Figures,
}

impl Round<'_> {
    fn note(&mut self, what: &'static str, target: &'static str, time: Duration) {
        match self.figures.iter_mut().find(|it| it.0 == what) {
            Some(it) => it.2.push(time),
            None => self.figures.push((what, target, vec![time])),
        }
    }

    async fn log(&mut self, plugin: &Plugin, directory: &Path, options: &Options) -> Result<()> {
        let log = KumoLogStore::open(plugin, &directory.join("log"), options)?;

        let batches: Vec<_> = (0..1000).map(|it| entries(it * 100 + 1, 100)).collect();
        let begin = Instant::now();
        for batch in batches {
            log.persist_entries(batch).await?;
        }
        self.note("100,000 entries written, 100 at a time", "1 s", begin.elapsed());
        log.flush()?;

        let begin = Instant::now();
        log.reset().await?;
        self.note("reset of 100,000", "1 s", begin.elapsed());

        let all = entries(1, MANY);
        let begin = Instant::now();
        log.persist_entries(all).await?;
        self.note("10,000 entries written at once", "1 s", begin.elapsed());

        let begin = Instant::now();
        log.flush()?;
        self.note("flush of them", "", begin.elapsed());

        let begin = Instant::now();
        for index in 1..=MANY {
            black_box(log.entry(index * 7919 % MANY + 1).await?).context("an entry")?;
        }
        self.note("one entry read", "1 ms", begin.elapsed() / MANY as u32);

        let begin = Instant::now();
        let found = black_box(log.get_entries(1..=MANY)?);
        self.note("10,000 entries read", "1 ms", begin.elapsed());
        anyhow::ensure!(found.len() as u64 == MANY);
        drop(found);

        let begin = Instant::now();
        for _ in 0..MANY {
            black_box(log.last_index());
        }
        self.note("last_index", "100 us", begin.elapsed() / MANY as u32);

        let begin = Instant::now();
        log.truncate(1).await?;
        self.note("truncate of 10,000", "100 ms", begin.elapsed());
        log.persist_entries(entries(1, MANY + 1)).await?;
        let begin = Instant::now();
        log.purge(LogId { index: MANY, term: 1 }).await?;
        self.note("purge of 10,000", "100 ms", begin.elapsed());
        log.reset().await?;

        // As a slow trickle leaves them: one by one.
        for index in 1..=MANY {
            log.persist_entries(entries(index, 1)).await?;
        }
        let begin = Instant::now();
        black_box(log.get_entries(1..=MANY)?);
        self.note("10,000 entries read that were written one by one", "", begin.elapsed());
        let begin = Instant::now();
        log.purge(LogId { index: MANY, term: 1 }).await?;
        self.note("purge of them", "100 ms", begin.elapsed());

        let begin = Instant::now();
        for index in 1..=100 {
            log.persist_entries(entries(MANY + index, 1)).await?;
            log.flush()?;
        }
        self.note("one entry written and flushed", "", begin.elapsed() / 100);
        Ok(())
    }

    async fn state(&mut self, plugin: &Plugin, directory: &Path, options: &Options) -> Result<()> {
        let state = KumoStateMachine::open(plugin, directory.join("state"), options)?;
        let chunk: Vec<_> = (1..=MANY).map(insert).collect();
        let begin = Instant::now();
        state.apply_chunk(&chunk).await?;
        self.note("10,000 entries applied at once", "1 s", begin.elapsed());

        let chunk: Vec<_> = (MANY + 1..=2 * MANY).map(insert).collect();
        let begin = Instant::now();
        for part in chunk.chunks(100) {
            state.apply_chunk(part).await?;
        }
        self.note("10,000 entries applied, 100 at a time", "", begin.elapsed());

        let keys: Vec<_> = (1..=MANY).map(key).collect();
        let begin = Instant::now();
        for key in &keys {
            black_box(state.get(key)?).context("a value")?;
        }
        self.note("one key read", "", begin.elapsed() / MANY as u32);

        let begin = Instant::now();
        let last = LogId { index: 2 * MANY, term: 1 };
        state.generate_snapshot_data(directory.join("snapshot"), last).await?;
        self.note("a snapshot of 20,000 keys", "", begin.elapsed());
        let snapshot = state.snapshot_metadata().context("a snapshot")?;
        let begin = Instant::now();
        state.apply_snapshot_from_file(&snapshot, directory.join("snapshot")).await?;
        self.note("it takes the place of the state", "", begin.elapsed());
        let begin = Instant::now();
        state.reset().await?;
        self.note("reset of 20,000 keys", "", begin.elapsed());
        Ok(())
    }
}

/// Entries with a command of about 60 bytes.
fn entries(first: u64, count: u64) -> Vec<Entry> {
    let entry = |index| {
        let payload = Payload::Command(Bytes::from(format!("{index:>60}")));
        Entry { index, term: 1, payload: Some(EntryPayload { payload: Some(payload) }) }
    };
    (first..first + count).map(entry).collect()
}

fn key(index: u64) -> Bytes {
    Bytes::from(format!("key {index}"))
}

fn insert(index: u64) -> ApplyEntry {
    let value = Bytes::from(format!("{index:>60}"));
    let command = Command::Insert { key: key(index), value, ttl_secs: None };
    ApplyEntry { index, term: 1, command }
}
