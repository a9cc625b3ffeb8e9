//! Counters, and the reports that `stats` makes of them.

use super::{PROTOCOL_VERSION, Settings};
use crate::{engine::Engine, protocol::text::stat};
use nix::sys::resource::{UsageWho, getrusage};
use std::{
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

    /// `stats`: memcached's names, and what they mean there.
    pub fn general(&self, out: &mut Vec<u8>, settings: &Settings, engine: &dyn Engine) {
        let mut all = Totals::default();
        self.all_workers().for_each(|counters| counters.add_to(&mut all));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        stat(out, "pid", process::id());
        stat(out, "uptime", self.started.elapsed().as_secs());
        stat(out, "time", now.as_secs());
        stat(out, "version", PROTOCOL_VERSION);
        stat(out, "pointer_size", usize::BITS);
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            for (name, time) in
                [("rusage_user", usage.user_time()), ("rusage_system", usage.system_time())]
            {
                stat(out, name, format_args!("{}.{:06}", time.tv_sec(), time.tv_usec()));
            }
        }
        stat(out, "max_connections", settings.connections);
        stat(out, "curr_connections", self.curr_connections.load(Relaxed));
        stat(out, "total_connections", self.total_connections.load(Relaxed));
        stat(out, "rejected_connections", self.rejected_connections.load(Relaxed));
        stat(out, "cmd_get", all.get_hits + all.get_misses);
        stat(out, "cmd_set", all.cmd_set);
        stat(out, "cmd_flush", all.cmd_flush);
        stat(out, "cmd_touch", all.touch_hits + all.touch_misses);
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
            stat(out, name, count);
        }
        match engine.items() {
            Ok(items) => stat(out, "curr_items", items),
            Err(failure) => tracing::warn!("the items cannot be counted: {failure}"),
        }
        // Nothing is bounded by memory, and nothing is evicted.
        stat(out, "limit_maxbytes", 0);
        stat(out, "evictions", 0);
        stat(out, "threads", settings.threads);
    }

    /// `stats settings`.
    pub fn settings(&self, out: &mut Vec<u8>, settings: &Settings) {
        stat(out, "maxbytes", 0);
        stat(out, "maxconns", settings.connections);
        stat(out, "tcpport", settings.listen.port());
        stat(out, "udpport", 0);
        stat(out, "inter", settings.listen.ip());
        stat(out, "evictions", "off");
        stat(out, "num_threads", settings.threads);
        stat(out, "cas_enabled", "yes");
        stat(out, "item_size_max", settings.item_size);
        stat(out, "maxconns_fast", "yes");
        stat(out, "flush_enabled", "yes");
        stat(out, "binding_protocol", "ascii");
    }
}
