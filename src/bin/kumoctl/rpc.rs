//! The client's side of the RPC.

use anyhow::{Context, Result, bail};
use kumo::{
    engine::Upkeep,
    protocol::rpc::{
        BackupDone, Decoded, PORT, UpkeepDone, backup_request, response, upkeep_request,
    },
};
use serde::de::DeserializeOwned;
use std::{
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The msgid; one call is made on a connection.
const MSGID: u32 = 1;

/// Asks a server for a backup and waits until it is complete.
pub fn backup(server: &str, suffix: &str) -> Result<BackupDone> {
    call(server, &backup_request(MSGID, suffix))
}

/// Asks a server for work on its database and waits until it is done.
pub fn upkeep(server: &str, work: Upkeep) -> Result<UpkeepDone> {
    call(server, &upkeep_request(MSGID, work))
}

fn call<T: DeserializeOwned>(server: &str, request: &[u8]) -> Result<T> {
    let mut stream = connect(server, PORT)?;
    stream.write_all(request)?;
    let mut input = Vec::new();
    loop {
        if let Decoded::Message((msgid, answer), _) = response(&input)? {
            if msgid != MSGID {
                bail!("the server answered another call ({msgid})");
            }
            return answer.map_err(|refusal| anyhow::anyhow!("{}", refusal.text()));
        }
        let mut part = [0; 4096];
        let got = stream.read(&mut part).context("the connection was lost")?;
        if got == 0 {
            bail!("the server closed the connection before it answered; see its log");
        }
        input.extend_from_slice(&part[..got]);
    }
}

/// Connects to HOST, HOST:PORT or [IPV6]:PORT.
fn connect(server: &str, port: u16) -> Result<TcpStream> {
    let found = match server.to_socket_addrs() {
        Ok(found) => Ok(found),
        Err(_) => (server.trim_matches(['[', ']']), port).to_socket_addrs(),
    };
    let addresses = found.with_context(|| format!("no such host: {server}"))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some((address, error)),
        }
    }
    match last {
        Some((address, error)) => {
            bail!("cannot connect to {address}: {error}; is kumo-server running there, with --rpc?")
        }
        None => bail!("{server} has no address"),
    }
}
