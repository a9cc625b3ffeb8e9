//! Listens, hands connections to workers, and stops in order.

use super::{
    ACCEPT_PAUSE, Settings, admin,
    stats::Statistics,
    text::{Context, FailureLog},
    worker::{self, Accepted, Slot},
};
use crate::{engine::Engine, protocol::text::Limits};
use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    process,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Builder, Runtime},
    select,
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, mpsc::UnboundedSender, watch},
    time::sleep,
};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// The longest line of a get, in bytes: about 4000 of the longest keys.
const KEYS_LINE: usize = 1 << 20;

/// Signals that come so soon after the first are the same.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} for {what}: {error}; {remedy}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// For whom.
        what: &'static str,
        /// What the system says.
        error: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// No thread, no runtime, no signals.
    #[error("cannot start the server: {0}")]
    System(#[from] io::Error),
}

/// A server that listens and does not serve yet.
pub struct Server {
    settings: Settings,
    clients: TcpListener,
    rpc: Option<TcpListener>,
    signals: Signals,
    runtime: Runtime,
}

impl Server {
    /// Listens where the settings say, and puts the ports that were taken into
    /// them. From then on a file that may not grow (`ulimit -f`) is an error of
    /// the write, and not the end of the process, and a signal to stop is heeded
    /// by [`run`](Self::run).
    pub fn bind(mut settings: Settings) -> Result<Self, StartError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        // The handler stays when its stream is dropped.
        drop(signal(SignalKind::from_raw(libc::SIGXFSZ))?);
        let signals = Signals::catch()?;
        drop(guard);
        let clients = listen(settings.listen, "clients", "choose another port with -p")?;
        settings.listen = clients.local_addr()?;
        let rpc = settings
            .rpc
            .map(|address| {
                let remedy = "choose another address with --rpc ADDR:PORT, or --rpc off";
                listen(address, "kumoctl", remedy)
            })
            .transpose()?;
        if let Some(rpc) = &rpc {
            settings.rpc = Some(rpc.local_addr()?);
        }
        Ok(Self { settings, clients, rpc, signals, runtime })
    }

    /// The settings, with the ports that were taken.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Serves until SIGTERM or SIGINT; calls `ready` when those would stop it in
    /// order. When it returns, no connection is open and nothing refers to the
    /// engine any more.
    pub fn run<E: From<StartError>>(
        self,
        engine: Arc<dyn Engine>,
        ready: impl FnOnce(&Settings) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { settings, clients, rpc, signals, runtime } = self;
        ready(&settings)?;
        Ok(runtime.block_on(serve(settings, clients, rpc, engine, signals))?)
    }
}

/// The signals that stop the server.
struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    async fn received(&mut self) {
        select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }

    /// A second signal, of somebody who is impatient: not the same one, which
    /// comes twice from who signals a process and then its group.
    async fn received_again(&mut self) {
        let first = Instant::now();
        loop {
            self.received().await;
            if first.elapsed() >= SAME_SIGNAL {
                return;
            }
        }
    }
}

async fn serve(
    settings: Settings,
    clients: TcpListener,
    rpc: Option<TcpListener>,
    engine: Arc<dyn Engine>,
    mut signals: Signals,
) -> Result<(), StartError> {
    let settings = Arc::new(settings);
    let statistics = Arc::new(Statistics::new());
    let (stop, stopped) = watch::channel(false);
    let (workers, senders) = start_workers(&engine, &settings, &statistics, &stopped)?;

    let clients = tokio::net::TcpListener::from_std(clients)?;
    let rpc = rpc.map(tokio::net::TcpListener::from_std).transpose()?;
    let admin = rpc.map(|rpc| tokio::spawn(admin::serve(rpc, engine, stopped)));

    select! {
        () = accept(&clients, &senders, &settings, &statistics) => {}
        () = signals.received() => {}
    }
    tracing::info!("stopping: finishing what is in flight");
    drop((clients, senders));
    // Everyone who cares has a receiver.
    let _ = stop.send(true);
    select! {
        () = drain(workers, admin) => {}
        () = signals.received_again() => {
            tracing::warn!("stopped at once by a second signal");
            process::exit(1);
        }
    }
    Ok(())
}

fn listen(
    address: SocketAddr,
    what: &'static str,
    remedy: &'static str,
) -> Result<TcpListener, StartError> {
    use socket2::{Domain, Protocol, Socket, Type};
    let listen = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    };
    listen().map_err(|error| StartError::Listen { address, what, error, remedy })
}

type Workers = (Vec<JoinHandle<()>>, Vec<UnboundedSender<Accepted>>);

fn start_workers(
    engine: &Arc<dyn Engine>,
    settings: &Arc<Settings>,
    statistics: &Arc<Statistics>,
    stopped: &watch::Receiver<bool>,
) -> io::Result<Workers> {
    let limits = Limits { item_size: settings.item_size, keys_line: KEYS_LINE };
    let mut workers = Workers::default();
    for (number, counters) in statistics.workers(settings.threads).iter().enumerate() {
        let context = Context {
            engine: Arc::clone(engine),
            settings: Arc::clone(settings),
            statistics: Arc::clone(statistics),
            counters: Arc::clone(counters),
            failures: FailureLog::default(),
        };
        let (sender, accepted) = mpsc::unbounded_channel();
        workers.0.push(worker::spawn(number, context, limits, accepted, stopped.clone())?);
        workers.1.push(sender);
    }
    Ok(workers)
}

/// Accepts connections and hands them out round robin, for ever.
async fn accept(
    clients: &tokio::net::TcpListener,
    workers: &[UnboundedSender<Accepted>],
    settings: &Settings,
    statistics: &Statistics,
) {
    for worker in workers.iter().cycle() {
        let (stream, slot) = loop {
            let stream = match clients.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(slot) = Slot::take(&statistics.curr_connections, settings.connections) else {
                statistics.rejected_connections.fetch_add(1, Relaxed);
                reject(stream);
                continue;
            };
            break (stream, slot);
        };
        statistics.total_connections.fetch_add(1, Relaxed);
        match prepare(stream) {
            // A worker that is gone has panicked, which has been reported.
            Ok(stream) => drop(worker.send(Accepted { stream, slot })),
            Err(error) => tracing::debug!("a connection ended at once: {error}"),
        }
    }
}

fn prepare(stream: tokio::net::TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    // A client whose machine is gone would keep its slot for ever.
    socket2::SockRef::from(&stream).set_keepalive(true)?;
    stream.into_std()
}

/// Tells a client that there are too many, as memcached does.
fn reject(stream: tokio::net::TcpStream) {
    // It is closed in any case.
    let _ = socket2::SockRef::from(&stream).send(b"ERROR Too many open connections\r\n");
}

/// Waits for the workers and the admin port to end.
async fn drain(workers: Vec<JoinHandle<()>>, admin: Option<tokio::task::JoinHandle<()>>) {
    if let Some(admin) = admin
        && let Err(error) = admin.await
    {
        tracing::error!("the admin port: {error}");
    }
    for worker in workers {
        let joined = tokio::task::spawn_blocking(|| worker.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("a worker panicked");
        }
    }
}
