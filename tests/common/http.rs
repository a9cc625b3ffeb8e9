//! An HTTP client that shows what is on the wire.

use super::PATIENCE;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
};

/// One connection.
pub struct Http {
    stream: BufReader<TcpStream>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body ended before its length.
    pub cut_off: bool,
}

impl Http {
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Self { stream: BufReader::new(stream) }
    }

    /// Sends a request and reads the answer.
    pub fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.head(method, path, headers, body.len() as u64);
        self.send(body).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        self.answer(method)
    }

    /// The head of a request whose body has `length` bytes.
    pub fn head(&mut self, method: &str, path: &str, headers: &[(&str, &str)], length: u64) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        if length > 0 || matches!(method, "POST" | "PUT") {
            head += &format!("content-length: {length}\r\n");
        }
        self.send(format!("{head}\r\n").as_bytes()).expect("the request's head");
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// The answer to a request of this method.
    pub fn answer(&mut self, method: &str) -> Answer {
        let mut answer = self.answer_head();
        let length = answer.header("content-length").map(|n| n.parse::<u64>().expect("a number"));
        let nothing = method == "HEAD" || answer.status == 304;
        if let Some(length) = length.filter(|_| !nothing) {
            let read = (&mut self.stream).take(length).read_to_end(&mut answer.body);
            answer.cut_off = read.is_err() || (answer.body.len() as u64) < length;
        }
        assert_eq!(answer.header("transfer-encoding"), None, "lengths are known");
        answer
    }

    /// The status and the headers; the body is left to `read`.
    pub fn answer_head(&mut self) -> Answer {
        let line = self.line();
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("not an answer: {line:?}"));
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        Answer { status, headers, body: vec![], cut_off: false }
    }

    /// Some bytes of a body.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("text")
    }

    /// Fails unless it is this code with a body that is exactly this error.
    pub fn is_error(&self, status: u16, text: &str) {
        let expected = format!("{{\n  \"error\": \"{text}\"\n}}");
        let shown = String::from_utf8_lossy(&self.body).into_owned();
        assert_eq!((self.status, shown), (status, expected));
        assert_eq!(self.header("content-type"), Some("application/json"));
    }

    /// Fails unless it is this code with an empty body.
    pub fn is_empty(&self, status: u16) {
        assert_eq!((self.status, self.text()), (status, ""));
    }
}
