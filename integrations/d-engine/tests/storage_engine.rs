//! d-engine's own suite for storage engines, over three plugins.

#![allow(clippy::unwrap_used)] // a test may

mod common;

use async_trait::async_trait;
use d_engine::{
    Error,
    storage_engine_test::{StorageEngineBuilder, StorageEngineTestSuite as Suite},
};
use kumo_d_engine::{KumoStorageEngine, Options, Plugin};
use std::sync::Arc;
use tempfile::TempDir;

struct Builder {
    plugin: Plugin,
    directory: TempDir,
}

impl Builder {
    fn new(plugin: Plugin) -> Self {
        Self { plugin, directory: TempDir::new().expect("a directory") }
    }
}

#[async_trait]
impl StorageEngineBuilder for Builder {
    type Engine = KumoStorageEngine;

    async fn build(&self) -> Result<Arc<KumoStorageEngine>, Error> {
        let path = self.directory.path();
        KumoStorageEngine::open(&self.plugin, path, &Options::default()).map(Arc::new)
    }

    async fn cleanup(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[tokio::test]
async fn the_built_in_engine() {
    Suite::run_all_tests(Builder::new(Plugin::built_in().unwrap())).await.unwrap();
}

#[tokio::test]
async fn tokyo_cabinet() {
    let Some(plugin) = common::tokyo_cabinet() else { return };
    Suite::run_all_tests(Builder::new(plugin)).await.unwrap();
}

/// All but what a hash table in memory cannot do.
#[tokio::test]
async fn memhash() {
    let it = Builder::new(common::memhash());
    Suite::test_empty_storage(it.build().await.unwrap()).await.unwrap();
    Suite::test_single_entry_persistence(it.build().await.unwrap()).await.unwrap();
    Suite::test_batch_persistence(it.build().await.unwrap()).await.unwrap();
    Suite::test_purge_logs(it.build().await.unwrap()).await.unwrap();
    Suite::test_truncation(it.build().await.unwrap()).await.unwrap();
    Suite::test_reset_operation(it.build().await.unwrap()).await.unwrap();
    Suite::test_edge_cases(it.build().await.unwrap()).await.unwrap();
    Suite::test_purge_empty_range(it.build().await.unwrap()).await.unwrap();
    Suite::test_hard_state_persistence(it.build().await.unwrap()).await.unwrap();
    Suite::test_reset_preserves_meta(it.build().await.unwrap()).await.unwrap();
    Suite::test_flush_persists_all_data(it.build().await.unwrap()).await.unwrap();
}

/// What must fail over a hash table in memory, and does: the suite sees it.
#[tokio::test]
async fn memhash_is_volatile() {
    async fn fails(test: impl Future<Output = Result<(), Error>> + Send + 'static) {
        let outcome = tokio::spawn(test).await;
        assert!(!matches!(outcome, Ok(Ok(()))), "memhash has become durable");
    }
    fn it() -> Builder {
        Builder::new(common::memhash())
    }
    fails(async { Suite::test_persist_entries_durability(&it()).await }).await;
    fails(async { Suite::test_hard_state_crash_recovery(&it()).await }).await;
    fails(async { Suite::test_truncate_durability(&it()).await }).await;
    fails(async { Suite::test_purge_durability(&it()).await }).await;
    fails(Suite::run_all_tests(it())).await;
}
