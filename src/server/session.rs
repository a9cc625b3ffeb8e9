//! A connection without its socket: input in, output out.

use super::{
    output::Output,
    text::{Broken, Context, Get, Held},
};
use crate::{
    engine::Client,
    host::Pins,
    protocol::text::{Keys, Limits, Parsed, Request, end, parse},
};
use std::future::poll_fn;

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
    /// The engine: the input is to be gone on with when [`Session::answered`]
    /// returns.
    Engine,
    /// Nothing: it is over when the output is written.
    Close,
}

/// What a connection remembers between passes.
pub(super) struct Session {
    client: Box<dyn Client>,
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
    /// The session of a client that has connected.
    pub fn new(client: Box<dyn Client>) -> Self {
        Self { client, swallow: 0, unfinished: None, turn: 0 }
    }

    /// Waits until the engine has the answer that it owes.
    pub async fn answered(&mut self) {
        poll_fn(|task| self.client.poll_ready(task)).await;
    }

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
                match self.get(unfinished, &input[at..], context, pins, out) {
                    Ok(true) => at += unfinished.used,
                    Ok(false) => return (at, Next::Again),
                    Err(Held::Later) => return (at, Next::Engine),
                    Err(Held::Closed) => return (at, Next::Close),
                }
                continue;
            }
            self.turn -= 1;
            let (request, used, noreply) = match parse(&input[at..], limits) {
                Parsed::Incomplete { need } => return (at, Next::Input(need)),
                Parsed::Request { request, used, noreply } => (request, used, noreply),
            };
            let line = &input[at..at + used];
            let before = out.bytes.len();
            let done = match request {
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
                    let done = match stale.map(|key| self.client.delete(key)) {
                        Some(Err(why)) => context.unanswered(&why, &mut out.bytes),
                        _ => {
                            out.bytes.extend_from_slice(reply.as_bytes());
                            Ok(())
                        }
                    };
                    if done.is_ok() {
                        self.swallow = swallow;
                    }
                    done
                }
                ref other => context.carry_out(other, &mut *self.client, &mut out.bytes),
            };
            match done {
                Ok(()) => {}
                Err(Held::Later) => return (at, Next::Engine),
                Err(Held::Closed) => return (at, Next::Close),
            }
            if noreply {
                out.bytes.truncate(before);
            }
            at += used;
        }
    }

    /// Goes on with a get, whose line the input begins with; false while keys
    /// are left that others go before.
    fn get<'p>(
        &mut self,
        mut unfinished: Unfinished,
        input: &[u8],
        context: &Context,
        pins: &'p Pins,
        out: &mut Output<'p>,
    ) -> Result<bool, Held> {
        let (from, to) = unfinished.keys;
        let mut keys = Keys::of(&input[from..to]);
        while out.len() < OUTPUT_LIMIT && self.turn > 0 {
            let (some, left) = keys.take_some::<KEYS_AT_ONCE>();
            self.turn = self.turn.saturating_sub(some.len());
            let client = &mut *self.client;
            match context.get(&some, unfinished.get, OUTPUT_LIMIT, client, pins, out) {
                Ok(answered) => {
                    if let Some(&left) = left.get(answered) {
                        // The output is full, or the engine is not ready. This
                        // key and those behind it wait.
                        keys = Keys::of(&input[to - left..to]);
                    } else if some.len() < KEYS_AT_ONCE {
                        end(&mut out.bytes);
                        return Ok(true);
                    }
                }
                Err(Broken::Reported) => return Ok(true),
                Err(Broken::Held(held)) => {
                    if let Some(&left) = left.first() {
                        unfinished.keys.0 = to - left;
                    }
                    self.unfinished = Some(unfinished);
                    return Err(held);
                }
            }
        }
        unfinished.keys.0 = to - keys.left();
        self.unfinished = Some(unfinished);
        Ok(false)
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
