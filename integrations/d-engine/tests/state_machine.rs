//! d-engine's own suite for state machines, over three plugins.

#![allow(clippy::unwrap_used)] // a test may

mod common;

use async_trait::async_trait;
use d_engine::{
    Error, StateMachine,
    state_machine_test::{StateMachineBuilder, StateMachineTestSuite as Suite},
};
use kumo_d_engine::{KumoStateMachine, Options, Plugin};
use parking_lot::Mutex;
use std::sync::Arc;
use tempfile::TempDir;

/// The builds of `run_all_tests` that open the database of the build before, to see
/// what has survived. The others begin a test, at entry 1, which is applied once in
/// the life of a database: so each has a new one.
const REOPEN: [usize; 4] = [9, 11, 13, 15];

struct Builder {
    plugin: Plugin,
    reopen: &'static [usize],
    // The last one is that of the last build.
    directories: Mutex<Vec<TempDir>>,
    builds: Mutex<usize>,
}

impl Builder {
    fn new(plugin: Plugin, reopen: &'static [usize]) -> Self {
        Self { plugin, reopen, directories: Mutex::default(), builds: Mutex::default() }
    }
}

#[async_trait]
impl StateMachineBuilder for Builder {
    async fn build(&self) -> Result<Arc<dyn StateMachine>, Error> {
        let mut builds = self.builds.lock();
        let mut directories = self.directories.lock();
        *builds += 1;
        if !self.reopen.contains(&builds) {
            directories.push(TempDir::new().expect("a directory"));
        }
        let path = directories.last().expect("it was made").path();
        let state = KumoStateMachine::open(&self.plugin, path, &Options::default())?;
        Ok(Arc::new(state))
    }

    async fn cleanup(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[tokio::test]
async fn the_built_in_engine() {
    let plugin = Plugin::built_in().unwrap();
    Suite::run_all_tests(Builder::new(plugin.clone(), &REOPEN)).await.unwrap();
    Suite::run_performance_tests(Builder::new(plugin, &[])).await.unwrap();
}

#[tokio::test]
async fn tokyo_cabinet() {
    let Some(plugin) = common::tokyo_cabinet() else { return };
    Suite::run_all_tests(Builder::new(plugin.clone(), &REOPEN)).await.unwrap();
    Suite::run_performance_tests(Builder::new(plugin, &[])).await.unwrap();
}

/// All but what a hash table in memory cannot do.
#[tokio::test]
async fn memhash() {
    let it = Builder::new(common::memhash(), &[]);
    Suite::test_start_stop(it.build().await.unwrap()).await.unwrap();
    Suite::test_basic_kv_operations(it.build().await.unwrap()).await.unwrap();
    Suite::test_apply_chunk_functionality(it.build().await.unwrap()).await.unwrap();
    Suite::test_cas_operations(it.build().await.unwrap()).await.unwrap();
    Suite::test_last_applied_detection(it.build().await.unwrap()).await.unwrap();
    Suite::test_snapshot_operations(it.build().await.unwrap()).await.unwrap();
    Suite::test_persistence(it.build().await.unwrap()).await.unwrap();
    Suite::test_reset_operation(it.build().await.unwrap()).await.unwrap();
    Suite::run_performance_tests(it).await.unwrap();
}

/// What must fail over a hash table in memory, and does: the suite sees it.
#[tokio::test]
async fn memhash_is_volatile() {
    async fn fails(test: impl Future<Output = Result<(), Error>> + Send + 'static) {
        let outcome = tokio::spawn(test).await;
        assert!(!matches!(outcome, Ok(Ok(()))), "memhash has become durable");
    }
    fn it() -> Builder {
        Builder::new(common::memhash(), &[2])
    }
    fails(async { Suite::test_drop_flushes_data(&it()).await }).await;
    fails(async { Suite::test_drop_persists_last_applied(&it()).await }).await;
    fails(async { Suite::test_data_survives_reopen(&it()).await }).await;
    fails(async { Suite::test_ungraceful_shutdown_recovery(&it()).await }).await;
    fails(Suite::run_all_tests(Builder::new(common::memhash(), &REOPEN))).await;
}
