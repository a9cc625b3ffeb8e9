//! The storage engine: the log and the metadata, each a database of its own.

use crate::{log::KumoLogStore, meta::KumoMetaStore, options::Options};
use d_engine::{Error, StorageEngine};
use kumo::host::Plugin;
use std::{path::Path, sync::Arc};

/// d-engine's storage engine, over a plugin.
#[derive(Debug)]
pub struct KumoStorageEngine {
    log: Arc<KumoLogStore>,
    meta: Arc<KumoMetaStore>,
}

impl KumoStorageEngine {
    /// Opens the log and the metadata in a directory, and makes them where there
    /// are none.
    pub fn open(
        plugin: &Plugin,
        directory: impl AsRef<Path>,
        options: &Options,
    ) -> Result<Self, Error> {
        let directory = directory.as_ref();
        Ok(Self {
            log: Arc::new(KumoLogStore::open(plugin, &directory.join("log"), options)?),
            meta: Arc::new(KumoMetaStore::open(plugin, &directory.join("meta"), options)?),
        })
    }
}

impl StorageEngine for KumoStorageEngine {
    type LogStore = KumoLogStore;
    type MetaStore = KumoMetaStore;

    fn log_store(&self) -> Arc<KumoLogStore> {
        Arc::clone(&self.log)
    }

    fn meta_store(&self) -> Arc<KumoMetaStore> {
        Arc::clone(&self.meta)
    }
}
