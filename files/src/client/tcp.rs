//! The client over TCP: a few connections, each lent to one call at a time.

use super::{
    ClientError, How, Memcached, Result,
    connection::{Answer, Connection},
    reply::Reply,
};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use std::{
    collections::HashMap,
    fmt::Write,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep},
};

/// Connections at once; who wants another one waits.
const CONNECTIONS: usize = 32;

/// Keys of one pipeline: what is sent and not yet answered fits the sockets.
const PIPELINE: usize = 256;

/// How often a listing is tried again while somebody else lists.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// How to list keys, the best way first: a walk along the hash table sees every
/// key, and is newer (memcached 1.6.9) than one along the lists of what was used
/// last, which misses what moves meanwhile.
const LISTINGS: [&str; 2] = ["lru_crawler metadump hash\r\n", "lru_crawler metadump all\r\n"];

/// No server hands this CAS unique out: uniques count up from 1, or are times.
const NO_UNIQUE: u64 = u64::MAX;

/// A memcached server, by its address.
#[derive(Debug)]
pub struct Tcp {
    address: Arc<str>,
    patience: Duration,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Tcp {
    /// A client of the server at `HOST:PORT`; it connects when it must. A server
    /// that is silent for `patience` has failed.
    #[must_use]
    pub fn new(address: &str, patience: Duration) -> Self {
        let permits = Semaphore::new(CONNECTIONS);
        Self { address: address.into(), patience, idle: Mutex::default(), permits }
    }

    /// A connection. Unless it is given back it is closed, so that a call that
    /// fails, or is dropped half way, leaves no answer for the next one.
    async fn lend(&self) -> Result<Lent<'_>> {
        // The semaphore is never closed.
        let permit = self.permits.acquire().await.map_err(|_| ClientError::Unlistable)?;
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // The server may have closed some, by a restart for example.
        while let Some(connection) = idle() {
            if connection.is_idle() {
                return Ok(Lent { connection, _permit: permit });
            }
        }
        let connection = Connection::open(&self.address, self.patience).await?;
        Ok(Lent { connection, _permit: permit })
    }

    fn give_back(&self, lent: Lent<'_>) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lent.connection);
    }

    /// Asks once for each key, many at a time, and looks at each answer.
    async fn pipeline(
        &self,
        keys: &[String],
        write: impl Fn(&mut String, &str) + Send,
        mut look: impl FnMut(&Reply) -> bool + Send,
    ) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut lent = self.lend().await?;
        for keys in keys.chunks(PIPELINE) {
            let mut request = String::new();
            keys.iter().for_each(|key| write(&mut request, key));
            lent.send(request.as_bytes()).await?;
            for _ in keys {
                let answer = lent.receive().await?;
                if !look(&answer.reply) {
                    return Err(lent.unexpected(&answer));
                }
            }
        }
        self.give_back(lent);
        Ok(())
    }

    /// Sends a get and hands its values over.
    async fn values(
        &self,
        request: String,
        mut each: impl FnMut(&Answer, &Reply) + Send,
    ) -> Result<()> {
        let mut lent = self.lend().await?;
        lent.send(request.as_bytes()).await?;
        loop {
            let answer = lent.receive().await?;
            match &answer.reply {
                Reply::End => break,
                value @ Reply::Value { .. } => each(&answer, value),
                _ => return Err(lent.unexpected(&answer)),
            }
        }
        self.give_back(lent);
        Ok(())
    }
}

struct Lent<'a> {
    connection: Connection,
    _permit: SemaphorePermit<'a>,
}

impl Deref for Lent<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Memcached for Tcp {
    async fn get(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>> {
        let mut found = HashMap::new();
        self.values(format!("get {}\r\n", keys.join(" ")), |answer, reply| {
            if let Reply::Value { key, data, .. } = reply {
                found.insert(answer.part(key.clone()), answer.part(data.clone()));
            }
        })
        .await?;
        Ok(keys.iter().map(|key| found.remove(key.as_bytes())).collect())
    }

    async fn gets(&self, key: &str) -> Result<Option<(Bytes, u64)>> {
        let mut found = None;
        self.values(format!("gets {key}\r\n"), |answer, reply| {
            if let Reply::Value { data, cas: Some(cas), .. } = reply {
                found = Some((answer.part(data.clone()), *cas));
            }
        })
        .await?;
        Ok(found)
    }

    async fn store(&self, how: How, key: &str, parts: &[Bytes], expiry: i64) -> Result<bool> {
        let size: usize = parts.iter().map(Bytes::len).sum();
        let line = match how {
            How::Set => format!("set {key} 0 {expiry} {size}\r\n"),
            How::Add => format!("add {key} 0 {expiry} {size}\r\n"),
            How::Cas(unique) => format!("cas {key} 0 {expiry} {size} {unique}\r\n"),
        };
        let mut lent = self.lend().await?;
        lent.send(line.as_bytes()).await?;
        for part in parts {
            lent.send(part).await?;
        }
        lent.send(b"\r\n").await?;
        let answer = lent.receive().await?;
        let stored = match &answer.reply {
            Reply::Stored => true,
            Reply::NotStored | Reply::Exists | Reply::NotFound => false,
            Reply::Refused(text) if answer.text(text.clone()).contains("too large") => {
                return Err(ClientError::ValueTooLarge { size });
            }
            _ => return Err(lent.unexpected(&answer)),
        };
        self.give_back(lent);
        Ok(stored)
    }

    async fn touch(&self, keys: &[String], expiry: i64) -> Result<bool> {
        let mut all = true;
        self.pipeline(
            keys,
            // Writing to a String does not fail.
            |request, key| _ = write!(request, "touch {key} {expiry}\r\n"),
            |reply| {
                all &= *reply == Reply::Touched;
                matches!(reply, Reply::Touched | Reply::NotFound)
            },
        )
        .await?;
        Ok(all)
    }

    /// A `cas` that cannot come true says whether there is a value, on every
    /// server and without writing; `touch` would write.
    async fn exist(&self, keys: &[String]) -> Result<bool> {
        let mut all = true;
        self.pipeline(
            keys,
            |request, key| _ = write!(request, "cas {key} 0 0 0 {NO_UNIQUE}\r\n\r\n"),
            |reply| {
                all &= *reply == Reply::Exists;
                matches!(reply, Reply::Exists | Reply::NotFound)
            },
        )
        .await?;
        Ok(all)
    }

    async fn delete(&self, keys: &[String]) -> Result<()> {
        self.pipeline(
            keys,
            |request, key| _ = write!(request, "delete {key}\r\n"),
            |reply| matches!(reply, Reply::Deleted | Reply::NotFound),
        )
        .await
    }

    async fn keys(&self, keep: fn(&str) -> bool) -> Result<Vec<String>> {
        let end = Instant::now() + self.patience;
        let mut ways = LISTINGS.into_iter();
        let mut way = ways.next().unwrap_or_default();
        let mut lent = self.lend().await?;
        let mut keys = Vec::new();
        lent.send(way.as_bytes()).await?;
        loop {
            let answer = lent.receive().await?;
            match &answer.reply {
                Reply::End => break,
                Reply::Key(key) => {
                    let key = answer.part(key.clone());
                    let text = str::from_utf8(&key).unwrap_or_default();
                    let text = percent_decode_str(text).decode_utf8_lossy();
                    if keep(&text) {
                        keys.push(text.into_owned());
                    }
                    continue;
                }
                Reply::Busy if Instant::now() < end => sleep(BUSY_PAUSE).await,
                Reply::Busy => {
                    return Err(ClientError::Refused("busy with another listing".to_owned()));
                }
                Reply::Unknown | Reply::Refused(_) => {
                    way = ways.next().ok_or(ClientError::Unlistable)?;
                }
                _ => return Err(lent.unexpected(&answer)),
            }
            lent.send(way.as_bytes()).await?;
        }
        self.give_back(lent);
        Ok(keys)
    }
}
