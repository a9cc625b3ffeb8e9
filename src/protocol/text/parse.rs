//! Bytes to requests.
//!
//! The rules are memcached 1.6.45's, found by asking it; `tests/wire` holds
//! them as exchanges.

use super::{
    line::{Words, exptime, flags, signed_32, split, unsigned_32, unsigned_64},
    reply::CLIENT_ERROR_FORMAT,
};
use crate::engine::{
    Delta, Mode, NewItem,
    store::{MAX_KEY, max_data},
};
use arrayvec::ArrayVec;
use memchr::memchr;

const ERROR: &str = "ERROR\r\n";
const BAD_EXPTIME: &str = "CLIENT_ERROR invalid exptime argument\r\n";
const BAD_DELTA: &str = "CLIENT_ERROR invalid numeric delta argument\r\n";
const BAD_CHUNK: &str = "CLIENT_ERROR bad data chunk\r\n";
const TOO_LARGE: &str = "SERVER_ERROR object too large for cache\r\n";

/// How long a line may be that is no get, in bytes: one that has no end by
/// then closes the connection.
const MAX_LINE: usize = 2048;

/// What the parser is told.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The limit on items, in bytes (`-I`).
    pub item_size: usize,
    /// The longest line of a get, in bytes.
    pub keys_line: usize,
}

/// The keys of a get: the words of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys<'a>(&'a [u8]);

impl<'a> Keys<'a> {
    /// The words of a line.
    pub fn of(line: &'a [u8]) -> Self {
        Self(line)
    }

    /// Takes the next key.
    pub fn take(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(|&byte| byte != b' ')?;
        let rest = &self.0[start..];
        let end = memchr(b' ', rest).unwrap_or(rest.len());
        let (key, behind) = rest.split_at(end);
        self.0 = behind;
        Some(key)
    }

    /// Takes up to `N` keys; with each, how many bytes of the line were left
    /// before it.
    pub fn take_some<const N: usize>(&mut self) -> (ArrayVec<&'a [u8], N>, ArrayVec<usize, N>) {
        let (mut some, mut lefts) = (ArrayVec::new(), ArrayVec::new());
        while !some.is_full() {
            let left = self.left();
            let Some(key) = self.take() else { break };
            some.push(key);
            lefts.push(left);
        }
        (some, lefts)
    }

    /// How many bytes of the line are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }
}

/// A request. Fields are named as in memcached's protocol.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Request<'a> {
    /// get, gets (with the CAS unique).
    Get { keys: Keys<'a>, cas: bool },
    /// gat, gats.
    GetAndTouch { keys: Keys<'a>, cas: bool, exptime: i32 },
    /// set, add, replace, append, prepend, cas.
    Store { mode: Mode, item: NewItem<'a> },
    /// delete.
    Delete { key: &'a [u8] },
    /// incr, decr.
    Arithmetic { key: &'a [u8], delta: Delta },
    /// touch.
    Touch { key: &'a [u8], exptime: i32 },
    /// flush_all; the delay is 0 where there is none.
    FlushAll { exptime: i32 },
    /// stats, with what follows it.
    Stats { what: &'a [u8] },
    /// version.
    Version,
    /// verbosity.
    Verbosity { level: u32 },
    /// cache_memlimit: the megabytes.
    CacheMemlimit { megabytes: u32 },
    /// Something that cannot be carried out: what to answer, how many bytes
    /// that follow are not to be read as commands, and a key whose item must
    /// go, since its replacement was refused.
    Refused { reply: &'static str, swallow: u64, stale: Option<&'a [u8]> },
    /// quit, or something that only closing answers.
    Close,
}

/// What stands at the start of the input.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Parsed<'a> {
    /// A part of a request: more is needed, `need` bytes in all at least.
    Incomplete { need: usize },
    /// A request, the bytes that it takes up, and whether it wants no reply.
    Request { request: Request<'a>, used: usize, noreply: bool },
}

/// Reads the request at the start of the input.
pub fn parse(input: &[u8], limits: Limits) -> Parsed<'_> {
    let Some(newline) = memchr(b'\n', input) else {
        return unfinished(input, limits);
    };
    let used = newline + 1;
    let line = &input[..newline];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let done = |request, noreply| Parsed::Request { request, used, noreply };
    if used < 4 {
        return done(refused(CLIENT_ERROR_FORMAT), false);
    }
    let (name, rest) = line.split_at(memchr(b' ', line).unwrap_or(line.len()));
    match name {
        b"get" => done(get(rest, false), false),
        b"gets" => done(get(rest, true), false),
        b"gat" => done(get_and_touch(rest, false), false),
        b"gats" => done(get_and_touch(rest, true), false),
        b"set" => store(Mode::Set, input, used, line, limits),
        b"add" => store(Mode::Add, input, used, line, limits),
        b"replace" => store(Mode::Replace, input, used, line, limits),
        b"append" => store(Mode::Append, input, used, line, limits),
        b"prepend" => store(Mode::Prepend, input, used, line, limits),
        b"cas" => store(Mode::Cas(0), input, used, line, limits),
        b"quit" => done(Request::Close, false),
        b"version" => done(Request::Version, false),
        b"stats" => done(Request::Stats { what: rest }, false),
        _ => {
            let words = Words::of(line);
            let noreply = words.noreply();
            match other(name, &words) {
                // What has too few words for its command is answered anyway.
                Err(reply) => done(refused(reply), false),
                Ok(request) => done(request, noreply),
            }
        }
    }
}

/// A line without an end.
fn unfinished(input: &[u8], limits: Limits) -> Parsed<'_> {
    let close = Parsed::Request { request: Request::Close, used: input.len(), noreply: false };
    if input.len() > MAX_LINE {
        let start = input.iter().position(|&byte| byte != b' ').unwrap_or(input.len());
        let command = &input[start..];
        let get = command.starts_with(b"get ") || command.starts_with(b"gets ");
        if start > 100 || !get || input.len() >= limits.keys_line {
            return close;
        }
    }
    Parsed::Incomplete { need: input.len() + 1 }
}

fn refused(reply: &'static str) -> Request<'static> {
    Request::Refused { reply, swallow: 0, stale: None }
}

fn get(rest: &[u8], cas: bool) -> Request<'_> {
    match check_keys(rest) {
        Some(keys) => Request::Get { keys, cas },
        None => refused(CLIENT_ERROR_FORMAT),
    }
}

fn get_and_touch(rest: &[u8], cas: bool) -> Request<'_> {
    let mut keys = Keys(rest);
    let Some(first) = keys.take() else { return refused(CLIENT_ERROR_FORMAT) };
    if split(keys.0).next().is_none() {
        return refused(CLIENT_ERROR_FORMAT);
    }
    let Some(exptime) = signed_32(first) else { return refused(BAD_EXPTIME) };
    match check_keys(keys.0) {
        Some(keys) => Request::GetAndTouch { keys, cas, exptime },
        None => refused(CLIENT_ERROR_FORMAT),
    }
}

/// The keys of a line, at least one, none too long: one bad key spoils the
/// whole answer.
fn check_keys(line: &[u8]) -> Option<Keys<'_>> {
    let mut keys = Keys(line);
    let mut some = false;
    while let Some(key) = keys.take() {
        some = true;
        if key.len() > MAX_KEY {
            return None;
        }
    }
    some.then_some(Keys(line))
}

/// The storage commands: `<command> key flags exptime bytes [unique] [noreply]`,
/// and the data behind the line.
fn store<'a>(
    mode: Mode,
    input: &'a [u8],
    used: usize,
    line: &'a [u8],
    limits: Limits,
) -> Parsed<'a> {
    let words = Words::of(line);
    let noreply = words.noreply();
    let len = if words.len() < 5 { None } else { signed_32(words.word(4)) };
    // Without a length it is not known where the data ends: what follows is
    // read as commands.
    let Some(len) = len.filter(|&len| (0..=i32::MAX - 2).contains(&len)) else {
        return Parsed::Request { request: refused(CLIENT_ERROR_FORMAT), used, noreply: false };
    };
    let len = len.unsigned_abs() as usize;
    let swallow = len as u64 + 2;
    let refuse = |reply, stale| Parsed::Request {
        request: Request::Refused { reply, swallow, stale },
        used,
        noreply,
    };
    let key = words.word(1);
    let unique = match mode {
        Mode::Cas(_) => unsigned_64(words.word(5)).map(Mode::Cas),
        mode => Some(mode),
    };
    let (Some(flags), Some(exptime), Some(mode), true) =
        (flags(words.word(2)), exptime(words.word(3)), unique, key.len() <= MAX_KEY)
    else {
        return refuse(CLIENT_ERROR_FORMAT, None);
    };
    if len > max_data(limits.item_size, key.len(), flags) {
        // An item that is to be replaced must not be served any more.
        return refuse(TOO_LARGE, (mode == Mode::Set).then_some(key));
    }
    let end = used + len + 2;
    let Some(data) = input.get(used..end) else { return Parsed::Incomplete { need: end } };
    let request = match data.strip_suffix(b"\r\n") {
        Some(data) => Request::Store { mode, item: NewItem { key, flags, exptime, data } },
        None => refused(BAD_CHUNK),
    };
    Parsed::Request { request, used: end, noreply }
}

/// The commands whose name may stand behind spaces, those that are rare, and
/// those that are none. Err: a line with too few words, which is answered even
/// where it says noreply.
fn other<'a>(name: &[u8], words: &Words<'a>) -> Result<Request<'a>, &'static str> {
    let key = words.word(1);
    let want = |count| if words.len() < count { Err(CLIENT_ERROR_FORMAT) } else { Ok(()) };
    Ok(match name {
        b"delete" => {
            want(2)?;
            with_key(key, || Request::Delete { key })
        }
        b"incr" | b"decr" => {
            want(3)?;
            let delta = if name == b"incr" { Delta::Incr } else { Delta::Decr };
            with_key(key, || match unsigned_64(words.word(2)) {
                Some(by) => Request::Arithmetic { key, delta: delta(by) },
                None => refused(BAD_DELTA),
            })
        }
        b"touch" => {
            want(3)?;
            with_key(key, || match signed_32(words.word(2)) {
                Some(exptime) => Request::Touch { key, exptime },
                None => refused(BAD_EXPTIME),
            })
        }
        _ => match words.word(0) {
            b"flush_all" => flush_all(words),
            b"verbosity" => match unsigned_32(words.word(1)) {
                Some(level) => Request::Verbosity { level },
                None => refused(CLIENT_ERROR_FORMAT),
            },
            b"cache_memlimit" => match unsigned_32(words.word(1)) {
                Some(megabytes) => Request::CacheMemlimit { megabytes },
                None => refused(ERROR),
            },
            b"shutdown" => refused("SERVER_ERROR: shutdown not enabled\r\n"),
            _ if words.len() > 1 && words.last().starts_with(b"HTTP/") => Request::Close,
            _ => refused(ERROR),
        },
    })
}

fn with_key<'a>(key: &[u8], request: impl FnOnce() -> Request<'a>) -> Request<'a> {
    if key.len() > MAX_KEY { refused(CLIENT_ERROR_FORMAT) } else { request() }
}

fn flush_all<'a>(words: &Words<'a>) -> Request<'a> {
    if words.len() == 1 || (words.len() == 2 && words.noreply()) {
        return Request::FlushAll { exptime: 0 };
    }
    match signed_32(words.word(1)) {
        Some(exptime) => Request::FlushAll { exptime },
        None => refused(BAD_EXPTIME),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { item_size: 1 << 20, keys_line: 1 << 20 };

    fn request(input: &[u8]) -> (Request<'_>, usize, bool) {
        match parse(input, LIMITS) {
            Parsed::Request { request, used, noreply } => (request, used, noreply),
            Parsed::Incomplete { need } => panic!("incomplete, needs {need}"),
        }
    }

    fn reply(input: &[u8]) -> (&str, u64) {
        match request(input).0 {
            Request::Refused { reply, swallow, .. } => (reply, swallow),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_value_is_waited_for_and_taken_whole() {
        let input = b"set key 5 0 3\r\nabc\r\nget key\r\n";
        for len in 15..20 {
            assert!(matches!(parse(&input[..len], LIMITS), Parsed::Incomplete { need: 20 }));
        }
        let (request, used, noreply) = request(input);
        assert_eq!((used, noreply), (20, false));
        let Request::Store { mode: Mode::Set, item } = request else { panic!("{request:?}") };
        assert_eq!((item.key, item.flags, item.data), (&b"key"[..], 5, &b"abc"[..]));
    }

    #[test]
    fn a_refused_value_is_swallowed_unless_its_length_is_unknown() {
        assert_eq!(reply(b"set k 0 0 -1\r\n"), (CLIENT_ERROR_FORMAT, 0));
        assert_eq!(reply(b"set k 0 0 2147483646\r\n"), (CLIENT_ERROR_FORMAT, 0));
        assert_eq!(reply(b"set k 0 0\r\n"), (CLIENT_ERROR_FORMAT, 0));
        assert_eq!(reply(b"set k x 0 5\r\n"), (CLIENT_ERROR_FORMAT, 7));
        assert_eq!(reply(b"cas k 0 0 5\r\n"), (CLIENT_ERROR_FORMAT, 7));
        assert_eq!(reply(b"set k 0 0 2147483645\r\n"), (TOO_LARGE, 2_147_483_647));
        assert_eq!(reply(b"set k 0 0 1\r\nabc"), (BAD_CHUNK, 0));
    }

    #[test]
    fn the_largest_value_is_memcached_s() {
        let largest = |flags: u32| max_data(LIMITS.item_size, 1, flags);
        assert_eq!((largest(0), largest(1)), (1_048_516, 1_048_512));
        assert!(matches!(
            parse(b"set k 0 0 1048516\r\n", LIMITS),
            Parsed::Incomplete { need: 1_048_537 }
        ));
        let (request, ..) = request(b"set k 0 0 1048517\r\n");
        assert!(matches!(request, Request::Refused { stale: Some(b"k"), .. }));
    }

    #[test]
    fn noreply_silences_a_command_that_was_understood() {
        assert!(request(b"delete k noreply\r\n").2);
        assert!(request(b"incr k x noreply\r\n").2);
        assert!(!request(b"incr noreply\r\n").2);
        assert!(request(b"nonsense noreply\r\n").2);
        assert!(!request(b"get noreply\r\n").2);
    }

    #[test]
    fn an_endless_line_closes_unless_it_is_a_get() {
        let long = [b'x'; 3000];
        assert!(matches!(parse(&long, LIMITS), Parsed::Request { request: Request::Close, .. }));
        let mut get = b"get ".to_vec();
        get.resize(100_000, b'x');
        assert!(matches!(parse(&get, LIMITS), Parsed::Incomplete { .. }));
        get.resize(LIMITS.keys_line, b'x');
        assert!(matches!(parse(&get, LIMITS), Parsed::Request { request: Request::Close, .. }));
    }

    #[test]
    fn keys_are_taken_one_by_one_up_to_the_line_s_end() {
        let (Request::Get { mut keys, .. }, ..) = request(b"get a  bb ccc \r\n") else { panic!() };
        assert_eq!(keys.take(), Some(&b"a"[..]));
        assert_eq!(keys.left(), b"  bb ccc ".len());
        assert_eq!(keys.take(), Some(&b"bb"[..]));
        assert_eq!(keys.take(), Some(&b"ccc"[..]));
        assert_eq!(keys.take(), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_within_their_bounds(
            command in prop::sample::select(vec!["", "get ", "set ", "cas ", "incr ", "gat "]),
            rest: Vec<u8>,
        ) {
            let mut input = command.as_bytes().to_vec();
            input.extend(rest);
            match parse(&input, LIMITS) {
                Parsed::Request { used, .. } => prop_assert!(0 < used && used <= input.len()),
                Parsed::Incomplete { need } => prop_assert!(need > input.len()),
            }
        }
    }
}
