//! kumofs's RPC: MessagePack messages, one behind the other.
//!
//! A request is `[0, msgid, method, [params]]`, a response `[1, msgid, error,
//! result]`. Strings are written as the old MessagePack knew them (fixraw and
//! raw16), which today's reads as well.

use rmp::{Marker, decode as low, encode};
use rmp_serde::decode::Error;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use std::io::{self, Cursor, ErrorKind};

/// The default port of a server.
pub const PORT: u16 = 19800;

/// The longest message, in bytes.
pub const MAX_MESSAGE: usize = 64 << 10;

/// CreateBackup, version 0.
const CREATE_BACKUP: u32 = 96;

/// kumofs's error codes, of which these are used.
const UNKNOWN_METHOD: u32 = 4;
const PROTOCOL_ERROR: u32 = 5;
const SERVER_ERROR: u32 = 6;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// CreateBackup: the suffix.
    Backup(String),
    /// A method that is not served here, or whose parameters are not its own;
    /// what to answer.
    Refused(Refusal),
}

/// Why a call failed: a code of kumofs's, and a text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Refusal(u32, String);

impl Refusal {
    /// The server tried and failed.
    pub fn server(text: impl Into<String>) -> Self {
        Self(SERVER_ERROR, text.into())
    }

    /// What failed, on what, and what to do.
    pub fn text(&self) -> &str {
        &self.1
    }
}

/// What CreateBackup answers when the backup is complete.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BackupDone {
    /// The file.
    pub path: String,
    /// How many items it holds.
    pub records: u64,
    /// Its size.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
}

/// What became of a CreateBackup.
pub type Answer = Result<BackupDone, Refusal>;

/// A message is no message: the connection is of no more use.
#[derive(Debug, thiserror::Error)]
#[error("not a message of the RPC: {0}")]
pub struct Malformed(String);

/// What stands at the start of the input.
#[derive(Debug, PartialEq)]
pub enum Decoded<T> {
    /// A part of a message.
    Incomplete,
    /// A message, and the bytes that it takes up.
    Message(T, usize),
}

/// A request: its msgid and what it asks.
pub fn request(input: &[u8]) -> Result<Decoded<(u32, Call)>, Malformed> {
    decoded(input, |from| {
        head(from, 0)?;
        let msgid: u32 = part(from)?;
        let method: u32 = part(from)?;
        if method != CREATE_BACKUP {
            let _: IgnoredAny = part(from)?;
            let text = format!("method {method} is not served here; 96 is CreateBackup");
            return Ok((msgid, Call::Refused(Refusal(UNKNOWN_METHOD, text))));
        }
        let at = from.position();
        match part::<(String,)>(from) {
            Ok((suffix,)) => Ok((msgid, Call::Backup(suffix))),
            Err(error @ (Error::InvalidMarkerRead(_) | Error::InvalidDataRead(_))) => Err(error),
            Err(_) => {
                from.set_position(at);
                let _: IgnoredAny = part(from)?;
                let text = "CreateBackup takes one string, the suffix".to_owned();
                Ok((msgid, Call::Refused(Refusal(PROTOCOL_ERROR, text))))
            }
        }
    })
}

/// A response: its msgid and what became of the call.
pub fn response(input: &[u8]) -> Result<Decoded<(u32, Answer)>, Malformed> {
    decoded(input, |from| {
        head(from, 1)?;
        let msgid: u32 = part(from)?;
        let error: Option<Refusal> = part(from)?;
        let result: Option<BackupDone> = part(from)?;
        match (error, result) {
            (Some(refusal), _) => Ok((msgid, Err(refusal))),
            (None, Some(done)) => Ok((msgid, Ok(done))),
            (None, None) => Err(Error::Syntax("neither an error nor a result".to_owned())),
        }
    })
}

/// Decodes a message; what ends too early is incomplete.
fn decoded<T>(
    input: &[u8],
    decode: impl FnOnce(&mut Cursor<&[u8]>) -> Result<T, Error>,
) -> Result<Decoded<T>, Malformed> {
    let mut from = Cursor::new(input);
    match decode(&mut from) {
        Ok(message) => Ok(Decoded::Message(message, from.position() as usize)),
        Err(Error::InvalidMarkerRead(error) | Error::InvalidDataRead(error))
            if error.kind() == ErrorKind::UnexpectedEof =>
        {
            if input.len() < MAX_MESSAGE {
                Ok(Decoded::Incomplete)
            } else {
                Err(Malformed(format!("it is longer than {MAX_MESSAGE} bytes")))
            }
        }
        Err(error) => Err(Malformed(error.to_string())),
    }
}

/// The array of four and its type.
fn head(from: &mut Cursor<&[u8]>, kind: u32) -> Result<(), Error> {
    let len = low::read_array_len(from)?;
    if len != 4 {
        return Err(Error::Syntax(format!("it has {len} parts and not 4")));
    }
    match part::<u32>(from)? {
        found if found == kind => Ok(()),
        found => Err(Error::Syntax(format!("its type is {found} and not {kind}"))),
    }
}

fn part<T: DeserializeOwned>(from: &mut Cursor<&[u8]>) -> Result<T, Error> {
    rmp_serde::decode::from_read(from)
}

/// A message, written part by part.
fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Vec<u8> {
    let mut out = Vec::new();
    // A Vec takes every write.
    let _ = write(&mut out);
    out
}

/// A string in a form that the old MessagePack knows too: fixraw or raw16.
fn raw(out: &mut Vec<u8>, text: &str) {
    let mut end = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let bytes = &text.as_bytes()[..end];
    if let Ok(len @ ..32) = u8::try_from(bytes.len()) {
        out.push(Marker::FixStr(len).to_u8());
    } else {
        out.push(Marker::Str16.to_u8());
        out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    }
    out.extend_from_slice(bytes);
}

/// The bytes of a CreateBackup.
pub fn backup_request(msgid: u32, suffix: &str) -> Vec<u8> {
    written(|out| {
        encode::write_array_len(out, 4)?;
        encode::write_uint(out, 0)?;
        encode::write_uint(out, u64::from(msgid))?;
        encode::write_uint(out, u64::from(CREATE_BACKUP))?;
        encode::write_array_len(out, 1)?;
        raw(out, suffix);
        Ok(())
    })
}

/// The bytes of a response.
pub fn backup_response(msgid: u32, answer: &Answer) -> Vec<u8> {
    written(|out| {
        encode::write_array_len(out, 4)?;
        encode::write_uint(out, 1)?;
        encode::write_uint(out, u64::from(msgid))?;
        match answer {
            Ok(done) => {
                encode::write_nil(out)?;
                encode::write_map_len(out, 4)?;
                raw(out, "path");
                raw(out, &done.path);
                raw(out, "records");
                encode::write_uint(out, done.records)?;
                raw(out, "bytes");
                encode::write_uint(out, done.bytes)?;
                raw(out, "seconds");
                encode::write_f64(out, done.seconds)?;
            }
            Err(Refusal(code, text)) => {
                encode::write_array_len(out, 2)?;
                encode::write_uint(out, u64::from(*code))?;
                raw(out, text);
                encode::write_nil(out)?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn call(input: &[u8]) -> (u32, Call) {
        match request(input).unwrap() {
            Decoded::Message(message, used) => {
                assert_eq!(used, input.len());
                message
            }
            Decoded::Incomplete => panic!("incomplete"),
        }
    }

    #[test]
    fn a_backup_is_asked_for_in_the_old_encoding() {
        let short = backup_request(7, "20261120");
        assert_eq!(short, b"\x94\x00\x07\x60\x91\xa820261120");
        assert_eq!(call(&short), (7, Call::Backup("20261120".to_owned())));
        let long = "x".repeat(40);
        let request = backup_request(1, &long);
        assert_eq!(request[5..8], [0xda, 0, 40]);
        assert_eq!(call(&request), (1, Call::Backup(long)));
    }

    #[test]
    fn today_s_encodings_are_read_too() {
        let str8 = b"\x94\x00\xce\x00\x00\x00\x07\x60\x91\xd9\x01x";
        assert_eq!(call(str8), (7, Call::Backup("x".to_owned())));
    }

    #[test]
    fn every_part_of_a_message_is_incomplete() {
        let whole = backup_request(7, "suffix");
        for len in 0..whole.len() {
            assert_eq!(request(&whole[..len]).unwrap(), Decoded::Incomplete, "{len}");
        }
    }

    #[test]
    fn other_methods_and_parameters_are_refused_and_skipped() {
        let get = b"\x94\x00\x01\x22\x91\xa3key";
        assert!(matches!(call(get), (1, Call::Refused(Refusal(UNKNOWN_METHOD, _)))));
        for params in [&b"\x90"[..], b"\x92\xa1a\xa1b", b"\x91\x05", b"\xc0", b"\x91\x91\xa1a"] {
            let message = [b"\x94\x00\x01\x60", params].concat();
            assert!(matches!(call(&message), (1, Call::Refused(Refusal(PROTOCOL_ERROR, _)))));
        }
    }

    #[test]
    fn what_is_no_message_is_malformed() {
        for bytes in [&b"get x\r\n"[..], b"\x93\x00\x01\x60", b"\x94\x01\x01\x60\x90"] {
            assert!(request(bytes).is_err(), "{bytes:?}");
        }
        let huge = [b"\x94\x00\x01\x60\x91\xdb\xff\xff\xff\xff".to_vec(), vec![0; MAX_MESSAGE]];
        assert!(request(&huge.concat()).is_err());
    }

    #[test]
    fn answers_arrive_as_they_were_sent() {
        let done =
            BackupDone { path: "/a/b-1".repeat(9), records: 3, bytes: 1 << 40, seconds: 0.25 };
        for answer in [Ok(done), Err(Refusal::server("no room"))] {
            let bytes = backup_response(9, &answer);
            assert_eq!(response(&bytes).unwrap(), Decoded::Message((9, answer), bytes.len()));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_without_a_panic(bytes: Vec<u8>) {
            let _ = request(&bytes);
            let _ = response(&bytes);
        }
    }
}
