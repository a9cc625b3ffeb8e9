//! The three nodes: their processes, and what they answer.

use anyhow::{Context, Result, bail, ensure};
use std::{
    collections::BTreeMap,
    env, fs,
    future::Future,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{sleep, timeout},
};

/// What takes longer than this does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tries until something succeeds.
pub async fn within<T, F>(what: &str, attempt: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T, String>>,
{
    let begin = Instant::now();
    loop {
        match attempt().await {
            Ok(it) => return Ok(it),
            Err(reason) if begin.elapsed() > PATIENCE => {
                bail!("{what} does not succeed within {PATIENCE:?}: {reason}")
            }
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// How often a node is started again that has stopped.
const RESTARTS: usize = 5;

/// A node's process.
struct Node {
    process: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Node {
    async fn ask(&mut self, command: &str) -> Result<String> {
        self.commands.write_all(format!("{command}\n").as_bytes()).await?;
        loop {
            let line = timeout(PATIENCE, self.answers.next_line()).await??;
            let line = line.context("the node has ended")?;
            // d-engine prints too.
            if line.starts_with(|first: char| first.is_ascii_digit()) {
                return Ok(line);
            }
        }
    }
}

pub struct Cluster {
    directory: PathBuf,
    plugin: Option<String>,
    ports: Vec<u16>,
    nodes: BTreeMap<usize, Node>,
    restarts: usize,
}

impl Cluster {
    /// Starts three nodes, on ports that the system chooses.
    pub async fn start(directory: &Path, plugin: Option<&str>) -> Result<Self> {
        let listeners = (0..3)
            .map(|_| TcpListener::bind("127.0.0.1:0"))
            .collect::<std::io::Result<Vec<_>>>()?;
        let ports = listeners
            .iter()
            .map(|listener| Ok(listener.local_addr()?.port()))
            .collect::<std::io::Result<Vec<_>>>()?;
        drop(listeners);
        let mut it = Self {
            directory: directory.to_owned(),
            plugin: plugin.map(str::to_owned),
            ports,
            nodes: BTreeMap::new(),
            restarts: 0,
        };
        for number in 1..=3 {
            fs::write(it.config(number), it.configuration(number))?;
            it.restart(number).await?;
        }
        Ok(it)
    }

    /// Starts a node, the first time or again.
    pub async fn restart(&mut self, number: usize) -> Result<()> {
        let mut process = Command::new(env::current_exe()?)
            .arg("node")
            .arg(self.config(number))
            .arg(self.home(number))
            .args(&self.plugin)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let commands = process.stdin.take().context("a pipe")?;
        let answers = BufReader::new(process.stdout.take().context("a pipe")?).lines();
        self.nodes.insert(number, Node { process, commands, answers });
        Ok(())
    }

    /// Kills a node: SIGKILL.
    pub async fn kill(&mut self, number: usize) -> Result<()> {
        let mut node = self.nodes.remove(&number).context("no such node")?;
        Ok(node.process.kill().await?)
    }

    /// Asks all nodes that are up. One that has stopped itself, since a store has
    /// failed, is started again, as whoever looks after programs would.
    async fn ask(&mut self, command: &str) -> Result<BTreeMap<usize, String>> {
        let mut answers = BTreeMap::new();
        let up: Vec<usize> = self.nodes.keys().copied().collect();
        for number in up {
            let node = self.nodes.get_mut(&number).context("no such node")?;
            match node.ask(command).await {
                Ok(answer) => {
                    answers.insert(number, answer);
                }
                Err(error) if self.restarts == RESTARTS => return Err(error),
                Err(error) => {
                    println!("node {number} has stopped ({error}); it is started again");
                    self.restarts += 1;
                    self.restart(number).await?;
                }
            }
        }
        Ok(answers)
    }

    /// Waits until all nodes that are up agree on a leader that is up.
    pub async fn leader(&mut self) -> Result<usize> {
        let begin = Instant::now();
        loop {
            let leaders = self.ask("leader").await?;
            let leader: usize = leaders.values().next().map_or(Ok(0), |it| it.parse())?;
            let agreed = leaders.values().all(|it| *it == leader.to_string());
            if agreed && self.nodes.contains_key(&leader) {
                return Ok(leader);
            }
            ensure!(begin.elapsed() < PATIENCE, "no leader within {PATIENCE:?}: {leaders:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// How far each node's last snapshot goes.
    pub async fn snapshots(&mut self) -> Result<BTreeMap<usize, u64>> {
        let answers = self.ask("snapshot").await?;
        answers.into_iter().map(|(number, last)| Ok((number, last.parse()?))).collect()
    }

    /// Waits until the state of every node is this one.
    pub async fn agree(&mut self, expected: &str) -> Result<()> {
        let begin = Instant::now();
        loop {
            let states = self.ask("state").await?;
            if states.len() == self.nodes.len() && states.values().all(|it| it == expected) {
                return Ok(());
            }
            ensure!(
                begin.elapsed() < PATIENCE,
                "the replicas differ after {PATIENCE:?}: {states:#?}, and {expected} was written"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops all nodes in order, and expects them to end well.
    pub async fn stop(self) -> Result<()> {
        let mut processes = Vec::new();
        for (number, node) in self.nodes {
            drop(node.commands);
            // What it prints until it ends is read: a full pipe would hold it up.
            let mut answers = node.answers;
            tokio::spawn(async move { while let Ok(Some(_)) = answers.next_line().await {} });
            processes.push((number, node.process));
        }
        for (number, mut process) in processes {
            let status = timeout(PATIENCE, process.wait())
                .await
                .with_context(|| format!("node {number} does not end"))??;
            ensure!(status.success(), "node {number}: {status}");
        }
        Ok(())
    }

    /// Where clients find the nodes, but for one that is down.
    pub fn endpoints(&self, down: Option<usize>) -> Vec<String> {
        (1..=3)
            .filter(|number| Some(*number) != down)
            .map(|number| format!("http://127.0.0.1:{}", self.ports[number - 1]))
            .collect()
    }

    fn home(&self, number: usize) -> PathBuf {
        self.directory.join(number.to_string())
    }

    fn config(&self, number: usize) -> PathBuf {
        self.directory.join(format!("{number}.toml"))
    }

    fn configuration(&self, number: usize) -> String {
        let home = self.home(number);
        let members: Vec<String> = (1..=3)
            .map(|id| {
                let port = self.ports[id - 1];
                format!("{{ id = {id}, address = '127.0.0.1:{port}', role = 1, status = 3 }}")
            })
            .collect();
        format!(
            "[cluster]\n\
             node_id = {number}\n\
             listen_address = '127.0.0.1:{port}'\n\
             initial_cluster = [{members}]\n\
             db_root_dir = '{home}/d-engine'\n\
             log_dir = '{home}/log'\n\
             [raft.election]\n\
             election_timeout_min = 500\n\
             election_timeout_max = 1500\n\
             [raft.snapshot]\n\
             # The default is one directory for all nodes of a machine.\n\
             snapshots_dir = '{home}/snapshots'\n\
             # Often, so that snapshots are seen here, and the log is purged.\n\
             max_log_entries_before_snapshot = 100\n\
             snapshot_cool_down_since_last_check = {{ secs = 0, nanos = 100000000 }}\n",
            port = self.ports[number - 1],
            members = members.join(", "),
            home = home.display(),
        )
    }
}
