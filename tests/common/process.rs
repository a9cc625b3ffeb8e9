//! A server as a child process: its port file, its stderr, and its end.

use super::{PATIENCE, eventually};
use std::{
    fs::{self, File},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// A running child. Dropped, it is killed; if the test is failing, what it
/// wrote on stderr is shown.
pub struct Process {
    child: Child,
    stderr: PathBuf,
}

impl Process {
    /// Starts `command`. Its stderr, and its stdout, go to the file `stderr`.
    pub fn start(command: &mut Command, stderr: &Path) -> Self {
        let file = File::create(stderr).expect("a file for stderr");
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { child, stderr: stderr.to_owned() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written on stderr so far.
    pub fn stderr(&self) -> String {
        let bytes = fs::read(&self.stderr).unwrap_or_else(|error| error.to_string().into_bytes());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The port that it wrote to its port file as `TCP INET: n`, or whatever
    /// else `name` says. It panics when the process ends instead.
    pub fn port(&mut self, file: &Path, name: &str) -> u16 {
        let prefix = format!("{name} INET: ");
        eventually(&format!("{name} in {}", file.display()), || {
            if let Some(status) = self.child.try_wait().expect("the child's status") {
                panic!("it ended with {status} instead of serving:\n{}", self.stderr());
            }
            let text = fs::read_to_string(file).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix(&prefix))?;
            Some(line.trim().parse().unwrap_or_else(|_| panic!("not a port: {text:?}")))
        })
    }

    /// Waits until it has written `file`; its status if it ends instead.
    pub fn ends_or_writes(&mut self, file: &Path) -> Option<ExitStatus> {
        eventually("it serves or ends", || {
            let status = self.child.try_wait().expect("the child's status");
            (status.is_some() || file.exists()).then_some(status)
        })
    }

    /// Sends a signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.id().to_string()])
            .status()
            .expect("the command kill");
        assert!(status.success(), "kill -{name} {}: {status}", self.id());
    }

    /// As `kill -9` does it: at once, with nothing tidied up.
    pub fn kill(mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("the child's status");
    }

    /// Its status, once it has ended of its own accord.
    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child's status") {
                return status;
            }
            assert!(Instant::now() < end, "it does not end within {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the child's status").is_none()
    }

    /// Its resident memory, in bytes, and the most it has ever been.
    pub fn memory(&self) -> (u64, u64) {
        let text = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("/proc");
        let bytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).expect(name);
            line.trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
        };
        (bytes("VmRSS:"), bytes("VmHWM:"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let status = self.child.wait();
        if std::thread::panicking() {
            let end = match status {
                // It was running, until just now.
                Ok(status) if status.signal() == Some(9) => "running".to_owned(),
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            eprintln!("--- the server ({end}) wrote:\n{}---", self.stderr());
        }
    }
}
