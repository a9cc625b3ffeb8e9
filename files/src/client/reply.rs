//! What a server answers: a pure parser of memcached's text protocol.

use std::ops::Range;

/// The longest line that an answer may have: a key of 250 bytes, each of them
/// escaped by a listing, and numbers.
const LINE: usize = 2048;

/// The largest value that is believed: memcached's items end at 1 GiB.
const VALUE: usize = 1 << 30;

/// One answer, or one line of a longer one. Ranges are places in the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `VALUE`, with its data.
    Value {
        /// Its key.
        key: Range<usize>,
        /// Its CAS unique, if that was asked for.
        cas: Option<u64>,
        /// Its data.
        data: Range<usize>,
    },
    /// A key in a listing: `key=... exp=...`; escaped.
    Key(Range<usize>),
    /// `END`
    End,
    /// `STORED`
    Stored,
    /// `NOT_STORED`
    NotStored,
    /// `EXISTS`
    Exists,
    /// `NOT_FOUND`
    NotFound,
    /// `DELETED`
    Deleted,
    /// `TOUCHED`
    Touched,
    /// `BUSY`, when somebody else lists.
    Busy,
    /// `ERROR`: no such command.
    Unknown,
    /// `CLIENT_ERROR` or `SERVER_ERROR`, whole.
    Refused(Range<usize>),
}

/// What stands at the beginning of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A part of an answer; it has at least `need` bytes.
    Incomplete {
        /// More than there are.
        need: usize,
    },
    /// An answer.
    Reply {
        /// What it says.
        reply: Reply,
        /// How many bytes it has.
        used: usize,
    },
    /// Nothing that a memcached says.
    Nonsense,
}

/// Reads the first answer of `input`.
#[must_use]
pub fn parse(input: &[u8]) -> Parsed {
    let window = &input[..input.len().min(LINE)];
    let Some(end) = window.iter().position(|&b| b == b'\n') else {
        let nonsense = window.len() == LINE;
        return if nonsense {
            Parsed::Nonsense
        } else {
            Parsed::Incomplete { need: input.len() + 1 }
        };
    };
    let used = end + 1;
    // Listings have no \r.
    let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
    if line.starts_with(b"VALUE ") {
        return value(input, line, used).unwrap_or(Parsed::Nonsense);
    }
    let reply = match line {
        b"END" => Reply::End,
        b"STORED" => Reply::Stored,
        b"NOT_STORED" => Reply::NotStored,
        b"EXISTS" => Reply::Exists,
        b"NOT_FOUND" => Reply::NotFound,
        b"DELETED" => Reply::Deleted,
        b"TOUCHED" => Reply::Touched,
        b"ERROR" => Reply::Unknown,
        _ if line.starts_with(b"BUSY") => Reply::Busy,
        _ if line.starts_with(b"CLIENT_ERROR") => Reply::Refused(0..line.len()),
        _ if line.starts_with(b"SERVER_ERROR") => Reply::Refused(0..line.len()),
        _ if line.starts_with(b"ERROR ") => Reply::Refused(0..line.len()),
        _ if line.starts_with(b"key=") => {
            let length = line[4..].iter().position(|&b| b == b' ').unwrap_or(line.len() - 4);
            Reply::Key(4..4 + length)
        }
        _ => return Parsed::Nonsense,
    };
    Parsed::Reply { reply, used }
}

/// `VALUE key flags bytes [cas]`, and the data behind it.
fn value(input: &[u8], line: &[u8], used: usize) -> Option<Parsed> {
    let text = str::from_utf8(line.get(6..)?).ok()?;
    let mut words = text.split(' ');
    let key = words.next().filter(|key| !key.is_empty())?;
    let _flags: u32 = number(words.next()?)?;
    let length: usize = number(words.next()?).filter(|&length| length <= VALUE)?;
    let cas = match words.next() {
        None => None,
        Some(word) => Some(number(word)?),
    };
    if words.next().is_some() {
        return None;
    }
    let data = used..used + length;
    let whole = data.end + 2;
    if input.len() < whole {
        return Some(Parsed::Incomplete { need: whole });
    }
    (&input[data.end..whole] == b"\r\n").then(|| Parsed::Reply {
        reply: Reply::Value { key: 6..6 + key.len(), cas, data },
        used: whole,
    })
}

/// Digits and nothing else: `parse` alone would take a sign too.
fn number<N: std::str::FromStr>(word: &str) -> Option<N> {
    word.bytes().all(|b| b.is_ascii_digit()).then(|| word.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reply(input: &[u8]) -> Reply {
        match parse(input) {
            Parsed::Reply { reply, used } => {
                assert_eq!(used, input.len());
                reply
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_and_lines() {
        let value = Reply::Value { key: 6..7, cas: Some(7), data: 15..18 };
        assert_eq!(reply(b"VALUE a 0 3 7\r\n\r\nb\r\n"), value);
        assert_eq!(
            reply(b"VALUE a 0 0\r\n\r\n"),
            Reply::Value { key: 6..7, cas: None, data: 13..13 }
        );
        assert_eq!(reply(b"key=a%3Ab exp=-1 la=1\n"), Reply::Key(4..9));
        assert_eq!(reply(b"BUSY currently processing crawler request\r\n"), Reply::Busy);
        assert_eq!(reply(b"SERVER_ERROR x\r\n"), Reply::Refused(0..14));
    }

    #[test]
    fn nonsense_is_not_waited_for() {
        for bad in [
            &b"HELLO\r\n"[..],
            b"VALUE a 0\r\n",
            b"VALUE a 0 +1\r\nx\r\n",
            b"VALUE  0 1\r\nx\r\n",
            b"VALUE a 0 1 2 3\r\nx\r\n",
            b"VALUE a 0 99999999999\r\n",
            b"VALUE a 0 1\r\nxyz",
            &[b'x'; LINE],
        ] {
            assert_eq!(parse(bad), Parsed::Nonsense, "{}", bad.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(input: Vec<u8>) {
            match parse(&input) {
                Parsed::Incomplete { need } => prop_assert!(need > input.len()),
                Parsed::Reply { used, .. } => prop_assert!(0 < used && used <= input.len()),
                Parsed::Nonsense => {}
            }
        }

        #[test]
        fn a_value_arrives_in_any_parts(data: Vec<u8>, cas: Option<u64>) {
            let unique = cas.map_or(String::new(), |cas| format!(" {cas}"));
            let mut input = format!("VALUE key 5 {}{unique}\r\n", data.len()).into_bytes();
            input.extend_from_slice(&data);
            input.extend_from_slice(b"\r\n");
            let Reply::Value { key, cas: read, data: at } = reply(&input) else { panic!() };
            prop_assert_eq!((&input[key], read, &input[at]), (&b"key"[..], cas, &data[..]));
            for end in 0..input.len() {
                let part = parse(&input[..end]);
                let waits = matches!(part, Parsed::Incomplete { need } if need <= input.len());
                prop_assert!(waits, "{end}: {part:?}");
            }
        }
    }
}
