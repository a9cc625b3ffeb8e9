//! Where a test is run, and what it is told: a directory, random numbers, and
//! the way to another process like this one.

use super::{Outcome, Settings, fail, random::Random};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where a test is run, and what it is told.
pub(super) struct Place {
    pub settings: Settings,
    /// The test's own directory, which is also the working directory.
    pub dir: PathBuf,
    /// The test's name.
    pub test: String,
}

impl Place {
    /// Random numbers: the same for the same seed and test.
    pub fn random(&self) -> Random {
        Random::for_purpose(self.settings.seed, &self.test)
    }

    /// Where a database of this name stands.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
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
