//! The engine as it is, on a file, with shuttle to say at every lock, atomic and
//! word of the mapping which thread goes on.
//!
//! Each test is run many times: half of them chooses at each step anew, the other
//! half lets one thread run until few and rare changes (PCT), which reaches what
//! takes a long pause at one place. The seed is fixed, so what fails fails again.

use crate::{database::Core, recover, sync::quietly, syncer::Level};
use shuttle::{
    Config, Runner,
    scheduler::{PctScheduler, RandomScheduler},
};
use std::{
    env,
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

mod engine;
pub(crate) mod syncs;
mod table;
mod work;

/// How often each test is run, unless KUMO_SHUTTLE_ITERATIONS says it.
const ITERATIONS: usize = 100;
/// At how many places, at most, PCT changes who goes on.
const CHANGES: usize = 4;
/// Of the schedules and of the files.
const SEED: u64 = 0x6b75_6d6f_6873_6564;

/// Runs a test under many schedules.
fn check(test: impl Fn() + Send + Sync + Copy + 'static) {
    check_often(1, test);
}

/// So many times as many: of what is short, and goes wrong only at one step.
fn check_often(often: usize, test: impl Fn() + Send + Sync + Copy + 'static) {
    let times: usize = match env::var("KUMO_SHUTTLE_ITERATIONS") {
        Ok(times) => times.parse().expect("KUMO_SHUTTLE_ITERATIONS is not a number"),
        Err(_) => ITERATIONS,
    };
    let times = (times * often).div_ceil(2);
    let mut config = Config::new();
    config.stack_size = 512 << 10;
    // That it takes weaker orders for `SeqCst`.
    config.silence_warnings = true;
    let random = RandomScheduler::new_from_seed(SEED, times);
    Runner::new(random, config.clone()).run(test);
    Runner::new(PctScheduler::new_from_seed(SEED, CHANGES, times), config).run(test);
}

/// A database without a keeper: the tests do what it does.
struct Db {
    core: Core,
    level: Level,
    path: PathBuf,
    dir: TempDir,
}

impl Db {
    fn new(level: Level, mask: u64) -> Self {
        // In memory, if the system has such a place.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let path = dir.path().join("db");
        Self { core: open(&path, level, mask), level, path, dir }
    }

    /// What would be there if the process ended now.
    fn image(&self) -> Core {
        let path = self.dir.path().join("image");
        let _ = fs::remove_file(&path);
        // No other thread goes on meanwhile, as none does when a process ends.
        fs::copy(&self.path, &path).unwrap();
        open(&path, self.level, self.core.mask)
    }
}

fn open(path: &Path, level: Level, mask: u64) -> Core {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(path).unwrap();
    quietly(|| recover::open(file, SEED, path, level, mask)).unwrap()
}
