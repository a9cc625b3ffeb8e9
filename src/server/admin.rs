//! The admin port: kumofs's RPC, for `kumoctl`.

use super::{ACCEPT_PAUSE, GRACE, stopping};
use crate::{
    engine::{Engine, Upkeep},
    protocol::rpc::{
        BackupDone, Call, Decoded, Done, MAX_MESSAGE, MAX_TOLD, Refusal, UpkeepDone, request,
        response_bytes,
    },
};
use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    select,
    sync::watch,
    task::{JoinSet, spawn_blocking},
    time::{sleep, timeout},
};

/// How many connections are served at once; more wait.
const CONNECTIONS: usize = 16;

/// How long a client may take to send a request or to read an answer.
const CLIENT_PATIENCE: Duration = GRACE;

/// Serves the RPC until the server stops and the calls under way are answered.
pub(super) async fn serve(
    listener: TcpListener,
    engine: Arc<dyn Engine>,
    stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let mut stopped = stop.clone();
    loop {
        select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&engine), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!("cannot accept a connection on the admin port: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = stopping(&mut stopped) => break,
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, engine: Arc<dyn Engine>, stop: watch::Receiver<bool>) {
    if let Err(error) = answer(stream, engine, stop).await {
        tracing::debug!("a connection to the admin port ended: {error}");
    }
}

async fn answer(
    mut stream: TcpStream,
    engine: Arc<dyn Engine>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut input: Vec<u8> = Vec::new();
    loop {
        let message = request(&input).map_err(|error| {
            tracing::warn!("the admin port: {error}");
            io::Error::other(error)
        })?;
        match message {
            Decoded::Message((msgid, call), used) => {
                input.drain(..used);
                let answer = match call {
                    Call::Refused(refusal) => Err(refusal),
                    Call::Backup(suffix) => {
                        backup(Arc::clone(&engine), suffix).await.map(Done::Backup)
                    }
                    Call::Upkeep(work) => upkeep(Arc::clone(&engine), work).await.map(Done::Upkeep),
                };
                soon(stream.write_all(&response_bytes(msgid, &answer))).await?;
            }
            Decoded::Incomplete => {
                let mut part = [0; 4096];
                let room = part.len().min(MAX_MESSAGE + 1 - input.len());
                let got = select! {
                    got = soon(stream.read(&mut part[..room])) => got?,
                    () = stopping(&mut stop) => 0,
                };
                if got == 0 {
                    return Ok(());
                }
                input.extend_from_slice(&part[..got]);
            }
        }
    }
}

/// Waits for something that the client must do: a little while only, since the
/// connections are few.
async fn soon<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(CLIENT_PATIENCE, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Makes a backup on a thread of its own.
async fn backup(engine: Arc<dyn Engine>, suffix: String) -> Result<BackupDone, Refusal> {
    tracing::info!("backup {suffix:?} begins");
    match spawn_blocking(move || engine.backup(&suffix)).await {
        Ok(Ok(done)) => {
            let path = done.path.display().to_string();
            tracing::info!("backup {path} is complete: {} records", done.records);
            let seconds = done.took.as_secs_f64();
            Ok(BackupDone { path, records: done.records, bytes: done.bytes, seconds })
        }
        Ok(Err(failure)) => {
            tracing::error!("backup failed: {failure}");
            Err(Refusal::server(failure.text))
        }
        Err(error) => {
            tracing::error!("backup failed: {error}");
            Err(Refusal::server("the backup ended without a result; see the server's log"))
        }
    }
}

/// Does work on the whole database, on a thread of its own.
async fn upkeep(engine: Arc<dyn Engine>, work: Upkeep) -> Result<UpkeepDone, Refusal> {
    tracing::info!("{} begins", work.name());
    let began = Instant::now();
    let done = spawn_blocking(move || {
        let (mut faults, mut told) = (0, Vec::new());
        let done = engine.upkeep(work, &mut |fault| {
            faults += 1;
            if told.len() < MAX_TOLD {
                told.push(fault.to_owned());
            }
        });
        done.map(|()| UpkeepDone { seconds: began.elapsed().as_secs_f64(), faults, told })
    });
    match done.await {
        Ok(Ok(done)) => {
            tracing::info!("{} has ended after {:.1} s", work.name(), done.seconds);
            Ok(done)
        }
        Ok(Err(failure)) => {
            tracing::error!("{} failed: {failure}", work.name());
            Err(Refusal::server(failure.text))
        }
        Err(error) => {
            tracing::error!("{} failed: {error}", work.name());
            Err(Refusal::server("it ended without a result; see the server's log"))
        }
    }
}
