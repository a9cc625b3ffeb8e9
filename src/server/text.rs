//! Carries out requests of the text protocol.

use super::{
    PROTOCOL_VERSION, Settings,
    output::Output,
    stats::{Counters, Statistics},
};
use crate::{
    engine::{Arithmetic, Delta, Engine, Item, Lookup, Mode, NewItem, Stored},
    host::{Failure, Pins},
    protocol::text::{Keys, Request, number, server_error, stat, value_head},
};
use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant},
};

/// What a request is carried out with.
pub(super) struct Context {
    pub engine: Arc<dyn Engine>,
    pub settings: Arc<Settings>,
    pub statistics: Arc<Statistics>,
    /// This worker's.
    pub counters: Arc<Counters>,
    /// This worker's too.
    pub failures: FailureLog,
}

/// Logs failures, one line a second at most: a disk that is full would fill
/// the log as well.
#[derive(Default)]
pub(super) struct FailureLog {
    last: Cell<Option<Instant>>,
    held_back: Cell<u64>,
}

impl FailureLog {
    fn log(&self, failure: &Failure) {
        if self.last.get().is_some_and(|last| last.elapsed() < Duration::from_secs(1)) {
            self.held_back.set(self.held_back.get() + 1);
            return;
        }
        self.last.set(Some(Instant::now()));
        match self.held_back.take() {
            0 => tracing::error!("{failure}"),
            more => tracing::error!("{failure} (and {more} failures before it)"),
        }
    }
}

/// What a get asks for, its keys apart.
#[derive(Clone, Copy)]
pub(super) struct Get {
    /// The CAS unique too.
    pub cas: bool,
    /// A new expiry.
    pub touch: Option<i32>,
}

/// A failure that the client has been told.
pub(super) struct Reported;

/// What `cache_memlimit` answers below this, as memcached does.
const LEAST_MEGABYTES: u32 = 8;
const MOST_MEGABYTES: u32 = 1_000_000_000;

impl Context {
    /// Carries out a request that answers with one line, or with a report.
    /// Everything but the gets, `Refused` and `Close`.
    pub fn carry_out(&self, request: &Request<'_>, out: &mut Vec<u8>) {
        let done = match *request {
            Request::Store { mode, ref item } => self.store(mode, item),
            Request::Delete { key } => self.delete(key),
            Request::Arithmetic { key, delta } => self.arithmetic(key, delta, out),
            Request::Touch { key, exptime } => self.touch(key, exptime),
            Request::FlushAll { exptime } => {
                self.counters.cmd_flush.one();
                self.engine.flush(exptime).map(|()| "OK\r\n")
            }
            Request::Stats { what } => Ok(self.stats(what, out)),
            Request::Version => {
                out.extend_from_slice(b"VERSION ");
                out.extend_from_slice(PROTOCOL_VERSION.as_bytes());
                Ok("\r\n")
            }
            Request::Verbosity { level } => {
                (self.settings.verbosity)(level);
                Ok("OK\r\n")
            }
            Request::CacheMemlimit { megabytes } => Ok(memory_limit(megabytes)),
            Request::Get { .. }
            | Request::GetAndTouch { .. }
            | Request::Refused { .. }
            | Request::Close => Ok(""),
        };
        match done {
            Ok(reply) => out.extend_from_slice(reply.as_bytes()),
            Err(failure) => self.failed(&failure, out),
        }
    }

    /// Answers and logs a failure.
    pub fn failed(&self, failure: &Failure, out: &mut Vec<u8>) {
        self.counters.engine_errors.one();
        self.failures.log(failure);
        server_error(out, &failure.text);
    }

    fn store(&self, mode: Mode, item: &NewItem<'_>) -> Result<&'static str, Failure> {
        let count = &self.counters;
        count.cmd_set.one();
        let stored = self.engine.store(mode, item)?;
        match (mode, stored) {
            (Mode::Cas(_), Stored::Stored) => count.cas_hits.one(),
            (Mode::Cas(_), Stored::Exists) => count.cas_badval.one(),
            (Mode::Cas(_), Stored::NotFound) => count.cas_misses.one(),
            _ => {}
        }
        Ok(match stored {
            Stored::Stored => {
                count.total_items.one();
                "STORED\r\n"
            }
            Stored::NotStored | Stored::TooLarge => "NOT_STORED\r\n",
            Stored::Exists => "EXISTS\r\n",
            Stored::NotFound => "NOT_FOUND\r\n",
        })
    }

    fn delete(&self, key: &[u8]) -> Result<&'static str, Failure> {
        if self.engine.delete(key)? {
            self.counters.delete_hits.one();
            Ok("DELETED\r\n")
        } else {
            self.counters.delete_misses.one();
            Ok("NOT_FOUND\r\n")
        }
    }

    fn arithmetic(
        &self,
        key: &[u8],
        delta: Delta,
        out: &mut Vec<u8>,
    ) -> Result<&'static str, Failure> {
        let (hits, misses) = match delta {
            Delta::Incr(_) => (&self.counters.incr_hits, &self.counters.incr_misses),
            Delta::Decr(_) => (&self.counters.decr_hits, &self.counters.decr_misses),
        };
        Ok(match self.engine.arithmetic(key, delta)? {
            Arithmetic::Number(result) => {
                hits.one();
                number(out, result);
                ""
            }
            Arithmetic::NotFound => {
                misses.one();
                "NOT_FOUND\r\n"
            }
            Arithmetic::NonNumeric => {
                "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"
            }
        })
    }

    fn touch(&self, key: &[u8], exptime: i32) -> Result<&'static str, Failure> {
        if self.engine.touch(key, exptime)? {
            self.counters.touch_hits.one();
            Ok("TOUCHED\r\n")
        } else {
            self.counters.touch_misses.one();
            Ok("NOT_FOUND\r\n")
        }
    }

    /// `stats`, with what follows it on the line.
    fn stats(&self, what: &[u8], out: &mut Vec<u8>) -> &'static str {
        let mut words = Keys::of(what);
        match words.take() {
            None => self.statistics.general(out, &self.settings, &*self.engine),
            Some(b"storage") => match self.engine.storage_stats() {
                Ok(all) => all.iter().for_each(|(name, value)| stat(out, name, value)),
                Err(failure) => {
                    self.failed(&failure, out);
                    return "";
                }
            },
            Some(b"settings") => self.statistics.settings(out, &self.settings),
            Some(b"reset") => {
                self.statistics.reset();
                return "RESET\r\n";
            }
            // There are no slabs: no class has items, and no sizes are kept.
            Some(b"items") => {}
            Some(b"slabs") => {
                stat(out, "active_slabs", 0);
                stat(out, "total_malloced", 0);
            }
            Some(b"sizes") => stat(out, "sizes_status", "disabled"),
            Some(_) => return "ERROR\r\n",
        }
        "END\r\n"
    }

    /// Answers keys of a get, in order, until the output has `limit` bytes; how
    /// many. Err, reported: nothing of the get is to follow.
    pub fn get<'p>(
        &self,
        keys: &[&[u8]],
        get: Get,
        limit: usize,
        pins: &'p Pins,
        out: &mut Output<'p>,
    ) -> Result<usize, Reported> {
        let mut together = match (get.touch, keys) {
            (None, [_, _, ..]) => {
                let found = self.engine.get_many(keys, pins);
                Some(self.found(found, out)?.into_iter())
            }
            _ => None,
        };
        for (answered, key) in keys.iter().enumerate() {
            if out.len() >= limit {
                return Ok(answered);
            }
            let found = match (together.as_mut().and_then(Iterator::next), get.touch) {
                (Some(found), _) => found,
                (None, None) => self.found(self.engine.get(key, pins), out)?,
                (None, Some(exptime)) => {
                    self.found(self.engine.get_and_touch(key, exptime, pins), out)?
                }
            };
            self.count_lookup(get.touch.is_some(), &found);
            if let Lookup::Hit(item) = found {
                value(out, key, &item, get.cas);
            }
        }
        Ok(keys.len())
    }

    /// What was found, or its failure, told in the place of END so that it is
    /// not taken for a miss.
    fn found<T>(&self, found: Result<T, Failure>, out: &mut Output<'_>) -> Result<T, Reported> {
        found.map_err(|failure| {
            self.failed(&failure, &mut out.bytes);
            Reported
        })
    }

    fn count_lookup(&self, touch: bool, found: &Lookup<'_>) {
        let count = &self.counters;
        match (touch, found) {
            (false, Lookup::Hit(_)) => count.get_hits.one(),
            (false, _) => count.get_misses.one(),
            (true, Lookup::Hit(_)) => count.touch_hits.one(),
            (true, _) => count.touch_misses.one(),
        }
        match found {
            Lookup::Expired => count.get_expired.one(),
            Lookup::Flushed => count.get_flushed.one(),
            Lookup::Hit(_) | Lookup::Miss => {}
        }
    }
}

fn value<'p>(out: &mut Output<'p>, key: &[u8], item: &Item<'p>, cas: bool) {
    value_head(&mut out.bytes, key, item.flags, item.data.len(), cas.then_some(item.cas));
    out.data(item.data);
    out.bytes.extend_from_slice(b"\r\n");
}

/// `cache_memlimit`: there is no such limit here, and scripts set it.
fn memory_limit(megabytes: u32) -> &'static str {
    match megabytes {
        ..LEAST_MEGABYTES => "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n",
        LEAST_MEGABYTES..=MOST_MEGABYTES => {
            tracing::warn!("cache_memlimit {megabytes}: ignored, since items are kept on disk");
            "OK\r\n"
        }
        _ => "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n",
    }
}
