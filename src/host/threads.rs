//! Thread models: how calls into a plugin are kept apart.

use kumo_plugin::abi::{KUMO_THREAD_PARALLEL, KUMO_THREAD_SERIALIZED, KUMO_THREAD_SINGLE};
use parking_lot::ReentrantMutex;
use std::{
    io,
    sync::mpsc::{Sender, channel, sync_channel},
    thread::{self, ThreadId},
};

/// How calls into one plugin, all of its instances together, are kept apart.
///
/// A call that is made from within another one, on the same thread, goes
/// straight through: a scan's callback may write to another instance.
pub(super) enum Threads {
    /// Not at all.
    Parallel,
    /// One at a time.
    Serialized(ReentrantMutex<()>),
    /// One at a time, on one thread.
    Single(Executor),
}

impl Threads {
    /// For what a plugin declares. None: no such model.
    pub fn new(model: u32, plugin: &str) -> Option<io::Result<Self>> {
        match model {
            KUMO_THREAD_PARALLEL => Some(Ok(Self::Parallel)),
            KUMO_THREAD_SERIALIZED => Some(Ok(Self::Serialized(ReentrantMutex::new(())))),
            KUMO_THREAD_SINGLE => Some(Executor::start(plugin).map(Self::Single)),
            _ => None,
        }
    }

    /// What the model is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Parallel => "parallel",
            Self::Serialized(_) => "serialized",
            Self::Single(_) => "single",
        }
    }

    pub fn is_parallel(&self) -> bool {
        matches!(self, Self::Parallel)
    }

    /// Makes a call when and where the model allows it.
    #[inline]
    pub fn run<R: Send>(&self, call: impl FnOnce() -> R + Send) -> R {
        match self {
            Self::Parallel => call(),
            Self::Serialized(lock) => {
                let _one_at_a_time = lock.lock();
                call()
            }
            Self::Single(executor) => executor.run(call),
        }
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// The one thread of a plugin. It ends when this is dropped.
pub(super) struct Executor {
    jobs: Sender<Job>,
    thread: ThreadId,
}

impl Executor {
    fn start(plugin: &str) -> io::Result<Self> {
        let (jobs, received) = channel::<Job>();
        let thread = thread::Builder::new()
            .name(format!("plugin {plugin}"))
            .spawn(move || received.into_iter().for_each(|job| job()))?;
        Ok(Self { jobs, thread: thread.thread().id() })
    }

    /// Runs a call on the thread and waits for it.
    fn run<R: Send>(&self, call: impl FnOnce() -> R + Send) -> R {
        if thread::current().id() == self.thread {
            return call();
        }
        let (done, result) = sync_channel(1);
        let job: Box<dyn FnOnce() + Send + '_> = Box::new(move || {
            // The receiver waits below, so this cannot fail.
            let _ = done.send(call());
        });
        // SAFETY: only the lifetime changes, and the job is over, run or
        // dropped with its channel, before `recv` returns.
        let job: Job = unsafe { std::mem::transmute(job) };
        let _ = self.jobs.send(job);
        match result.recv() {
            Ok(result) => result,
            // The job was dropped without an answer: it panicked, and the
            // thread with it. Nothing could be called any more.
            Err(_) => {
                eprintln!("kumo: the thread of a plugin is gone; ending the process");
                std::process::abort()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    /// Calls from several threads, each with a call within it; the most that
    /// were under way at once, and the threads that they ran on.
    fn most_at_once(model: u32) -> (usize, usize) {
        let threads = Threads::new(model, "test").unwrap().unwrap();
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let ran_on = std::sync::Mutex::new(std::collections::HashSet::new());
        let barrier = std::sync::Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    for _ in 0..100 {
                        threads.run(|| {
                            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                            ran_on.lock().unwrap().insert(thread::current().id());
                            let nested = threads.run(|| thread::current().id());
                            assert_eq!(nested, thread::current().id());
                            thread::yield_now();
                            now.fetch_sub(1, SeqCst);
                        });
                    }
                });
            }
        });
        (most.load(SeqCst), ran_on.into_inner().unwrap().len())
    }

    #[test]
    fn serialized_calls_are_one_at_a_time_from_any_thread() {
        assert_eq!(most_at_once(KUMO_THREAD_SERIALIZED), (1, 4));
    }

    #[test]
    fn single_calls_are_all_on_one_thread() {
        assert_eq!(most_at_once(KUMO_THREAD_SINGLE), (1, 1));
    }

    #[test]
    fn an_unknown_model_is_none() {
        assert!(Threads::new(77, "test").is_none());
    }
}
