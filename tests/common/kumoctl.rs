//! kumoctl, run to its end.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// What a run of kumoctl came to.
#[derive(Debug)]
pub struct Kumoctl {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Kumoctl {
    pub fn run(host: &str, arguments: &[&str]) -> Self {
        Self::run_in(Path::new("."), host, arguments)
    }

    /// As `run`, where files may be left.
    pub fn run_in(dir: &Path, host: &str, arguments: &[&str]) -> Self {
        let output = Command::new(env!("CARGO_BIN_EXE_kumoctl"))
            .current_dir(dir)
            .arg(host)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("kumoctl");
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails unless all went well; what it printed.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.stdout
    }

    /// Fails unless it failed with a reason that has these words.
    pub fn refused(self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{self:#?}");
        let said = self.stderr.to_lowercase();
        for word in words {
            assert!(said.contains(&word.to_lowercase()), "no {word:?} in {self:#?}");
        }
    }
}
