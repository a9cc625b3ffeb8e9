//! A client that speaks raw bytes.

use super::PATIENCE;
use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpStream},
    time::{Duration, Instant},
};

/// One connection. It panics, and so fails the test, when an answer does not
/// come in time.
pub struct Client {
    stream: TcpStream,
    /// What has arrived and is not yet asked for.
    arrived: Vec<u8>,
}

impl Client {
    pub fn connect(port: u16) -> Self {
        Self::try_connect(port).unwrap_or_else(|error| panic!("port {port}: {error}"))
    }

    pub fn try_connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, arrived: Vec::new() })
    }

    /// Sends it all. Err when the server has closed the connection.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap_or_else(|error| panic!("cannot send: {error}"));
    }

    /// No more will be sent; answers may still come. It may be closed already.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Waits for more bytes until `end`. Ok(0): the server has closed.
    fn receive(&mut self, end: Instant) -> std::io::Result<usize> {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(left))?;
        let mut buffer = [0; 65536];
        let n = loop {
            match self.stream.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Closed while something was on its way to the server.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break 0,
                result => break result?,
            }
        };
        self.arrived.extend_from_slice(&buffer[..n]);
        Ok(n)
    }

    /// Reads on until `enough` finds in what has arrived how many bytes are
    /// the answer, and takes those. Err: what has arrived by the end of
    /// `patience`, or of the connection, or when `enough` gave up.
    pub fn read_until(
        &mut self,
        patience: Duration,
        mut enough: impl FnMut(&[u8]) -> Progress,
    ) -> Result<Vec<u8>, Broken> {
        let end = Instant::now() + patience;
        loop {
            match enough(&self.arrived) {
                Progress::Enough(n) => return Ok(self.arrived.drain(..n).collect()),
                Progress::Wrong => return Err(self.broken("is not the answer")),
                Progress::More => {}
            }
            match self.receive(end) {
                Ok(0) => return Err(self.broken(CLOSED)),
                Ok(_) => {}
                Err(_) => return Err(self.broken("and no more in time")),
            }
        }
    }

    fn broken(&mut self, how: &'static str) -> Broken {
        Broken { arrived: std::mem::take(&mut self.arrived), how }
    }

    /// One line, without its end. Err: the connection is at its end.
    pub fn try_line(&mut self) -> Result<String, Broken> {
        let line = self.read_until(PATIENCE, |arrived| {
            arrived
                .iter()
                .position(|&b| b == b'\n')
                .map_or(Progress::More, |n| Progress::Enough(n + 1))
        })?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// One line, without its end.
    pub fn line(&mut self) -> String {
        self.try_line().unwrap_or_else(|broken| panic!("no line: {broken}"))
    }

    pub fn exactly(&mut self, n: usize) -> Vec<u8> {
        self.read_until(PATIENCE, |arrived| {
            if arrived.len() < n { Progress::More } else { Progress::Enough(n) }
        })
        .unwrap_or_else(|broken| panic!("not {n} bytes: {broken}"))
    }

    /// Sends it, and the first line of the answer.
    pub fn ask(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.send(bytes);
        self.line()
    }

    /// Lines up to END.
    pub fn lines_to_end(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.line() {
                line if line == "END" => return lines,
                line => lines.push(line),
            }
        }
    }

    /// The value of a key. Panics when the answer is neither that nor a miss.
    pub fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        let line = self.ask(format!("get {key}\r\n"));
        if line == "END" {
            return None;
        }
        let length = line
            .strip_prefix(&format!("VALUE {key} "))
            .and_then(|rest| rest.split(' ').nth(1)?.parse::<usize>().ok())
            .unwrap_or_else(|| panic!("get {key}: {line}"));
        let mut value = self.exactly(length + 2);
        value.truncate(length);
        assert_eq!(self.line(), "END", "after the value of {key}");
        Some(value)
    }

    /// Stores a value; the answer.
    pub fn set(&mut self, key: &str, value: impl AsRef<[u8]>) -> String {
        let value = value.as_ref();
        let mut bytes = format!("set {key} 0 0 {}\r\n", value.len()).into_bytes();
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
        self.ask(bytes)
    }

    /// The server has closed, or closes now, and had nothing more to say. Err:
    /// what it said.
    pub fn closed(&mut self, patience: Duration) -> Result<(), Broken> {
        let end = Instant::now() + patience;
        loop {
            if !self.arrived.is_empty() {
                return Err(self.broken("instead of closing"));
            }
            match self.receive(end) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(_) => return Err(self.broken("and is not closed")),
            }
        }
    }
}

/// How far what has arrived is an answer.
pub enum Progress {
    /// Its first bytes are.
    Enough(usize),
    /// Perhaps, with more.
    More,
    /// Not at all.
    Wrong,
}

const CLOSED: &str = "and then closed";

/// An answer that did not come.
#[derive(Debug)]
pub struct Broken {
    pub arrived: Vec<u8>,
    how: &'static str,
}

impl Broken {
    /// Whether the server had closed the connection.
    pub fn closed(&self) -> bool {
        self.how == CLOSED
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (n, how) = (self.arrived.len(), self.how);
        let shown = &self.arrived[..n.min(300)];
        let more =
            if n > shown.len() { format!(" and {} bytes", n - shown.len()) } else { String::new() };
        write!(f, "\"{}\"{more} {how}", shown.escape_ascii())
    }
}
