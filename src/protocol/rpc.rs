//! kumofs's RPC: MessagePack messages, one behind the other.
//!
//! A request is `[0, msgid, method, [params]]`, a response `[1, msgid, error,
//! result]`. Strings are written as the old MessagePack knew them (fixraw and
//! raw16), which today's reads as well.

use crate::engine::Upkeep;
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

/// kumo's own methods, beyond those of kumofs. They take no parameters.
const UPKEEP: [(u32, Upkeep); 3] =
    [(4096, Upkeep::Sync), (4097, Upkeep::Compact), (4098, Upkeep::Verify)];

/// kumofs's error codes, of which these are used.
const UNKNOWN_METHOD: u32 = 4;
const PROTOCOL_ERROR: u32 = 5;
const SERVER_ERROR: u32 = 6;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// CreateBackup: the suffix.
    Backup(String),
    /// One of kumo's own: what is to be done.
    Upkeep(Upkeep),
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

/// What kumo's own methods answer when it is done.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct UpkeepDone {
    /// How long it took.
    pub seconds: f64,
    /// What is damaged: so many faults.
    pub faults: u64,
    /// The first of them, in words.
    pub told: Vec<String>,
}

/// The most faults that an answer tells, and the bytes of each: they fit into a
/// message.
pub const MAX_TOLD: usize = 120;
const MAX_FAULT: usize = 400;

/// What a call answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// CreateBackup's.
    Backup(BackupDone),
    /// That of kumo's own.
    Upkeep(UpkeepDone),
}

/// What became of a call.
pub type Answer<T = Done> = Result<T, Refusal>;

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
        if let Some((_, work)) = UPKEEP.iter().find(|(number, _)| *number == method) {
            let _: IgnoredAny = part(from)?;
            return Ok((msgid, Call::Upkeep(*work)));
        }
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
pub fn response<T: DeserializeOwned>(input: &[u8]) -> Result<Decoded<(u32, Answer<T>)>, Malformed> {
    decoded(input, |from| {
        head(from, 1)?;
        let msgid: u32 = part(from)?;
        let error: Option<Refusal> = part(from)?;
        let result: Option<T> = part(from)?;
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

/// At most so many bytes of a text, whole characters.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A string in a form that the old MessagePack knows too: fixraw or raw16.
fn raw(out: &mut Vec<u8>, text: &str) {
    let bytes = cut(text, u16::MAX.into()).as_bytes();
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

/// The bytes of a call of kumo's own.
pub fn upkeep_request(msgid: u32, work: Upkeep) -> Vec<u8> {
    let number = UPKEEP.iter().find(|(_, it)| *it == work).map_or(0, |(number, _)| *number);
    written(|out| {
        encode::write_array_len(out, 4)?;
        encode::write_uint(out, 0)?;
        encode::write_uint(out, u64::from(msgid))?;
        encode::write_uint(out, u64::from(number))?;
        encode::write_array_len(out, 0)?;
        Ok(())
    })
}

/// The bytes of a response.
pub fn response_bytes(msgid: u32, answer: &Answer) -> Vec<u8> {
    written(|out| {
        encode::write_array_len(out, 4)?;
        encode::write_uint(out, 1)?;
        encode::write_uint(out, u64::from(msgid))?;
        match answer {
            Ok(Done::Upkeep(done)) => {
                encode::write_nil(out)?;
                encode::write_map_len(out, 3)?;
                raw(out, "seconds");
                encode::write_f64(out, done.seconds)?;
                raw(out, "faults");
                encode::write_uint(out, done.faults)?;
                raw(out, "told");
                let told = &done.told[..done.told.len().min(MAX_TOLD)];
                encode::write_array_len(out, told.len() as u32)?;
                for fault in told {
                    raw(out, cut(fault, MAX_FAULT));
                }
            }
            Ok(Done::Backup(done)) => {
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
            let bytes = response_bytes(9, &answer.clone().map(Done::Backup));
            assert_eq!(response(&bytes).unwrap(), Decoded::Message((9, answer), bytes.len()));
        }
        let done = UpkeepDone { seconds: 1.5, faults: 2, told: vec!["here".into(), "ü".into()] };
        let bytes = response_bytes(9, &Ok(Done::Upkeep(done.clone())));
        assert_eq!(response(&bytes).unwrap(), Decoded::Message((9, Ok(done)), bytes.len()));
    }

    #[test]
    fn the_most_and_longest_faults_fit_into_a_message() {
        let told = vec!["ß".repeat(1000); 1000];
        let done = UpkeepDone { seconds: 1.5, faults: 1000, told };
        let bytes = response_bytes(u32::MAX, &Ok(Done::Upkeep(done)));
        assert!(bytes.len() <= MAX_MESSAGE, "{}", bytes.len());
        let answer: Decoded<(u32, Answer<UpkeepDone>)> = response(&bytes).unwrap();
        let Decoded::Message((_, Ok(done)), _) = answer else { panic!("{answer:?}") };
        assert_eq!((done.faults, done.told.len()), (1000, MAX_TOLD));
    }

    #[test]
    fn the_methods_of_kumo_s_own_take_nothing() {
        for (number, work) in UPKEEP {
            let request = upkeep_request(3, work);
            assert_eq!(
                request[3..],
                [&[0xcd][..], &(number as u16).to_be_bytes(), &[0x90]].concat()
            );
            assert_eq!(call(&request), (3, Call::Upkeep(work)));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_without_a_panic(bytes: Vec<u8>) {
            let _ = request(&bytes);
            let _ = response::<BackupDone>(&bytes);
            let _ = response::<UpkeepDone>(&bytes);
        }
    }
}
