//! The end: a first signal lets what is under way finish, for a while; then it
//! is cut off and tidied up. A second signal ends it at once.

use std::{future::Future, io, process, time::Duration};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// As a shell says it of a program that SIGINT ended.
const SECOND_SIGNAL: i32 = 130;

pub struct Stopping {
    asked: CancellationToken,
    cut_off: CancellationToken,
    patience: Duration,
}

impl Stopping {
    /// Listens for SIGINT and SIGTERM from now on.
    pub fn start(patience: Duration) -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let stopping =
            Self { asked: CancellationToken::new(), cut_off: CancellationToken::new(), patience };
        let (asked, cut_off) = (stopping.asked.clone(), stopping.cut_off.clone());
        tokio::spawn(async move {
            either(&mut interrupt, &mut terminate).await;
            tracing::info!("stopping; what is under way has {} s", patience.as_secs());
            asked.cancel();
            tokio::select! {
                () = either(&mut interrupt, &mut terminate) => process::exit(SECOND_SIGNAL),
                () = tokio::time::sleep(patience) => cut_off.cancel(),
            }
            either(&mut interrupt, &mut terminate).await;
            process::exit(SECOND_SIGNAL);
        });
        Ok(stopping)
    }

    /// No more requests.
    pub fn asked(&self) -> impl Future<Output = ()> + Send + use<> {
        self.asked.clone().cancelled_owned()
    }

    /// As long after transfers were cut off as they were given before.
    pub async fn given_up(&self) {
        self.cut_off.cancelled().await;
        tokio::time::sleep(self.patience).await;
    }

    /// Ends transfers.
    pub fn cut_off(&self) -> CancellationToken {
        self.cut_off.clone()
    }
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
