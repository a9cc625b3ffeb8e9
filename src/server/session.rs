//! A connection without its socket: input in, output out.

use super::{output::Output, text::Context};
use crate::{
    host::Pins,
    protocol::text::{Keys, Limits, Parsed, Request, parse},
};

/// A pass stops when it has answered so many bytes: what the socket does not
/// take is kept, and that is bounded by this and one item.
const OUTPUT_LIMIT: usize = 256 << 10;

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
    /// In the middle of a get: how many bytes of its line's end are not
    /// answered. The line stays in the input until all are.
    keys_left: Option<usize>,
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
        loop {
            let swallowed = self.swallow.min((input.len() - at) as u64);
            self.swallow -= swallowed;
            at += swallowed as usize;
            if at == input.len() {
                return (at, Next::Input(1));
            }
            if out.len() >= OUTPUT_LIMIT {
                return (at, Next::Again);
            }
            let (request, used, noreply) = match parse(&input[at..], limits) {
                Parsed::Incomplete { need } => return (at, Next::Input(need)),
                Parsed::Request { request, used, noreply } => (request, used, noreply),
            };
            match request {
                Request::Close => return (at + used, Next::Close),
                Request::Get { keys, cas } => {
                    if !self.get(keys, cas, None, context, pins, out) {
                        return (at, Next::Again);
                    }
                }
                Request::GetAndTouch { keys, cas, exptime } => {
                    if !self.get(keys, cas, Some(exptime), context, pins, out) {
                        return (at, Next::Again);
                    }
                }
                Request::Refused { reply, swallow, stale } => {
                    self.swallow = swallow;
                    if let Some(Err(failure)) = stale.map(|key| context.engine.delete(key)) {
                        context.failed(&failure, &mut out.bytes);
                    } else if !noreply {
                        out.bytes.extend_from_slice(reply.as_bytes());
                    }
                }
                ref other => {
                    let before = out.bytes.len();
                    context.carry_out(other, &mut out.bytes);
                    if noreply {
                        out.bytes.truncate(before);
                    }
                }
            }
            at += used;
        }
    }

    /// Answers a get, or goes on with one; false while keys are left.
    fn get<'p>(
        &mut self,
        keys: Keys<'_>,
        cas: bool,
        touch: Option<i32>,
        context: &Context,
        pins: &'p Pins,
        out: &mut Output<'p>,
    ) -> bool {
        let mut keys = self.keys_left.take().map_or(keys, |left| keys.last(left));
        let ended = context.get(&mut keys, cas, touch, pins, out, OUTPUT_LIMIT);
        if !ended {
            self.keys_left = Some(keys.left());
        }
        ended
    }
}
