//! Syncs: how safe a write is when it is acknowledged, and many writers to one.
//!
//! A stamp is the number of syncs that had begun at some moment. What was in the
//! file at that moment has been synced when a sync with a higher number has
//! ended.

use crate::{
    file::{failed, sync_data},
    sync::{
        Instant,
        atomic::{
            AtomicBool, AtomicU32, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
        standard::{Condvar, Mutex, PoisonError},
        thread,
    },
};
use kumo_plugin::{Error, ErrorCode};
use std::{fs::File, path::Path, time::Duration};

/// What is promised of an acknowledged write. It always survives the end of the
/// process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Nothing more.
    None,
    /// It survives a loss of power that comes later than so long after it, and
    /// at any time the database is one that was there.
    Interval(Duration),
    /// It survives a loss of power.
    Always,
}

impl Level {
    /// Reads the parameter: `none`, `interval`, `interval:MS` or `always`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            None if text == "none" => Ok(Self::None),
            None if text == "always" => Ok(Self::Always),
            None if text == "interval" => Ok(Self::Interval(Duration::from_millis(1000))),
            Some(("interval", ms)) if ms.parse::<u32>().is_ok_and(|ms| ms > 0) => {
                Ok(Self::Interval(Duration::from_millis(ms.parse().unwrap_or(1000))))
            }
            _ => Err(Error::invalid(format!(
                "sync={text}: write none, interval, interval:MILLISECONDS or always"
            ))),
        }
    }
}

pub(crate) struct Syncer {
    pub level: Level,
    begun: AtomicU64,
    ended: AtomicU64,
    /// How many have come to wait for the next sync.
    waiting: AtomicU32,
    /// Whether someone is at it. Of the standard library, since its notice wakes
    /// all who wait at once, and not one by one.
    is_led: Mutex<bool>,
    finished: Condvar,
    /// How many waited for the last sync, and how many nanoseconds it took.
    last: AtomicU32,
    took: AtomicU64,
    /// Whether a sync has failed.
    has_failed: AtomicBool,
}

impl Syncer {
    pub fn new(level: Level) -> Self {
        Self {
            level,
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            waiting: AtomicU32::new(0),
            is_led: Mutex::new(false),
            finished: Condvar::new(),
            last: AtomicU32::new(0),
            took: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
        }
    }

    /// How many syncs there have been.
    pub fn count(&self) -> u64 {
        self.ended.load(Relaxed)
    }

    /// A stamp of what is in the file now.
    #[inline]
    pub fn stamp(&self) -> u64 {
        self.begun.load(SeqCst)
    }

    /// Whether what was in the file at a stamp counts as safe.
    pub fn is_safe(&self, stamp: u64) -> bool {
        self.level == Level::None || self.ended.load(SeqCst) > stamp
    }

    /// Returns when what was in the file at a stamp has been synced. One of those
    /// who wait syncs for all.
    ///
    /// After a failure the system may have dropped what it could not write, and
    /// a later sync would know nothing of it; so from then on all of them fail.
    ///
    /// `gate` runs what begins a sync, perhaps at a moment when no one writes.
    pub fn wait(
        &self,
        stamp: u64,
        file: &File,
        path: &Path,
        gate: impl Fn(&mut dyn FnMut()),
    ) -> Result<(), Error> {
        self.waiting.fetch_add(1, SeqCst);
        loop {
            {
                let mut is_led = self.is_led.lock().unwrap_or_else(PoisonError::into_inner);
                while *is_led && self.ended.load(SeqCst) <= stamp {
                    let woken = self.finished.wait(is_led);
                    is_led = woken.unwrap_or_else(PoisonError::into_inner);
                }
                if self.ended.load(SeqCst) > stamp {
                    return Ok(());
                }
                self.check(path)?;
                *is_led = true;
            }
            let leader = Leader(self);
            self.gather();
            let mut waiting = 0;
            gate(&mut || {
                waiting = self.waiting.swap(0, SeqCst);
                self.begun.fetch_add(1, SeqCst);
            });
            self.last.store(waiting, Relaxed);
            let number = self.begun.load(SeqCst);
            let began = Instant::now();
            if let Err(error) = sync_data(file) {
                self.fail();
                drop(leader);
                return Err(failed("cannot sync", path, &error));
            }
            self.took.store(began.elapsed().as_nanos() as u64, Relaxed);
            self.ended.store(number, SeqCst);
        }
    }

    /// Before a sync: those who waited for the last one may be about to write
    /// again, and would have to wait for the next. They get as long as half a sync
    /// takes.
    fn gather(&self) {
        let most = self.last.load(Relaxed);
        if self.waiting.load(Relaxed) >= most {
            return;
        }
        let until = Instant::now() + Duration::from_nanos(self.took.load(Relaxed) / 2);
        while self.waiting.load(Relaxed) < most && Instant::now() < until {
            thread::yield_now();
        }
    }

    /// From now on no sync is believed.
    pub fn fail(&self) {
        self.has_failed.store(true, SeqCst);
    }

    /// An error if a sync has failed.
    pub fn check(&self, path: &Path) -> Result<(), Error> {
        if !self.has_failed.load(SeqCst) {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::Io,
            format!(
                "{}: an earlier sync failed, so what was written before it may be lost; check \
                 the disk, restart the server, and verify the database",
                path.display()
            ),
        ))
    }
}

/// The one who syncs, until it is dropped.
struct Leader<'a>(&'a Syncer);

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        *self.0.is_led.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.finished.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_and_others_refused() {
        let interval = |ms| Level::Interval(Duration::from_millis(ms));
        for (text, level) in [
            ("none", Level::None),
            ("always", Level::Always),
            ("interval", interval(1000)),
            ("interval:50", interval(50)),
        ] {
            assert_eq!(Level::parse(text).unwrap(), level);
        }
        for text in ["", "never", "interval:", "interval:0", "interval:-1", "always:1", "none:1"] {
            assert!(Level::parse(text).unwrap_err().text().contains("interval"), "{text}");
        }
    }

    #[test]
    fn a_sync_makes_safe_what_was_there_before_it_began() {
        let file = tempfile::tempfile().unwrap();
        let syncer = Syncer::new(Level::Always);
        let stamp = syncer.stamp();
        assert!(!syncer.is_safe(stamp));
        syncer.wait(stamp, &file, Path::new("db"), |begin| begin()).unwrap();
        assert!(syncer.is_safe(stamp) && !syncer.is_safe(syncer.stamp()));
        syncer.wait(stamp, &file, Path::new("db"), |begin| begin()).unwrap();
        assert_eq!(syncer.count(), 1);
    }

    #[test]
    fn one_sync_is_for_all_who_wait() {
        const WRITERS: u32 = 8;
        let file = tempfile::tempfile().unwrap();
        let syncer = Syncer::new(Level::Always);
        thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    let stamp = syncer.stamp();
                    let wait = syncer.wait(stamp, &file, Path::new("db"), |begin| {
                        while syncer.waiting.load(SeqCst) < WRITERS {
                            thread::yield_now();
                        }
                        begin();
                    });
                    wait.unwrap();
                    assert!(syncer.is_safe(stamp));
                });
            }
        });
        assert_eq!(syncer.count(), 1);
    }

    #[test]
    fn a_failure_is_told_to_all_who_wait_and_to_all_later() {
        // It cannot be synced.
        let file = File::open("/dev/null").unwrap();
        let syncer = Syncer::new(Level::Always);
        let wait = || syncer.wait(syncer.stamp(), &file, Path::new("db"), |begin| begin());
        thread::scope(|scope| {
            let waits: Vec<_> = (0..4).map(|_| scope.spawn(wait)).collect();
            for waited in waits {
                let error = waited.join().unwrap().unwrap_err();
                assert!(error.text().contains("sync"), "{error}");
            }
        });
        let error = wait().unwrap_err();
        assert_eq!(error.code(), ErrorCode::Io);
        assert!(error.text().contains("an earlier sync failed"), "{error}");
        assert!(!syncer.is_safe(0));
        assert_eq!(syncer.count(), 0);
    }
}
