//! What has failed: it stops the node.
//!
//! d-engine 0.2.4 logs an error of the log store and goes on, and some it drops. So
//! the first failure is kept here: from then on every call fails with it, nothing is
//! acknowledged any more, and who runs the node is told.

use d_engine::Error;
use kumo::host::Failure;
use std::sync::Arc;
use tokio::sync::watch;

/// Whether the stores of a node work. Clones are of the same node: give one to all
/// its stores, and wait for [`failed`](Self::failed).
#[derive(Clone, Debug)]
pub struct Health(Arc<watch::Sender<Option<String>>>);

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Health {
    /// Nothing has failed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns when a store has failed, and says why. The node is to be stopped
    /// then.
    pub async fn failed(&self) -> String {
        let mut state = self.0.subscribe();
        match state.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(reason)) => reason.clone(),
            // The sender is in self, and lives.
            _ => "the store is gone".to_owned(),
        }
    }

    /// The failure, where there has been one.
    pub fn failure(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    /// An error where something has failed before.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &*self.0.borrow() {
            None => Ok(()),
            Some(reason) => Err(Error::Fatal(reason.clone())),
        }
    }

    /// A result that must be good: what is not stops the node.
    pub(crate) fn must<T>(&self, doing: &str, result: Result<T, Failure>) -> Result<T, Error> {
        result.map_err(|failure| {
            let reason = format!("{doing}: {failure}");
            self.0.send_if_modified(|kept| {
                let first = kept.is_none();
                if first {
                    tracing::error!("{reason}; the node must stop");
                    *kept = Some(reason.clone());
                }
                first
            });
            Error::Fatal(reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_failure_stays_and_is_told() {
        let health = Health::new();
        health.check().unwrap();
        let waiting = tokio::spawn({
            let health = health.clone();
            async move { health.failed().await }
        });
        assert!(health.must::<()>("writing", Err(Failure::other("no room"))).is_err());
        assert!(health.must::<()>("reading", Err(Failure::other("damaged"))).is_err());
        assert_eq!(waiting.await.unwrap(), "writing: no room");
        assert!(health.check().unwrap_err().to_string().contains("no room"));
        assert_eq!(health.failure().as_deref(), Some("writing: no room"));
    }
}
