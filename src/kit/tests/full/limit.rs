//! The limit on the size of files.

use crate::{
    host::raw::ignore_file_size_signal,
    kit::{Outcome, Stop, context::Context},
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::{fs, path::Path};

/// A limit on the size of this process's files, lifted when it is dropped.
pub struct Limit(u64);

impl Limit {
    pub fn new(bytes: u64) -> Outcome<Self> {
        ignore_file_size_signal();
        let failed = |error| Stop::Failed(format!("the kit cannot limit file sizes: {error}"));
        let (before, most) = getrlimit(Resource::RLIMIT_FSIZE).map_err(failed)?;
        setrlimit(Resource::RLIMIT_FSIZE, bytes, most).map_err(failed)?;
        Ok(Self(before))
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        if let Ok((_, most)) = getrlimit(Resource::RLIMIT_FSIZE) {
            let _ = setrlimit(Resource::RLIMIT_FSIZE, self.0, most);
        }
    }
}

/// The size of the largest file in a directory, and below.
fn largest(dir: &Path) -> Outcome<u64> {
    let mut most = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let about = entry.metadata()?;
        most = most.max(if about.is_dir() { largest(&entry.path())? } else { about.len() });
    }
    Ok(most)
}

/// Lets the files grow by so much; fewer bytes than what `fill` writes.
pub fn limit(context: &Context, more: u64) -> Outcome<Limit> {
    Limit::new(largest(&context.dir)? + more)
}
