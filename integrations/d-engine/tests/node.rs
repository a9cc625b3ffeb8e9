//! A node whose stores fail.

#![allow(clippy::unwrap_used)] // a test may

mod common;

use common::frail;
use d_engine::EmbeddedEngine;
use kumo_d_engine::{Health, KumoStateMachine, KumoStorageEngine, Options};
use std::{fs, net::TcpListener, path::Path, sync::Arc, time::Duration};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// The only node of a cluster.
async fn node(directory: &Path) -> (EmbeddedEngine, Health) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = directory.display();
    let config = directory.join("node.toml");
    let text = format!(
        "[cluster]\n\
         node_id = 1\n\
         listen_address = '127.0.0.1:{port}'\n\
         initial_cluster = [{{ id = 1, address = '127.0.0.1:{port}', role = 1, status = 3 }}]\n\
         db_root_dir = '{home}/d-engine'\n\
         log_dir = '{home}/log'\n\
         [raft.snapshot]\n\
         snapshots_dir = '{home}/snapshots'\n"
    );
    fs::write(&config, text).unwrap();
    let (plugin, options) = (common::frail(), Options::default());
    let storage = KumoStorageEngine::open(&plugin, directory.join("raft"), &options).unwrap();
    let state = KumoStateMachine::open(&plugin, directory.join("state"), &options).unwrap();
    let config = config.to_str().unwrap();
    let engine = EmbeddedEngine::start_custom(Arc::new(storage), Arc::new(state), Some(config));
    let engine = engine.await.unwrap();
    engine.wait_ready(PATIENCE).await.unwrap();
    engine.client().put(b"before", b"1").await.unwrap();
    (engine, options.health)
}

/// d-engine 0.2.4 only logs what the log store says: nothing is acknowledged any
/// more, and the program is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_stops_it() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, health) = node(directory.path()).await;
    frail::allow_writes(&directory.path().join("raft"), Some(0));
    let client = engine.client();
    let mut write = tokio::spawn(async move { client.put(b"after", b"1").await });
    let reason = tokio::select! {
        reason = health.failed() => reason,
        outcome = &mut write => panic!("it was answered before the log failed: {outcome:?}"),
        () = tokio::time::sleep(PATIENCE) => panic!("nobody was told"),
    };
    assert!(reason.contains("the disk is gone"), "{reason}");
    // How d-engine ends then is its own matter; that it ends is ours.
    let _ = timeout(PATIENCE, engine.stop()).await.expect("it stops");
    let outcome = timeout(PATIENCE, write).await.expect("the write is answered").unwrap();
    assert!(outcome.is_err(), "a write was acknowledged that is nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_cannot_be_written_stops_it() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, health) = node(directory.path()).await;
    frail::allow_writes(&directory.path().join("state"), Some(0));
    let outcome = timeout(PATIENCE, engine.client().put(b"after", b"1")).await;
    let reason = timeout(PATIENCE, health.failed()).await.expect("somebody is told");
    assert!(reason.contains("the disk is gone"), "{reason}");
    // It is committed, so it may be acknowledged; it is applied at the next start.
    drop(outcome);
    let _ = timeout(PATIENCE, engine.stop()).await.expect("it stops");
    drop(engine);
    frail::allow_writes(directory.path(), None);
    let (engine, _) = node(directory.path()).await;
    let found = engine.client().get_linearizable(b"after").await.unwrap();
    assert_eq!(found.as_deref(), Some(&b"1"[..]));
    engine.stop().await.unwrap();
}
