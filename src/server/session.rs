//! A connection without its socket: input in, output out.

use super::{
    output::Output,
    text::{Context, Get},
};
use crate::{
    host::Pins,
    protocol::text::{Keys, Limits, Parsed, Request, end, parse},
};

/// A pass stops when it has answered so many bytes: what the socket does not
/// take is kept, and that is bounded by this and one item.
const OUTPUT_LIMIT: usize = 256 << 10;

/// A pass answers so many requests and keys at most; then others have their
/// turn.
const TURN: usize = 1000;

/// So many keys are looked up together, by engines that can.
const KEYS_AT_ONCE: usize = 16;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// More input: with what is left over, at least so many bytes.
    Input(usize),
    /// Its turn: the input is to be gone on with when the output is written.
    Again,
    /// Nothing: it is over when the output is written.
    Close,
}

/// What a connection remembers between passes.
#[derive(Default)]
pub(super) struct Session {
    /// How many bytes of input are to be thrown away.
    swallow: u64,
    /// A get in the middle of its keys; its line stays in the input until all
    /// are answered.
    unfinished: Option<Unfinished>,
    /// How many requests and keys this pass may still answer.
    turn: usize,
}

/// A get whose keys are not all answered.
#[derive(Clone, Copy)]
struct Unfinished {
    get: Get,
    /// Where in its line the next key is, and where the keys end.
    keys: (usize, usize),
    /// The length of the line, its end included.
    used: usize,
}

impl Session {
    /// Answers what is in the input, in order. Returns how many bytes of it are
    /// done with, and what comes next.
    pub fn drive<'p>(
        &mut self,
        input: &[u8],
        limits: Limits,
        context: &Context,
        pins: &'p Pins,
        out: &mut Output<'p>,
    ) -> (usize, Next) {
        let mut at = 0;
        self.turn = TURN;
        loop {
            let swallowed = self.swallow.min((input.len() - at) as u64);
            self.swallow -= swallowed;
            at += swallowed as usize;
            if at == input.len() {
                return (at, Next::Input(1));
            }
            if out.len() >= OUTPUT_LIMIT || self.turn == 0 {
                return (at, Next::Again);
            }
            if let Some(unfinished) = self.unfinished.take() {
                if !self.get(unfinished, &input[at..], context, pins, out) {
                    return (at, Next::Again);
                }
                at += unfinished.used;
                continue;
            }
            self.turn -= 1;
            let (request, used, noreply) = match parse(&input[at..], limits) {
                Parsed::Incomplete { need } => return (at, Next::Input(need)),
                Parsed::Request { request, used, noreply } => (request, used, noreply),
            };
            let line = &input[at..at + used];
            let before = out.bytes.len();
            match request {
                Request::Close => return (at + used, Next::Close),
                Request::Get { keys, cas } => {
                    self.unfinished = Some(Unfinished::new(line, keys, Get { cas, touch: None }));
                    continue;
                }
                Request::GetAndTouch { keys, cas, exptime } => {
                    let get = Get { cas, touch: Some(exptime) };
                    self.unfinished = Some(Unfinished::new(line, keys, get));
                    continue;
                }
                Request::Refused { reply, swallow, stale } => {
                    self.swallow = swallow;
                    match stale.map(|key| context.engine.delete(key)) {
                        Some(Err(failure)) => context.failed(&failure, &mut out.bytes),
                        _ => out.bytes.extend_from_slice(reply.as_bytes()),
                    }
                }
                ref other => context.carry_out(other, &mut out.bytes),
            }
            if noreply {
                out.bytes.truncate(before);
            }
            at += used;
        }
    }

    /// Goes on with a get, whose line the input begins with; false while keys
    /// are left.
    fn get<'p>(
        &mut self,
        mut unfinished: Unfinished,
        input: &[u8],
        context: &Context,
        pins: &'p Pins,
        out: &mut Output<'p>,
    ) -> bool {
        let (from, to) = unfinished.keys;
        let mut keys = Keys::of(&input[from..to]);
        while out.len() < OUTPUT_LIMIT && self.turn > 0 {
            let (some, left) = keys.take_some::<KEYS_AT_ONCE>();
            self.turn = self.turn.saturating_sub(some.len());
            let Ok(answered) = context.get(&some, unfinished.get, OUTPUT_LIMIT, pins, out) else {
                return true;
            };
            if let Some(&left) = left.get(answered) {
                // The output is full. This key and those behind it wait.
                keys = Keys::of(&input[to - left..to]);
            } else if some.len() < KEYS_AT_ONCE {
                end(&mut out.bytes);
                return true;
            }
        }
        unfinished.keys.0 = to - keys.left();
        self.unfinished = Some(unfinished);
        false
    }
}

impl Unfinished {
    /// A get of which no key is answered yet. Its keys stand at the end of the
    /// line.
    fn new(line: &[u8], keys: Keys<'_>, get: Get) -> Self {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let to = text.strip_suffix(b"\r").unwrap_or(text).len();
        Self { get, keys: (to - keys.left(), to), used: line.len() }
    }
}
