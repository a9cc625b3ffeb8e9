//! What the log store promises beyond d-engine's suite.

#![allow(clippy::unwrap_used)] // a test may

mod common;

use common::{entry, frail};
use d_engine::{
    LogStore, MetaStore, StorageEngine,
    common::{Entry, LogId},
};
use kumo_d_engine::{Durability, KumoLogStore, KumoStorageEngine, Options, Plugin};
use proptest::prelude::*;
use std::{collections::BTreeMap, path::Path};

fn open(plugin: &Plugin, path: &Path) -> KumoLogStore {
    KumoLogStore::open(plugin, path, &Options::default()).expect("the log opens")
}

fn entries(range: std::ops::RangeInclusive<u64>, term: u64) -> Vec<Entry> {
    range.map(|index| entry(index, term, &format!("{index} of {term}"))).collect()
}

fn all(log: &KumoLogStore) -> Vec<Entry> {
    log.get_entries(0..=u64::MAX).expect("the log is read")
}

#[derive(Clone, Debug)]
enum Step {
    /// Append so many, or again from so far back.
    Persist {
        back: u64,
        count: u64,
    },
    Replace {
        back: u64,
        count: u64,
    },
    Truncate {
        back: u64,
    },
    Purge {
        of: u64,
    },
    Reset,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..40_u64, 0..600_u64).prop_map(|(back, count)| Step::Persist { back, count }),
        3 => (0..400_u64, 0..50_u64).prop_map(|(back, count)| Step::Replace { back, count }),
        2 => (0..400_u64).prop_map(|back| Step::Truncate { back }),
        2 => (0..300_u64).prop_map(|of| Step::Purge { of }),
        1 => Just(Step::Reset),
        2 => Just(Step::Reopen),
    ]
}

/// A log, and a map that does the same.
async fn play(plugin: Plugin, steps: Vec<Step>) {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(&plugin, directory.path());
    let mut model: BTreeMap<u64, Entry> = BTreeMap::new();
    let mut boundary = None;
    for (term, step) in (1..).zip(steps) {
        let first = model.keys().next().copied().unwrap_or(1);
        let next = model.keys().next_back().map_or(1, |last| last + 1);
        let from = |back: u64| next.saturating_sub(back).max(first);
        match step {
            Step::Persist { back, count } => {
                let new = entries(from(back)..=(from(back) + count).saturating_sub(1), term);
                log.persist_entries(new.clone()).await.unwrap();
                model.extend(new.into_iter().map(|entry| (entry.index, entry)));
            }
            Step::Replace { back, count } => {
                let new = entries(from(back)..=(from(back) + count).saturating_sub(1), term);
                log.replace_range(from(back), new.clone()).await.unwrap();
                model.retain(|index, _| *index < from(back));
                model.extend(new.into_iter().map(|entry| (entry.index, entry)));
            }
            Step::Truncate { back } => {
                log.truncate(from(back)).await.unwrap();
                model.retain(|index, _| *index < from(back));
            }
            Step::Purge { of } => {
                let cutoff = LogId { index: (first + of).min(next) - 1, term };
                log.purge(cutoff).await.unwrap();
                model.retain(|index, _| *index > cutoff.index);
                boundary = if cutoff.index == 0 { boundary } else { Some(cutoff) };
            }
            Step::Reset => {
                log.reset().await.unwrap();
                model.clear();
                boundary = None;
            }
            Step::Reopen => {
                drop(log);
                log = open(&plugin, directory.path());
            }
        }
        assert_eq!(log.last_index(), model.keys().next_back().copied().unwrap_or(0));
        assert_eq!(log.load_purge_boundary().unwrap(), boundary);
        let expected: Vec<Entry> = model.values().cloned().collect();
        assert_eq!(all(&log), expected);
        for index in [first, next - 1, next, next / 2] {
            assert_eq!(log.entry(index).await.unwrap(), model.get(&index).cloned());
        }
        let middle = next / 3..=next / 2;
        let part: Vec<Entry> = model.range(middle.clone()).map(|it| it.1.clone()).collect();
        assert_eq!(log.get_entries(middle).unwrap(), part);
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_map_does(steps in prop::collection::vec(step(), 1..30)) {
        run(play(Plugin::built_in().unwrap(), steps.clone()));
        // With a batch of the plugin's, and without any.
        if let Some(plugin) = common::tokyo_cabinet() {
            run(play(plugin, steps.clone()));
        }
        run(play(common::frail(), steps));
    }
}

/// Whatever write the process is killed at, a change is there whole or not at all.
#[tokio::test]
async fn a_kill_leaves_all_of_a_change_or_nothing() {
    let plugin = common::frail();
    for at in 0.. {
        let directory = tempfile::tempdir().unwrap();
        let log = open(&plugin, directory.path());
        log.persist_entries(entries(1..=600, 1)).await.unwrap();
        let before = all(&log);

        frail::allow_writes(directory.path(), Some(at));
        let done = log.replace_range(500, entries(500..=1200, 2)).await.is_ok();
        assert_eq!(log.flush().is_ok(), done, "what has failed stays so");
        drop(log);

        frail::allow_writes(directory.path(), None);
        let log = open(&plugin, directory.path());
        let found = all(&log);
        let after: Vec<Entry> =
            before[..499].iter().cloned().chain(entries(500..=1200, 2)).collect();
        // From the commit record on, it holds.
        let expected = if at == 0 { before } else { after };
        assert!(found == expected, "killed at write {at}: {} entries", found.len());
        assert_eq!(log.last_index(), expected.len() as u64);
        if done {
            break;
        }
    }
}

#[tokio::test]
async fn a_failure_stays_and_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options::default();
    let log = KumoLogStore::open(&common::frail(), directory.path(), &options).unwrap();
    log.persist_entries(entries(1..=10, 1)).await.unwrap();
    frail::allow_writes(directory.path(), Some(0));
    assert!(log.persist_entries(entries(11..=12, 1)).await.is_err());
    assert!(options.health.failed().await.contains("the disk is gone"));
    // The disk is back, but what d-engine believes may not be what is there.
    frail::allow_writes(directory.path(), None);
    assert!(log.persist_entries(entries(11..=12, 1)).await.is_err());
    assert!(log.get_entries(1..=10).is_err());
}

#[tokio::test]
async fn a_damaged_log_does_not_open() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(&common::frail(), directory.path());
    log.persist_entries(entries(1..=10, 1)).await.unwrap();
    drop(log);
    frail::damage(directory.path());
    let refused = KumoLogStore::open(&common::frail(), directory.path(), &Options::default());
    assert!(refused.unwrap_err().to_string().contains("damaged"));
}

/// As d-engine 0.2.4 does it: it purges from memory what it has not handed over, hands
/// over what follows, and the purge comes next.
#[tokio::test]
async fn a_gap_that_d_engine_leaves_is_purged_or_costs_what_is_behind_it() {
    let beside = entries(21..=30, 1);
    let within = [entries(11..=13, 1), entries(21..=30, 1)].concat();
    for (new, before) in [(beside, 10), (within, 13)] {
        let directory = tempfile::tempdir().unwrap();
        let mut log = open(&Plugin::built_in().unwrap(), directory.path());
        log.persist_entries(entries(1..=10, 1)).await.unwrap();
        log.persist_entries(new.clone()).await.unwrap();
        assert_eq!(log.last_index(), 30);
        log.purge(LogId { index: 20, term: 1 }).await.unwrap();
        for _ in 0..2 {
            assert_eq!(all(&log), entries(21..=30, 1));
            drop(log);
            log = open(&Plugin::built_in().unwrap(), directory.path());
        }

        // The node ends before the purge.
        log.reset().await.unwrap();
        log.persist_entries(entries(1..=10, 1)).await.unwrap();
        log.persist_entries(new).await.unwrap();
        log.persist_entries(entries(31..=32, 1)).await.unwrap();
        for _ in 0..2 {
            drop(log);
            log = open(&Plugin::built_in().unwrap(), directory.path());
            assert_eq!(all(&log), entries(1..=before, 1));
            assert_eq!(log.last_index(), before);
        }
    }
}

#[tokio::test]
async fn a_gap_that_nobody_left_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(&common::frail(), directory.path());
    for (range, command) in [(1..=1, "short"), (2..=2, "this is the longest"), (3..=3, "short")] {
        let new = range.map(|index| entry(index, 1, command)).collect();
        log.persist_entries(new).await.unwrap();
    }
    drop(log);
    frail::lose(directory.path());
    let refused = KumoLogStore::open(&common::frail(), directory.path(), &Options::default());
    assert!(refused.unwrap_err().to_string().contains("does not go on from entry 1"));
}

#[tokio::test]
async fn it_has_one_owner_and_the_metadata_are_a_database_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = Plugin::built_in().unwrap();
    let open = || KumoStorageEngine::open(&plugin, directory.path(), &Options::default());
    let engine = open().unwrap();
    assert!(open().unwrap_err().to_string().contains("in use"));
    engine.log_store().persist_entries(entries(1..=3, 1)).await.unwrap();
    let state = d_engine::HardState { current_term: 9, voted_for: None };
    engine.meta_store().save_hard_state(&state).unwrap();
    drop(engine);

    std::fs::remove_dir_all(directory.path().join("log")).unwrap();
    let engine = open().unwrap();
    assert_eq!(engine.log_store().last_index(), 0);
    let found = engine.meta_store().load_hard_state().unwrap().unwrap();
    assert_eq!(found.current_term, 9);
}

#[test]
fn d_engine_flushes_unless_power_does_not_matter() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = Plugin::built_in().unwrap();
    for (durability, durable) in [(Durability::Disk, false), (Durability::Process, true)] {
        let options = Options { durability, ..Options::default() };
        let log = KumoLogStore::open(&plugin, directory.path(), &options).unwrap();
        assert_eq!(log.is_write_durable(), durable);
    }
}
