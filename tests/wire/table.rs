//! The table of exchanges: `*.txt` beside this file.
//!
//! ```text
//! # A comment.
//! == a section: a new connection to a server that has been flushed
//! > set a 0 0 3            a line to send
//! > {x*3}                  xxx
//! < STORED                 what comes back, to the byte
//! <memcached-1.6.18 ...    instead of the plain ones, from that version
//! < (nothing)              no answer; < (closed): the server closes
//! >until get a             sent again and again until the answer is this
//! < END
//! hang up                  the client goes away without another word
//! ```
//!
//! What follows a `>` or `<` is a line: `\r\n` is added unless it ends in `\`.
//! Escapes: `\r \n \t \0 \\`, `\s` for a space (at the end of a line), `\xNN`.
//! `<cas:a>` is a number; the same wherever it stands in a section, and another
//! one than `<cas:b>`. It can be sent, too. `<any>` is the rest of a line.
//! `<time+10>` is ten seconds from now.

use std::time::{SystemTime, UNIX_EPOCH};

/// Exchanges on one connection.
pub struct Section {
    /// Where it stands: file and line.
    pub place: String,
    pub name: String,
    pub exchanges: Vec<Exchange>,
    /// It ends without asking whether the connection still works.
    pub hangs_up: bool,
}

/// Something sent and its answer.
pub struct Exchange {
    pub line: usize,
    pub send: Vec<Piece>,
    /// To be sent until the answer comes.
    pub until: bool,
    answer: Vec<(String, Answer)>,
}

/// What is expected.
#[derive(Clone, Default)]
pub struct Answer {
    pub pieces: Vec<Piece>,
    pub closed: bool,
}

#[derive(Clone, Debug)]
pub enum Piece {
    Bytes(Vec<u8>),
    Cas(String),
    Any,
    Time(i64),
}

impl Exchange {
    /// What `server` answers: `kumo`, or `memcached-1.6.18`.
    pub fn answer(&self, server: &str) -> Answer {
        let of = |server: &str| self.answer.iter().find(|(tag, _)| tag == server);
        of(server).or_else(|| of("")).map(|(_, answer)| answer.clone()).unwrap_or_default()
    }
}

/// The sections of one file.
pub fn parse(file: &str, text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut sending = false;
    for (index, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", index + 1);
        if let Some(name) = line.strip_prefix("== ") {
            let (name, exchanges) = (name.to_owned(), vec![]);
            sections.push(Section { place, name, exchanges, hangs_up: false });
            sending = false;
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let section = sections.last_mut().unwrap_or_else(|| panic!("{place}: before any section"));
        let exchanges = &mut section.exchanges;
        if line == "hang up" {
            section.hangs_up = true;
        } else if let Some(rest) = line.strip_prefix('>') {
            let (until, rest) = match rest.strip_prefix("until") {
                Some(rest) => (true, rest),
                None => (false, rest),
            };
            if !sending || until {
                exchanges.push(Exchange { line: index + 1, send: vec![], until, answer: vec![] });
            }
            sending = true;
            let exchange = exchanges.last_mut().expect("just pushed");
            exchange.send.extend(pieces(content(rest, &place), &place));
        } else if let Some(rest) = line.strip_prefix('<') {
            sending = false;
            let exchange =
                exchanges.last_mut().unwrap_or_else(|| panic!("{place}: nothing was sent"));
            let (tag, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
            let answers = &mut exchange.answer;
            if answers.last().is_none_or(|(last, _)| last != tag) {
                answers.push((tag.to_owned(), Answer::default()));
            }
            let answer = &mut answers.last_mut().expect("just pushed").1;
            match content(rest, &place) {
                "(nothing)" => {}
                "(closed)" => answer.closed = true,
                line => answer.pieces.extend(pieces(line, &place)),
            }
        } else {
            panic!("{place}: neither sent nor expected: {line}");
        }
    }
    sections
}

/// A line without the space after its mark.
fn content<'a>(rest: &'a str, place: &str) -> &'a str {
    match rest.strip_prefix(' ') {
        Some(content) => content,
        None if rest.is_empty() => rest,
        None => panic!("{place}: a space goes before the line"),
    }
}

/// What a line stands for, its end included.
fn pieces(line: &str, place: &str) -> Vec<Piece> {
    // An even number of backslashes at the end are escaped ones.
    let backslashes = line.len() - line.trim_end_matches('\\').len();
    let (line, end) = match line.strip_suffix('\\') {
        Some(line) if backslashes % 2 == 1 => (line, &b""[..]),
        _ => (line, &b"\r\n"[..]),
    };
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find('<') {
        let Some(length) = rest[start..].find('>') else { break };
        let name = &rest[start + 1..start + length];
        let piece = match name.split_once(':') {
            Some(("cas", name)) => Piece::Cas(name.to_owned()),
            None if name == "any" => Piece::Any,
            None if name.starts_with("time") => {
                Piece::Time(name[4..].parse().unwrap_or_else(|_| panic!("{place}: <{name}>")))
            }
            // Angle brackets of the answer's own.
            _ => Piece::Bytes(bytes(&rest[start..=start + length], place)),
        };
        pieces.push(Piece::Bytes(bytes(&rest[..start], place)));
        pieces.push(piece);
        rest = &rest[start + length + 1..];
    }
    pieces.push(Piece::Bytes([&bytes(rest, place), end].concat()));
    pieces
}

/// Escapes and repetitions resolved.
fn bytes(text: &str, place: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match c {
            '{' => {
                length = rest.find('}').unwrap_or_else(|| panic!("{place}: {{ without }}")) + 1;
                let (what, times) = rest[1..length - 1]
                    .rsplit_once('*')
                    .unwrap_or_else(|| panic!("{place}: {{what*times}}"));
                let times = times.parse().unwrap_or_else(|_| panic!("{place}: {times} times"));
                bytes.extend(self::bytes(what, place).repeat(times));
            }
            '\\' if rest.starts_with("\\x") => {
                length = 4;
                let byte = u8::from_str_radix(&rest[2..4], 16);
                bytes.push(byte.unwrap_or_else(|_| panic!("{place}: {rest}")));
            }
            '\\' => {
                length = 2;
                bytes.push(match rest.as_bytes().get(1) {
                    Some(b'r') => b'\r',
                    Some(b'n') => b'\n',
                    Some(b't') => b'\t',
                    Some(b's') => b' ',
                    Some(b'0') => 0,
                    Some(b'\\') => b'\\',
                    _ => panic!("{place}: {rest}"),
                });
            }
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = &rest[length..];
    }
    bytes
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    since.as_secs() as i64
}
