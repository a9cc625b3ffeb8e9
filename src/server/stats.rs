//! Counters, and the reports that `stats` makes of them.

use super::{PROTOCOL_VERSION, Settings};
use crate::protocol::text::stat;
use nix::sys::resource::{UsageWho, getrusage};
use std::{
    fmt::Display,
    process,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One worker's counters: written by it alone, read by any.
        #[derive(Default)]
        #[repr(align(128))]
        pub(super) struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        /// The counters of all workers, added up.
        #[derive(Default)]
        struct Totals {
            $($name: u64,)*
        }

        impl Counters {
            fn add_to(&self, totals: &mut Totals) {
                $(totals.$name += self.$name.get();)*
            }

            fn reset(&self) {
                $(self.$name.0.store(0, Relaxed);)*
            }
        }
    };
}

counters! {
    get_hits, get_misses, get_expired, get_flushed,
    cmd_set, total_items,
    cas_hits, cas_misses, cas_badval,
    delete_hits, delete_misses,
    incr_hits, incr_misses, decr_hits, decr_misses,
    touch_hits, touch_misses,
    cmd_flush,
    bytes_read, bytes_written,
    conn_yields, engine_errors,
}

/// A counter that one thread writes: no locked instruction is needed.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, by: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(by), Relaxed);
    }

    pub fn one(&self) {
        self.add(1);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What is counted for the server as a whole, and what the reports need.
pub(super) struct Statistics {
    started: Instant,
    workers: OnceLock<Box<[Arc<Counters>]>>,
    pub curr_connections: Arc<AtomicUsize>,
    pub total_connections: AtomicU64,
    pub rejected_connections: AtomicU64,
}

/// A report of the server's that the engine may have better words for.
struct Ours<'a> {
    out: &'a mut Vec<u8>,
    engine: &'a [(String, String)],
}

impl Ours<'_> {
    fn stat(&mut self, name: &str, value: impl Display) {
        if self.engine.iter().all(|(theirs, _)| theirs != name) {
            stat(self.out, name, value);
        }
    }
}

impl Statistics {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            workers: OnceLock::new(),
            curr_connections: Arc::default(),
            total_connections: AtomicU64::new(0),
            rejected_connections: AtomicU64::new(0),
        }
    }

    /// Makes the counters of the workers, once.
    pub fn workers(&self, count: usize) -> &[Arc<Counters>] {
        self.workers.get_or_init(|| (0..count).map(|_| Arc::default()).collect())
    }

    fn all_workers(&self) -> impl Iterator<Item = &Arc<Counters>> {
        self.workers.get().into_iter().flatten()
    }

    /// `stats reset`.
    pub fn reset(&self) {
        self.all_workers().for_each(|counters| counters.reset());
        self.total_connections.store(0, Relaxed);
        self.rejected_connections.store(0, Relaxed);
    }

    /// `stats`: memcached's names, and what they mean there; at the end what
    /// the engine reports, which stands for what is ours of the same name.
    pub fn general(&self, out: &mut Vec<u8>, settings: &Settings, engine: &[(String, String)]) {
        let mut ours = Ours { out, engine };
        let mut all = Totals::default();
        self.all_workers().for_each(|counters| counters.add_to(&mut all));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        ours.stat("pid", process::id());
        ours.stat("uptime", self.started.elapsed().as_secs());
        ours.stat("time", now.as_secs());
        ours.stat("version", PROTOCOL_VERSION);
        ours.stat("pointer_size", usize::BITS);
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            for (name, time) in
                [("rusage_user", usage.user_time()), ("rusage_system", usage.system_time())]
            {
                ours.stat(name, format_args!("{}.{:06}", time.tv_sec(), time.tv_usec()));
            }
        }
        ours.stat("max_connections", settings.connections);
        ours.stat("curr_connections", self.curr_connections.load(Relaxed));
        ours.stat("total_connections", self.total_connections.load(Relaxed));
        ours.stat("rejected_connections", self.rejected_connections.load(Relaxed));
        ours.stat("cmd_get", all.get_hits + all.get_misses);
        ours.stat("cmd_set", all.cmd_set);
        ours.stat("cmd_flush", all.cmd_flush);
        ours.stat("cmd_touch", all.touch_hits + all.touch_misses);
        for (name, count) in [
            ("get_hits", all.get_hits),
            ("get_misses", all.get_misses),
            ("get_expired", all.get_expired),
            ("get_flushed", all.get_flushed),
            ("delete_misses", all.delete_misses),
            ("delete_hits", all.delete_hits),
            ("incr_misses", all.incr_misses),
            ("incr_hits", all.incr_hits),
            ("decr_misses", all.decr_misses),
            ("decr_hits", all.decr_hits),
            ("cas_misses", all.cas_misses),
            ("cas_hits", all.cas_hits),
            ("cas_badval", all.cas_badval),
            ("touch_hits", all.touch_hits),
            ("touch_misses", all.touch_misses),
            ("bytes_read", all.bytes_read),
            ("bytes_written", all.bytes_written),
            ("conn_yields", all.conn_yields),
            ("engine_errors", all.engine_errors),
            ("total_items", all.total_items),
        ] {
            ours.stat(name, count);
        }
        // Nothing is bounded by memory, and nothing is evicted.
        ours.stat("limit_maxbytes", 0);
        ours.stat("evictions", 0);
        ours.stat("threads", settings.threads);
        engine.iter().for_each(|(name, value)| stat(out, name, value));
    }
}
