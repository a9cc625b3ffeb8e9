//! One connection to a server: requests out, answers in.

use super::{
    ClientError, Result,
    reply::{Parsed, Reply, parse},
};
use bytes::{Bytes, BytesMut};
use socket2::SockRef;
use std::{io, mem::MaybeUninit, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How much is read at least.
const READ: usize = 16 << 10;

/// An answer with the bytes that it speaks of.
#[derive(Debug)]
pub struct Answer {
    /// What it says.
    pub reply: Reply,
    bytes: Bytes,
}

impl Answer {
    /// A part of it, without a copy.
    #[must_use]
    pub fn part(&self, range: std::ops::Range<usize>) -> Bytes {
        self.bytes.slice(range)
    }

    /// A part as text that can be printed.
    #[must_use]
    pub fn text(&self, range: std::ops::Range<usize>) -> String {
        String::from_utf8_lossy(&self.bytes[range]).escape_debug().to_string()
    }
}

/// A connection. Every read and write has the time limit for itself, so a large
/// value may take long, and a silent server does not.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    address: Arc<str>,
    patience: Duration,
    arrived: BytesMut,
}

impl Connection {
    /// Connects to `HOST:PORT`.
    pub async fn open(address: &Arc<str>, patience: Duration) -> Result<Self> {
        let failed = |source| ClientError::Connect { address: address.to_string(), source };
        let stream = timeout(patience, TcpStream::connect(&**address))
            .await
            .map_err(|_| failed(io::ErrorKind::TimedOut.into()))?
            .map_err(failed)?;
        // Requests and answers take turns: nothing is won by waiting.
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Self { stream, address: address.clone(), patience, arrived: BytesMut::new() })
    }

    /// Whether it can be used again: open, and nothing unasked for in it.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let peeked = SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]);
        let nothing = matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        nothing && self.arrived.is_empty()
    }

    /// Sends it all.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match timeout(self.patience, self.stream.write(rest)).await {
                Ok(Ok(0)) => return Err(self.broken(io::ErrorKind::WriteZero.into())),
                Ok(Ok(n)) => rest = &rest[n..],
                Ok(Err(error)) => return Err(self.broken(error)),
                Err(_) => return Err(self.silent()),
            }
        }
        Ok(())
    }

    /// The next answer. What the server refuses is one too.
    pub async fn receive(&mut self) -> Result<Answer> {
        loop {
            match parse(&self.arrived) {
                Parsed::Reply { reply, used } => {
                    return Ok(Answer { reply, bytes: self.arrived.split_to(used).freeze() });
                }
                Parsed::Nonsense => {
                    return Err(ClientError::Nonsense { address: self.address.to_string() });
                }
                Parsed::Incomplete { need } => {
                    self.arrived.reserve((need - self.arrived.len()).max(READ));
                    // A large value fills up before it is looked at again.
                    while self.arrived.len() < need {
                        self.read().await?;
                    }
                }
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        match timeout(self.patience, self.stream.read_buf(&mut self.arrived)).await {
            Ok(Ok(0)) => Err(self.broken(io::ErrorKind::UnexpectedEof.into())),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.broken(error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// An answer that does not belong here.
    #[must_use]
    pub fn unexpected(&self, answer: &Answer) -> ClientError {
        match &answer.reply {
            Reply::Refused(text) => ClientError::Refused(answer.text(text.clone())),
            _ => ClientError::Nonsense { address: self.address.to_string() },
        }
    }

    fn broken(&self, source: io::Error) -> ClientError {
        ClientError::Broken { address: self.address.to_string(), source }
    }

    fn silent(&self) -> ClientError {
        ClientError::Silent { address: self.address.to_string(), silence: self.patience }
    }
}
