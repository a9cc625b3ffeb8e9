//! What is done in a process of its own, so that each database begins with new
//! memory and may be killed.

use crate::{peers, reopen, stalls, sync, table};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    env,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// The first argument of such a process; the second is a task.
pub const COMMAND: &str = "--child";

/// What the line with the result begins with: a library may print what it likes.
const MARK: &str = "result: ";

#[derive(Serialize, Deserialize, Clone)]
pub struct Task {
    pub what: What,
    pub peer: String,
    pub directory: PathBuf,
    pub records: u32,
    pub size: usize,
    pub threads: usize,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
pub enum What {
    /// Loads, reads, changes and empties a database.
    Table,
    /// Loads a database, and says what it takes of the disk.
    Disk,
    /// Writes and waits for the disk after each write, so many seconds.
    Sync { seconds: f64 },
    /// Loads and closes.
    Load,
    /// Loads, says so, and waits to be killed.
    LoadAndWait,
    /// Opens what was loaded.
    Open,
    /// Times each write.
    Stalls,
}

/// The child's side.
pub fn main(task: Option<String>) -> Result<()> {
    let task: Task = serde_json::from_str(&task.context("no task")?)?;
    match task.what {
        What::Table => answer(&table::work(&task)?),
        What::Disk => answer(&table::disk(&task)?),
        What::Sync { seconds } => answer(&sync::work(&task, seconds)?),
        What::Load => answer(&reopen::load(&task)?.close()?),
        What::LoadAndWait => {
            let _open = reopen::load(&task)?;
            answer(&())?;
            loop {
                std::thread::park();
            }
        }
        What::Open => answer(&reopen::open(&task)?),
        What::Stalls => answer(&stalls::work(&task)?),
    }
}

fn answer(result: &impl Serialize) -> Result<()> {
    println!("{MARK}{}", serde_json::to_string(result)?);
    Ok(())
}

impl Task {
    /// A task on a directory, which is made if it is not there.
    pub fn new(what: What, peer: &str, directory: &Path, records: u32, size: usize) -> Self {
        let (peer, directory) = (peer.to_owned(), directory.to_owned());
        Self { what, peer, directory, records, size, threads: 1 }
    }

    /// The database.
    pub fn open(&self) -> Result<Box<dyn peers::Peer>> {
        std::fs::create_dir_all(&self.directory)?;
        peers::open(&self.peer, &self.directory, u64::from(self.records))
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(COMMAND).arg(serde_json::to_string(self)?).stdout(Stdio::piped());
        Ok(command)
    }

    /// Has it done, and waits for the result.
    pub fn run<T: DeserializeOwned>(&self) -> Result<T> {
        let output = self.command()?.stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            bail!("{} failed: {}", self.peer, output.status);
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(|line| line.strip_prefix(MARK));
        Ok(serde_json::from_str(line.context("the child said nothing")?)?)
    }

    /// Has it done up to the result; then the process is killed.
    pub fn run_and_kill(&self) -> Result<()> {
        use std::io::{BufRead, BufReader};
        struct Killed(Child);
        impl Drop for Killed {
            fn drop(&mut self) {
                // It has gone by itself, if it cannot be killed.
                let _ = self.0.kill();
                let _ = self.0.wait();
            }
        }
        let mut child = Killed(self.command()?.spawn()?);
        let output = child.0.stdout.take().context("the child's output")?;
        for line in BufReader::new(output).lines() {
            if line?.starts_with(MARK) {
                return Ok(());
            }
        }
        bail!("{} ended before it was killed", self.peer)
    }
}
