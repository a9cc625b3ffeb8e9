//! A worker: a thread, its runtime, and what its connections share.

use super::{connection::serve, text::Context};
use crate::{host::Pins, protocol::text::Limits};
use std::{
    cell::{Cell, RefCell},
    io,
    net::TcpStream,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
};
use tokio::{
    runtime::Builder,
    select,
    sync::{mpsc::UnboundedReceiver, watch},
    task::{JoinSet, LocalSet},
};

/// The size of the buffer that a worker's connections read into, in bytes.
const INPUT_SIZE: usize = 64 << 10;

/// What the connections of a worker share. One thread uses it.
pub(super) struct Worker {
    pub context: Context,
    pub limits: Limits,
    /// Where input is read into; never held across an await.
    pub input: RefCell<Box<[u8]>>,
    /// A buffer for output, while no pass has it.
    pub output: Cell<Vec<u8>>,
    pub pins: RefCell<Pins>,
    /// True when the server stops.
    pub stop: watch::Receiver<bool>,
}

/// A client's connection, counted as long as this lives.
pub(super) struct Accepted {
    pub stream: TcpStream,
    pub slot: Slot,
}

/// One of the connections that may be open at once.
pub(super) struct Slot(Arc<AtomicUsize>);

impl Slot {
    /// Takes a slot if fewer than `limit` are taken.
    pub fn take(taken: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let free = |taken| (taken < limit).then_some(taken + 1);
        taken.fetch_update(Relaxed, Relaxed, free).ok()?;
        Some(Self(Arc::clone(taken)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Starts a worker. It ends when the channel is closed and its connections are
/// done.
pub(super) fn spawn(
    number: usize,
    context: Context,
    limits: Limits,
    accepted: UnboundedReceiver<Accepted>,
    stop: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
        let worker = Rc::new(Worker {
            context,
            limits,
            input: RefCell::new(vec![0; INPUT_SIZE].into_boxed_slice()),
            output: Cell::new(Vec::new()),
            pins: RefCell::new(Pins::new()),
            stop,
        });
        LocalSet::new().block_on(&runtime, run(worker, accepted));
    })
}

async fn run(worker: Rc<Worker>, mut accepted: UnboundedReceiver<Accepted>) {
    let mut connections = JoinSet::new();
    loop {
        select! {
            next = accepted.recv() => match next {
                Some(accepted) => {
                    connections.spawn_local(connection(accepted, Rc::clone(&worker)));
                }
                None => break,
            },
            Some(ended) = connections.join_next() => report(ended),
        }
    }
    while let Some(ended) = connections.join_next().await {
        report(ended);
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!("a connection was dropped: {error}");
    }
}

async fn connection(accepted: Accepted, worker: Rc<Worker>) {
    let _slot = accepted.slot;
    let served = match tokio::net::TcpStream::from_std(accepted.stream) {
        Ok(stream) => serve(stream, worker).await,
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        // Clients come and go; that is no trouble of ours.
        tracing::debug!("a connection ended: {error}");
    }
}
