//! Carries out requests of the text protocol.

use super::{
    PROTOCOL_VERSION, Settings,
    output::Output,
    stats::{Counters, Statistics},
};
use crate::{
    engine::{
        Answer, Arithmetic, Client, Delta, Engine, Item, Lookup, Mode, NewItem, Stored, Unanswered,
    },
    host::{Failure, Pins},
    protocol::text::{Keys, Request, client_error, number, server_error, stat, value_head},
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

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Its answer comes later: it is to be carried out again.
    Later,
    /// The engine closes the connection.
    Closed,
}

/// Why a get ends before its keys do.
pub(super) enum Broken {
    /// By a failure that the client has been told.
    Reported,
    /// As any request may.
    Held(Held),
}

/// What `cache_memlimit` answers below this, as memcached does.
const LEAST_MEGABYTES: u32 = 8;
const MOST_MEGABYTES: u32 = 1_000_000_000;

impl Context {
    /// Carries out a request that answers with one line, or with a report.
    /// Everything but the gets, `Refused` and `Close`.
    pub fn carry_out(
        &self,
        request: &Request<'_>,
        client: &mut dyn Client,
        out: &mut Vec<u8>,
    ) -> Result<(), Held> {
        let done = match *request {
            Request::Store { mode, ref item } => self.store(mode, item, client),
            Request::Delete { key } => self.delete(key, client),
            Request::Arithmetic { key, delta } => self.arithmetic(key, delta, client, out),
            Request::Touch { key, exptime } => self.touch(key, exptime, client),
            Request::FlushAll { exptime } => client.flush(exptime).map(|()| {
                self.counters.cmd_flush.one();
                "OK\r\n"
            }),
            Request::Stats { what } => self.stats(what.trim_ascii(), client, out),
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
            Err(unanswered) => self.unanswered(&unanswered, out)?,
        }
        Ok(())
    }

    /// Tells the client why there is no answer, if that is to be told now.
    pub fn unanswered(&self, why: &Unanswered, out: &mut Vec<u8>) -> Result<(), Held> {
        match why {
            Unanswered::Failed(failure) => self.failed(failure, out),
            Unanswered::Refused(reason) => client_error(out, reason),
            Unanswered::Later => return Err(Held::Later),
            Unanswered::Disconnect => return Err(Held::Closed),
        }
        Ok(())
    }

    /// Answers and logs a failure.
    fn failed(&self, failure: &Failure, out: &mut Vec<u8>) {
        self.counters.engine_errors.one();
        self.failures.log(failure);
        server_error(out, &failure.text);
    }

    fn store(
        &self,
        mode: Mode,
        item: &NewItem<'_>,
        client: &mut dyn Client,
    ) -> Answer<&'static str> {
        let count = &self.counters;
        let stored = client.store(mode, item);
        if !matches!(stored, Err(Unanswered::Later)) {
            count.cmd_set.one();
        }
        let stored = stored?;
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

    fn delete(&self, key: &[u8], client: &mut dyn Client) -> Answer<&'static str> {
        if client.delete(key)? {
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
        client: &mut dyn Client,
        out: &mut Vec<u8>,
    ) -> Answer<&'static str> {
        let (hits, misses) = match delta {
            Delta::Incr(_) => (&self.counters.incr_hits, &self.counters.incr_misses),
            Delta::Decr(_) => (&self.counters.decr_hits, &self.counters.decr_misses),
        };
        Ok(match client.arithmetic(key, delta)? {
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

    fn touch(&self, key: &[u8], exptime: i32, client: &mut dyn Client) -> Answer<&'static str> {
        if client.touch(key, exptime)? {
            self.counters.touch_hits.one();
            Ok("TOUCHED\r\n")
        } else {
            self.counters.touch_misses.one();
            Ok("NOT_FOUND\r\n")
        }
    }

    /// `stats`, with what follows it on the line.
    fn stats(
        &self,
        what: &[u8],
        client: &mut dyn Client,
        out: &mut Vec<u8>,
    ) -> Answer<&'static str> {
        let word = Keys::of(what).take().unwrap_or_default();
        match word {
            b"settings" => {
                self.settings.report().iter().for_each(|(name, value)| stat(out, name, value));
            }
            b"reset" => {
                client.reset_stats();
                self.statistics.reset();
                return Ok("RESET\r\n");
            }
            _ => {
                let engine = client.stats(what)?;
                let says = engine.as_deref().unwrap_or_default();
                match word {
                    b"" => self.statistics.general(out, &self.settings, says),
                    _ if !says.is_empty() => {
                        says.iter().for_each(|(name, value)| stat(out, name, value));
                    }
                    // There are no slabs: no class has items, and no sizes are kept.
                    b"items" => {}
                    b"slabs" => {
                        stat(out, "active_slabs", 0);
                        stat(out, "total_malloced", 0);
                    }
                    b"sizes" => stat(out, "sizes_status", "disabled"),
                    _ if engine.is_none() => return Ok("ERROR\r\n"),
                    _ => {}
                }
            }
        }
        Ok("END\r\n")
    }

    /// Answers keys of a get, in order, until the output has `limit` bytes; how
    /// many. Those behind them are to be asked for again. Err: nothing of the
    /// get is to follow, or all of it again.
    pub fn get<'p>(
        &self,
        keys: &[&[u8]],
        get: Get,
        limit: usize,
        client: &mut dyn Client,
        pins: &'p Pins,
        out: &mut Output<'p>,
    ) -> Result<usize, Broken> {
        let mut together = match (get.touch, keys) {
            (None, [_, _, ..]) => {
                let found = client.get_many(keys, pins);
                Some(self.found(found, out)?.into_iter())
            }
            _ => None,
        };
        // Where the engine owes the next answer, no other key may be asked for
        // before it: those that were found with it are answered now.
        let owes = together.as_ref().is_some_and(|found| found.len() < keys.len());
        for (answered, key) in keys.iter().enumerate() {
            if out.len() >= limit && !owes {
                return Ok(answered);
            }
            let found = match (&mut together, get.touch) {
                (Some(found), _) => found.next().ok_or(Unanswered::Later),
                (None, None) => client.get(key, pins),
                (None, Some(exptime)) => client.get_and_touch(key, exptime, pins),
            };
            if answered > 0 && matches!(found, Err(Unanswered::Later)) {
                return Ok(answered);
            }
            let found = self.found(found, out)?;
            self.count_lookup(get.touch.is_some(), &found);
            if let Lookup::Hit(item) = found {
                value(out, key, &item, get.cas);
            }
        }
        Ok(keys.len())
    }

    /// What was found, or its failure, told in the place of END so that it is
    /// not taken for a miss.
    fn found<T>(&self, found: Answer<T>, out: &mut Output<'_>) -> Result<T, Broken> {
        found.map_err(|why| match self.unanswered(&why, &mut out.bytes) {
            Ok(()) => Broken::Reported,
            Err(held) => Broken::Held(held),
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
            tracing::warn!("cache_memlimit {megabytes}: ignored, since the engine keeps the items");
            "OK\r\n"
        }
        _ => "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n",
    }
}
