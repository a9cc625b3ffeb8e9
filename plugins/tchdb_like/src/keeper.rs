//! The thread that does what is due: syncs, room to give back, chunks to empty,
//! checkpoints.
//!
//! The disk holds at most twice what lives and 16 MiB. The thread begins to empty
//! chunks some way below that; where writers are faster than it is, they are
//! slowed down, and at last wait for it.

use crate::{
    chunk::CHUNK,
    compact::BATCH,
    database::Core,
    index::SHARDS,
    sync::{
        Arc, Condvar, Instant, Mutex, MutexGuard,
        atomic::{
            AtomicBool,
            Ordering::{Relaxed, SeqCst},
        },
        thread::{self, JoinHandle},
    },
    syncer::Level,
};
use kumo_plugin::{Error, LogLevel};
use std::{io, time::Duration};

/// How often it looks when nobody wakes it.
const IDLE: Duration = Duration::from_millis(500);
/// How long a writer is slowed down for a chunk.
const DELAY: Duration = Duration::from_millis(2);
/// About what a delete takes.
const DELETE: u64 = 56;

#[derive(Default)]
pub(crate) struct Keeper {
    state: Mutex<State>,
    waker: Condvar,
    /// Tells those who wait that a round is over.
    finished: Condvar,
    is_ending: AtomicBool,
    /// Whether writers are to look whether they must wait.
    is_pressed: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct State {
    is_awake: bool,
    /// How many rounds are over.
    rounds: u64,
}

/// How much of the disk is used, and how much may be.
struct Usage {
    used: u64,
    /// Of that, in chunks in which nothing is left.
    clearing: u64,
    /// Of puts.
    live: u64,
    deletes: u64,
}

impl Usage {
    /// Above this chunks are emptied.
    fn loose(&self) -> u64 {
        self.live + self.live / 4 * 3 + (6 << 20)
    }

    /// Above this writers are slowed down.
    fn much(&self) -> u64 {
        self.live + self.live / 32 * 27 + (9 << 20)
    }

    /// Above this they wait.
    fn most(&self) -> u64 {
        self.live + self.live / 16 * 15 + (12 << 20)
    }

    fn has_many_deletes(&self) -> bool {
        self.deletes > self.live / 16 * 5 + (3 << 20)
    }
}

impl Keeper {
    /// Lets the thread look at once.
    pub fn wake(&self) {
        self.state.lock().is_awake = true;
        self.waker.notify_one();
    }

    /// Starts the thread.
    pub fn start(core: &Arc<Core>) -> io::Result<()> {
        let mine = Arc::clone(core);
        let thread = thread::Builder::new()
            .name("tchdb_like".to_owned())
            .spawn(move || mine.keep_going())?;
        *core.keeper.thread.lock() = Some(thread);
        Ok(())
    }

    /// Ends the thread, and returns when it has ended.
    pub fn stop(&self) {
        self.is_ending.store(true, SeqCst);
        self.wake();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }

    /// Whether the work of a moment is to be broken off.
    pub fn is_ending(&self) -> bool {
        self.is_ending.load(SeqCst)
    }
}

impl Core {
    fn keep_going(&self) {
        let every = match self.syncer.level {
            Level::Interval(every) => every,
            _ => IDLE,
        };
        for shard in (0..SHARDS).take_while(|_| !self.keeper.is_ending()) {
            if let Err(error) = self.lock(shard) {
                kumo_plugin::log(LogLevel::Error, error.text());
                break;
            }
        }
        let mut next_sync = Instant::now() + every;
        let mut last_error = None;
        while !self.keeper.is_ending() {
            {
                let mut state = self.keeper.state.lock();
                if !state.is_awake {
                    self.keeper.waker.wait_until(&mut state, next_sync);
                }
                state.is_awake = false;
            }
            let is_due = Instant::now() >= next_sync;
            if is_due {
                next_sync = Instant::now() + every;
            }
            let done = self.look_after(is_due);
            let error = done.err().map(|error| error.text().to_owned());
            if let Some(text) = error.as_ref().filter(|_| error != last_error) {
                kumo_plugin::log(LogLevel::Error, text);
            }
            last_error = error;
            self.keeper.state.lock().rounds += 1;
            self.keeper.finished.notify_all();
        }
        self.keeper.finished.notify_all();
    }

    fn look_after(&self, is_due: bool) -> Result<(), Error> {
        self.check_health()?;
        if is_due && self.syncer.level != Level::None && self.has_news() {
            self.sync()?;
        } else if is_due {
            self.look_for_file()?;
        }
        self.reclaim();
        // What waits for a scan or a slow reader cannot be helped by this.
        while !self.keeper.is_ending() {
            let usage = self.usage();
            if usage.used <= usage.loose() && !usage.has_many_deletes() {
                break;
            }
            if !self.tidy(&usage)? {
                break;
            }
        }
        self.checkpoint_if_due()
    }

    /// One step towards a file with less that is dead. False: there is none.
    fn tidy(&self, usage: &Usage) -> Result<bool, Error> {
        let is_enough = usage.used - usage.clearing.min(usage.used) <= usage.loose();
        if usage.has_many_deletes() {
            self.purge()?;
        } else if is_enough || !self.empty_one()? {
            if !is_enough {
                self.purge()?;
            }
            self.sync_if_promised()?;
            self.reclaim();
            // What is left now cannot be helped, or not by this.
            return Ok(self.usage().used < usage.used);
        }
        if self.syncer.level == Level::None || usage.clearing > BATCH + usage.live / 32 {
            self.sync_if_promised()?;
            self.reclaim();
        }
        Ok(true)
    }

    /// Whether anything was written since the last sync.
    fn has_news(&self) -> bool {
        self.has_written.swap(false, SeqCst)
    }

    fn usage(&self) -> Usage {
        let deletes = self.deletes() * DELETE;
        let live = self.live();
        Usage {
            used: self.space.used(),
            clearing: self.clearing(),
            live: live - deletes.min(live),
            deletes,
        }
    }

    /// Called where a chunk was taken into use.
    pub fn look_at_room(&self) {
        let usage = self.usage();
        self.press(&usage, usage.much());
    }

    /// Called now and then after a delete: so much more is dead, though no chunk
    /// was taken.
    pub fn look_at_deletes(&self) {
        let usage = self.usage();
        self.press(&usage, usage.most());
    }

    /// Wakes the thread if it has something to do, and lets writers wait from
    /// this much on.
    fn press(&self, usage: &Usage, most: u64) {
        // What is free and has room takes room too.
        let kept = usage.most().saturating_sub(usage.used) / CHUNK as u64;
        self.space.keep(kept as usize);
        if usage.used > usage.loose() || usage.has_many_deletes() {
            self.keeper.wake();
        }
        if usage.used > most {
            self.keeper.is_pressed.store(true, SeqCst);
        }
    }

    /// Before a write, without locks: where much more is dead than the thread
    /// can clear away, the writers wait.
    #[inline]
    pub fn help(&self) {
        if self.keeper.is_pressed.load(Relaxed) {
            self.relieve();
        }
    }

    #[cold]
    fn relieve(&self) {
        let usage = self.usage();
        if usage.used <= usage.most() {
            // One of them, once for each chunk.
            if self.keeper.is_pressed.swap(false, SeqCst) && usage.used > usage.much() {
                let mut state = self.keeper.state.lock();
                self.keeper.finished.wait_for(&mut state, DELAY);
            }
            return;
        }
        let mut state = self.keeper.state.lock();
        // The round under way may have begun too early; the next one has not.
        let last = state.rounds + 2;
        while state.rounds < last && !self.keeper.is_ending() {
            state.is_awake = true;
            self.keeper.waker.notify_one();
            self.keeper.finished.wait_for(&mut state, DELAY * 5);
            let usage = MutexGuard::unlocked(&mut state, || self.usage());
            if usage.used <= usage.most() {
                break;
            }
        }
        // More than that cannot be done; the next chunk is the next occasion.
        self.keeper.is_pressed.store(false, SeqCst);
    }

    /// Whether there is enough that is dead to make a chunk of it.
    pub fn is_worth_emptying(&self) -> bool {
        let usage = self.usage();
        usage.used > usage.clearing + usage.live + usage.live / 8 + 4 * CHUNK as u64
    }
}
