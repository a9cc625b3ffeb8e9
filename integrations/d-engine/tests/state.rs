//! What the state machine promises beyond d-engine's suite.

#![allow(clippy::unwrap_used)] // a test may

mod common;

use bytes::Bytes;
use common::frail;
use d_engine::{
    ApplyEntry, ApplyResult, Command, StateMachine, common::LogId, server_storage::SnapshotMetadata,
};
use kumo_d_engine::{KumoStateMachine, Options, Plugin};
use std::{fs, path::Path};

fn open(plugin: &Plugin, path: &Path) -> KumoStateMachine {
    KumoStateMachine::open(plugin, path, &Options::default()).expect("the state opens")
}

fn built_in() -> Plugin {
    Plugin::built_in().unwrap()
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn insert(index: u64, key: &str, value: &str) -> ApplyEntry {
    let command = Command::Insert { key: bytes(key), value: bytes(value), ttl_secs: None };
    ApplyEntry { index, term: 1, command }
}

fn swap(index: u64, key: &str, expected: Option<&str>, value: &str) -> ApplyEntry {
    let expected = expected.map(bytes);
    let command = Command::CompareAndSwap { key: bytes(key), expected, value: bytes(value) };
    ApplyEntry { index, term: 1, command }
}

fn delete(index: u64, key: &str) -> ApplyEntry {
    ApplyEntry { index, term: 1, command: Command::Delete { key: bytes(key) } }
}

/// All keys and values.
fn all(state: &KumoStateMachine) -> Vec<(Bytes, Bytes)> {
    state.scan_prefix(b"").unwrap().entries
}

#[tokio::test]
async fn an_entry_that_comes_again_is_answered_and_not_applied() {
    let directory = tempfile::tempdir().unwrap();
    let state = open(&built_in(), directory.path());
    let chunk = [
        swap(1, "a", None, "1"),
        swap(2, "a", None, "2"),
        swap(3, "a", Some("1"), "3"),
        insert(4, "b", "4"),
    ];
    let answers = state.apply_chunk(&chunk).await.unwrap();
    let said = |answers: &[ApplyResult]| -> Vec<bool> {
        answers.iter().map(|answer| answer.succeeded).collect()
    };
    assert_eq!(said(&answers), [true, false, true, true]);

    // Applied again, the first would succeed now, and the second undo the third.
    state.apply_chunk(&[delete(5, "a")]).await.unwrap();
    let again: Vec<_> = chunk.iter().cloned().chain([swap(6, "a", None, "6")]).collect();
    let answers = state.apply_chunk(&again).await.unwrap();
    assert_eq!(said(&answers), [true, false, true, true, true]);
    assert_eq!(answers.iter().map(|answer| answer.index).collect::<Vec<_>>(), [1, 2, 3, 4, 6]);
    assert_eq!(state.get(b"a").unwrap(), Some(bytes("6")));
    assert_eq!(state.last_applied(), LogId { index: 6, term: 1 });

    // In the next life too.
    drop(state);
    let state = open(&built_in(), directory.path());
    state.apply_chunk(&[delete(5, "a"), swap(6, "a", Some("6"), "7")]).await.unwrap();
    assert_eq!(state.get(b"a").unwrap(), Some(bytes("6")));
    assert_eq!(state.len(), 2);
}

#[tokio::test]
async fn what_is_missing_stops_the_node() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options::default();
    let state = KumoStateMachine::open(&built_in(), directory.path(), &options).unwrap();
    state.apply_chunk(&[insert(1, "a", "1")]).await.unwrap();
    assert!(state.apply_chunk(&[insert(3, "a", "3")]).await.unwrap_err().is_fatal());
    assert!(options.health.failed().await.contains("missing"));
    assert!(state.apply_chunk(&[insert(2, "a", "2")]).await.is_err());
}

/// Whatever write the process is killed at, a chunk is applied whole or not at all,
/// and the state says which.
#[tokio::test]
async fn a_kill_leaves_all_of_a_chunk_or_nothing() {
    let plugin = common::frail();
    let first = [insert(1, "a", "1"), insert(2, "b", "2"), insert(3, "c", "3")];
    let second = [delete(4, "a"), insert(5, "b", "5"), swap(6, "d", None, "6")];
    for at in 0.. {
        let directory = tempfile::tempdir().unwrap();
        let state = open(&plugin, directory.path());
        state.apply_chunk(&first).await.unwrap();
        frail::allow_writes(directory.path(), Some(at));
        let done = state.apply_chunk(&second).await.is_ok();
        drop(state);

        frail::allow_writes(directory.path(), None);
        let state = open(&plugin, directory.path());
        let (applied, keys) = (state.last_applied().index, all(&state));
        let old = [("a", "1"), ("b", "2"), ("c", "3")];
        let new = [("b", "5"), ("c", "3"), ("d", "6")];
        let expected = if at == 0 { (3, old) } else { (6, new) };
        let expected = (expected.0, expected.1.map(|(key, value)| (bytes(key), bytes(value))));
        assert_eq!((applied, &keys[..]), (expected.0, &expected.1[..]), "killed at write {at}");
        if done {
            break;
        }
    }
}

/// The executables of this package offer the zone's functions, as the host's do.
#[tokio::test]
async fn a_plugin_that_was_built_with_msgpack_is_loaded() {
    let Some(plugin) = common::memhash_on_msgpack() else { return };
    let directory = tempfile::tempdir().unwrap();
    let state = open(&plugin, directory.path());
    state.apply_chunk(&[insert(1, "a", "1")]).await.unwrap();
    assert_eq!(state.get(b"a").unwrap(), Some(bytes("1")));
}

#[tokio::test]
async fn terms_are_known_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let state = open(&built_in(), directory.path());
    let noop = |index, term| ApplyEntry { index, term, command: Command::Noop };
    state.apply_chunk(&[noop(1, 2), noop(2, 2), noop(3, 5)]).await.unwrap();
    state.apply_chunk(&[noop(4, 5), noop(5, 7)]).await.unwrap();
    drop(state);
    let state = open(&built_in(), directory.path());
    let terms: Vec<_> = (0..=6).map(|index| state.entry_term(index)).collect();
    assert_eq!(terms, [None, Some(2), Some(2), Some(5), Some(5), Some(7), None]);
    assert_eq!(state.len(), 0);
}

#[tokio::test]
async fn a_key_that_is_to_expire_stays() {
    let directory = tempfile::tempdir().unwrap();
    let state = open(&built_in(), directory.path());
    let command = Command::Insert { key: bytes("a"), value: bytes("1"), ttl_secs: Some(1) };
    let answers = state.apply_chunk(&[ApplyEntry { index: 1, term: 1, command }]).await.unwrap();
    assert_eq!(answers, [ApplyResult::success(1)]);
    assert_eq!(state.get(b"a").unwrap(), Some(bytes("1")));
    assert_eq!(state.lease_background_cleanup().await.unwrap(), Vec::<Bytes>::new());
}

/// A state with some keys, and a snapshot of it in `directory/snapshot`.
async fn with_snapshot(plugin: &Plugin, directory: &Path) -> (KumoStateMachine, SnapshotMetadata) {
    let state = open(plugin, &directory.join("source"));
    state.apply_chunk(&[insert(1, "a", "1"), insert(2, "b", "2")]).await.unwrap();
    state.apply_chunk(&[insert(3, "c", "3")]).await.unwrap();
    let last_included = LogId { index: 2, term: 1 };
    let checksum =
        state.generate_snapshot_data(directory.join("snapshot"), last_included).await.unwrap();
    (state, SnapshotMetadata { last_included: Some(last_included), checksum })
}

#[tokio::test]
async fn a_snapshot_says_what_it_holds_and_is_not_applied_again() {
    for plugin in [Some(built_in()), common::tokyo_cabinet(), Some(common::memhash())] {
        let Some(plugin) = plugin else { continue };
        let directory = tempfile::tempdir().unwrap();
        let (source, snapshot) = with_snapshot(&plugin, directory.path()).await;
        let state = open(&plugin, &directory.path().join("target"));
        state.apply_chunk(&[insert(1, "old", "1")]).await.unwrap();
        let from = directory.path().join("snapshot");
        state.apply_snapshot_from_file(&snapshot, from).await.unwrap();
        assert_eq!(all(&state), all(&source));
        // It was taken behind entry 3, although the log goes on from 2.
        assert_eq!(state.last_applied().index, 3);
        assert_eq!(state.snapshot_metadata(), Some(snapshot));
        state.apply_chunk(&[insert(3, "c", "again"), insert(4, "d", "4")]).await.unwrap();
        assert_eq!(state.get(b"c").unwrap(), Some(bytes("3")));
        assert_eq!(state.get(b"d").unwrap(), Some(bytes("4")));
    }
}

#[tokio::test]
async fn a_damaged_snapshot_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (_source, snapshot) = with_snapshot(&built_in(), directory.path()).await;
    let from = directory.path().join("snapshot");
    let target = directory.path().join("target");
    let state = open(&built_in(), &target);
    state.apply_chunk(&[insert(1, "old", "1")]).await.unwrap();

    let file = from.join("state");
    let whole = fs::read(&file).unwrap();
    for (what, content) in [
        ("cut", whole[..whole.len() - 1].to_vec()),
        ("changed", {
            let mut changed = whole.clone();
            changed[whole.len() / 2] ^= 1;
            changed
        }),
        ("empty", Vec::new()),
    ] {
        fs::write(&file, content).unwrap();
        assert!(state.apply_snapshot_from_file(&snapshot, from.clone()).await.is_err(), "{what}");
    }
    fs::write(&file, whole).unwrap();
    for wrong in [
        SnapshotMetadata { checksum: Bytes::new(), ..snapshot.clone() },
        SnapshotMetadata { checksum: Bytes::from(vec![0; 32]), ..snapshot.clone() },
        SnapshotMetadata { last_included: None, ..snapshot.clone() },
        // It does not hold what it says.
        SnapshotMetadata { last_included: Some(LogId { index: 9, term: 1 }), ..snapshot.clone() },
    ] {
        assert!(state.apply_snapshot_from_file(&wrong, from.clone()).await.is_err());
    }
    assert_eq!(all(&state), [(bytes("old"), bytes("1"))]);
    // None of it has stopped the node, nor is anything left over.
    state.apply_chunk(&[insert(2, "new", "2")]).await.unwrap();
    let databases =
        fs::read_dir(&target).unwrap().filter(|it| it.as_ref().unwrap().path().is_dir());
    assert_eq!(databases.count(), 1);
    state.apply_snapshot_from_file(&snapshot, from).await.unwrap();
    drop(state);
    assert_eq!(open(&built_in(), &target).last_applied().index, 3);
}

#[tokio::test]
async fn a_snapshot_that_comes_late_does_not_take_the_state_back() {
    let directory = tempfile::tempdir().unwrap();
    let (source, snapshot) = with_snapshot(&built_in(), directory.path()).await;
    source.apply_chunk(&[insert(4, "d", "4")]).await.unwrap();
    let from = directory.path().join("snapshot");
    source.apply_snapshot_from_file(&snapshot, from).await.unwrap();
    assert_eq!(source.last_applied().index, 4);
    assert_eq!(source.get(b"d").unwrap(), Some(bytes("4")));
}

#[tokio::test]
async fn what_a_kill_leaves_of_a_replacement_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let state = open(&built_in(), directory.path());
    state.apply_chunk(&[insert(1, "a", "1")]).await.unwrap();
    drop(state);
    // Killed before the switch: a copy, half written, and the switch's file.
    fs::create_dir(directory.path().join("1")).unwrap();
    fs::write(directory.path().join("1/state"), "half a cop").unwrap();
    fs::write(directory.path().join("CURRENT.tmp"), "1\n").unwrap();
    let state = open(&built_in(), directory.path());
    assert_eq!(state.get(b"a").unwrap(), Some(bytes("1")));
    assert!(!directory.path().join("1").exists());
    // Killed behind it: the old state is there still.
    state.reset().await.unwrap();
    drop(state);
    fs::create_dir(directory.path().join("0")).unwrap();
    let state = open(&built_in(), directory.path());
    assert_eq!((state.last_applied().index, state.len()), (0, 0));
    assert!(!directory.path().join("0").exists());
}

#[tokio::test]
async fn prefixes_are_scanned_with_the_entry_that_they_are_of() {
    let directory = tempfile::tempdir().unwrap();
    let state = open(&built_in(), directory.path());
    let chunk = [insert(1, "x/2", "2"), insert(2, "y", "3"), insert(3, "x/1", "1")];
    state.apply_chunk(&chunk).await.unwrap();
    let found = state.scan_prefix(b"x/").unwrap();
    assert_eq!(found.entries, [(bytes("x/1"), bytes("1")), (bytes("x/2"), bytes("2"))]);
    assert_eq!(found.revision, 3);
}
