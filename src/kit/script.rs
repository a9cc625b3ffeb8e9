//! Sequences of operations, as text that can be read, kept and played again.
//!
//! ```text
//! set "key" "value"*100       the value is value, a hundred times
//! del! "key"                  the proc refuses
//! batch put "a" "1" del "b"   and so updatev "a" "1" "b" "2", and getv "a" "b"
//! seek "key" 3                is stopped by the record behind the third
//! reopen
//! ```

mod drawn;
mod play;
mod text;

pub(super) use drawn::Choice;
pub(super) use text::write;

use super::{Outcome, Settings, Stop, context::Context, fail, run::Verdict, shrink::Parts};
use std::{fs, io, path::Path};
use text::read;

/// The role of the process that plays a script.
pub(super) const ROLE: &str = "role-script";

/// The script that is being played, in the test's directory.
pub(super) const FILE: &str = "kumo-script";

/// Bytes, written as a text and how often it is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bytes {
    part: Vec<u8>,
    times: usize,
}

impl Bytes {
    pub fn get(&self) -> Vec<u8> {
        self.part.repeat(self.times)
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Set(Bytes, Bytes),
    Get(Bytes),
    Head(Bytes, usize),
    Del(Bytes),
    DelRefused(Bytes),
    Update(Bytes, Bytes),
    UpdateRefused(Bytes, Bytes),
    /// Deletes, in a scan, the records whose key begins with this.
    ScanDel(Bytes),
    /// Puts, and deletes: no value.
    Batch(Vec<(Bytes, Option<Bytes>)>),
    Updatev(Vec<(Bytes, Bytes)>),
    Getv(Vec<Bytes>),
    /// From this key on; stopped after so many records, and then by one more.
    Seek(Bytes, usize),
    Scan,
    Count,
    Sync,
    Compact,
    Reopen,
}

impl Parts for Step {
    fn parts(&self) -> usize {
        match self {
            Self::Batch(changes) => changes.len(),
            Self::Updatev(records) => records.len(),
            Self::Getv(keys) => keys.len(),
            _ => 0,
        }
    }

    fn only(&self, parts: &[usize]) -> Self {
        fn these<T: Clone>(all: &[T], parts: &[usize]) -> Vec<T> {
            parts.iter().map(|part| all[*part].clone()).collect()
        }
        match self {
            Self::Batch(changes) => Self::Batch(these(changes, parts)),
            Self::Updatev(records) => Self::Updatev(these(records, parts)),
            Self::Getv(keys) => Self::Getv(these(keys, parts)),
            whole => whole.clone(),
        }
    }
}

/// A sequence of operations, read from text.
pub struct Script(Vec<Step>);

impl Script {
    /// Reads what a failed test has left, or a person has written. Err: which
    /// line is wrong, and how.
    pub fn read(text: &str) -> Result<Self, String> {
        match read(text)? {
            steps if steps.is_empty() => Err("no operation stands in it".to_owned()),
            steps => Ok(Self(steps)),
        }
    }

    pub(super) fn save(&self, file: &Path) -> io::Result<()> {
        fs::write(file, write(&self.0))
    }
}

/// The role: plays the script in a file against a model, on a database of its
/// own.
pub(super) fn play_file(context: &Context, arguments: &[String]) -> Outcome {
    let [file] = arguments else { fail!("the script needs a name") };
    let steps = read(&fs::read_to_string(file)?).map_err(Stop::Failed)?;
    play::play(context, &steps)
}

/// Removes the database that an earlier script was played on, with whatever
/// stands beside it under its name.
pub(super) fn clean(dir: &Path) -> Outcome {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(play::DATABASE) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// Keeps the script of a test that has failed, in the working directory, and
/// says where.
pub(super) fn keep(settings: &Settings, test: &str, dir: &Path, verdict: Verdict) -> Verdict {
    let (Verdict::Failed(reason), Ok(script)) = (&verdict, fs::read(dir.join(FILE))) else {
        return verdict;
    };
    let library = settings.library.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{library}-{test}-{}.script", settings.seed);
    let told = match fs::write(&name, script) {
        Ok(()) => format!("the sequence is in {name}; play it again with --replay {name}"),
        Err(error) => format!("the sequence cannot be written to {name}: {error}"),
    };
    Verdict::Failed(format!("{reason}\n{told}"))
}
