//! What a test is given: the plugin, a directory, random numbers.

use super::{Need, Outcome, Settings, Stop, fail, random::Random, store::Store};
use crate::host::raw::RawPlugin;
use kumo_plugin::abi::KUMO_CAP_VOLATILE;
use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What a test is given.
pub(super) struct Context {
    pub plugin: RawPlugin,
    pub settings: Settings,
    /// The test's own directory, which is also the working directory.
    pub dir: PathBuf,
    /// The test's name.
    pub test: String,
}

impl Context {
    /// Whether the plugin has a capability, by its word or the user's.
    pub fn has_cap(&self, cap: u64) -> bool {
        (self.plugin.plugin().caps() | self.settings.assumed) & cap != 0
    }

    /// Whether what is stored outlives the process.
    pub fn is_durable(&self) -> bool {
        !self.has_cap(KUMO_CAP_VOLATILE)
    }

    /// Skips the test if the plugin lacks what it needs.
    pub fn meets(&self, needs: &[Need]) -> Outcome {
        for need in needs {
            let lacking = match *need {
                Need::Durable => (!self.is_durable())
                    .then(|| "it is volatile: it keeps nothing after close".to_owned()),
                Need::Cap(cap, name) => {
                    (!self.has_cap(cap)).then(|| format!("it does not declare {name}"))
                }
                Need::Slot(slot) => (!self.plugin.has(slot)).then(|| format!("it has no {slot}")),
                Need::Described => (!self.plugin.is_described())
                    .then(|| "it is classic: it does not describe itself".to_owned()),
            };
            if let Some(reason) = lacking {
                return Err(Stop::Skipped(reason));
            }
        }
        Ok(())
    }

    /// Random numbers: the same for the same seed and test.
    pub fn random(&self) -> Random {
        Random::for_purpose(self.settings.seed, &self.test)
    }

    /// Where a database of this name stands.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// How what stands at a path is opened: the parameters behind it.
    pub fn location(&self, path: &Path) -> OsString {
        let mut location = path.as_os_str().to_owned();
        for option in &self.settings.options {
            location.push("#");
            location.push(option);
        }
        location
    }

    /// Opens the database of this name, which must work.
    pub fn open(&self, name: &str) -> Outcome<Store> {
        self.open_at(&self.path(name))
    }

    /// As `open`, at any path.
    pub fn open_at(&self, path: &Path) -> Outcome<Store> {
        match self.try_open(&self.location(path))? {
            Ok(store) => Ok(store),
            Err(reason) => fail!("open of {} failed: {reason}", self.shown(path)),
        }
    }

    /// Opens a location. Err: it was refused, with this text.
    pub fn try_open(&self, location: &std::ffi::OsStr) -> Outcome<Result<Store, String>> {
        let created = self.plugin.create();
        let Some(instance) = created.said else {
            let reason = created.error.map_or("no reason given".to_owned(), |error| error.text);
            fail!("create returned NULL: {reason}");
        };
        let opened = instance.open(location);
        Ok(match (opened.said, opened.error) {
            (Ok(database), None) => Ok(Store::new(database)),
            (Ok(_), Some(error)) => {
                fail!("open returned true, and yet called set_error: {error}")
            }
            (Err((_, text)), error) => Err(error.map(|e| e.text).or(text).unwrap_or_default()),
        })
    }

    /// A path without the directory that every test has.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.dir).unwrap_or(path).display().to_string()
    }

    /// This program again, in a role for this test, with its output in a file of
    /// the directory.
    pub fn command(&self, role: &str, arguments: &[&str], output: &str) -> Outcome<Command> {
        let words = &self.settings.command;
        let Some(program) = words.first() else { fail!("the kit has no command for a child") };
        let output = File::create(self.path(output))?;
        let mut command = Command::new(program);
        command
            .args(&words[1..])
            .args(self.settings.arguments())
            .arg("--child")
            .arg(role)
            .arg("--child-dir")
            .arg(&self.dir)
            .args(arguments.iter().flat_map(|argument| ["--child-arg", argument]))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        Ok(command)
    }

    /// The names of the files in the test's directory.
    pub fn files(&self) -> Outcome<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }
}
