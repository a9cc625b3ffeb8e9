//! kumo-server, started and stopped.

use super::{Client, Engine, Process, kumoctl::Kumoctl, temp_dir};
use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tempfile::TempDir;

/// How to start a kumo-server, as often as needed on the same database. Its
/// directory goes away with it and its servers.
pub struct Setup {
    dir: Arc<TempDir>,
    database: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    rpc: bool,
    store: bool,
    before: Option<String>,
    starts: AtomicUsize,
}

impl Setup {
    /// A database in a new directory, and a free port of 127.0.0.1.
    pub fn new(engine: Engine) -> Self {
        let choice = engine.choice().expect("the engine can be built");
        let mut setup = match choice.storage {
            Some(library) => Self::with_storage(library),
            None => Self::bare(),
        };
        if let Some(path) = choice.plugin_path {
            setup = setup.environment("KUMO_PLUGIN_PATH", path);
        }
        setup
    }

    /// With a library as `--storage`.
    pub fn with_storage(library: impl Into<OsString>) -> Self {
        Self::bare().arguments(["--storage".into(), library.into()])
    }

    fn bare() -> Self {
        let dir = temp_dir();
        Self {
            database: dir.path().join("kumo.db"),
            dir: Arc::new(dir),
            arguments: vec![],
            environment: vec![],
            rpc: false,
            store: true,
            before: None,
            starts: AtomicUsize::new(0),
        }
    }

    pub fn arguments<I: Into<OsString>>(mut self, more: impl IntoIterator<Item = I>) -> Self {
        self.arguments.extend(more.into_iter().map(Into::into));
        self
    }

    pub fn environment(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// With the port for kumoctl, which is off otherwise.
    pub fn rpc(mut self) -> Self {
        self.rpc = true;
        self
    }

    /// Without `-s`.
    pub fn without_store(mut self) -> Self {
        self.store = false;
        self
    }

    /// Shell commands, a `ulimit`, that the server is started behind.
    pub fn before(mut self, script: &str) -> Self {
        self.before = Some(script.to_owned());
        self
    }

    /// On another database than the one in the directory.
    pub fn on(mut self, database: impl Into<PathBuf>) -> Self {
        self.database = database.into();
        self
    }

    pub fn database(&self) -> &Path {
        &self.database
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts it and waits until it serves.
    pub fn start(&self) -> Server {
        let (mut process, ports) = self.spawn();
        let port = process.port(&ports, "TCP");
        let rpc = self.rpc.then(|| process.port(&ports, "RPC"));
        Server { process, port, rpc, _dir: Arc::clone(&self.dir) }
    }

    /// Starts it where it must not come up; its status and what it said.
    pub fn fails(&self) -> (ExitStatus, String) {
        let (mut process, _) = self.spawn();
        let status = process.wait();
        (status, process.stderr())
    }

    /// Starts it, and waits for nothing; with the port file it is to write.
    pub fn spawn(&self) -> (Process, PathBuf) {
        let n = self.starts.fetch_add(1, Ordering::Relaxed);
        let ports = self.dir().join(format!("ports.{n}"));
        let program = env!("CARGO_BIN_EXE_kumo-server");
        let mut command = match &self.before {
            None => Command::new(program),
            Some(script) => {
                let mut command = Command::new("bash");
                command.args(["-c", &format!("{script}; exec \"$0\" \"$@\""), program]);
                command
            }
        };
        if self.store {
            command.arg("-s").arg(&self.database);
        }
        command
            .args(["-p", "0"])
            .args(["--rpc", if self.rpc { "127.0.0.1:0" } else { "off" }])
            .args(&self.arguments)
            .env_remove("KUMO_PLUGIN_PATH")
            .env("MEMCACHED_PORT_FILENAME", &ports)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir());
        (Process::start(&mut command, &self.dir().join(format!("stderr.{n}"))), ports)
    }

    /// The names of the files beside the database, those of the tests aside.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.dir())
            .expect("the directory")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with("ports.") && !name.starts_with("stderr."))
            .collect();
        names.sort();
        names
    }
}

/// A kumo-server that serves.
pub struct Server {
    pub process: Process,
    pub port: u16,
    pub rpc: Option<u16>,
    _dir: Arc<TempDir>,
}

impl Server {
    /// A new connection.
    pub fn client(&self) -> Client {
        Client::connect(self.port)
    }

    /// Stops it as an init system does, and expects it to have gone well.
    pub fn stop(mut self) {
        self.process.signal("TERM");
        let status = self.process.wait();
        assert_eq!(status.code(), Some(0), "after SIGTERM: {status}\n{}", self.process.stderr());
    }

    /// `kumoctl` with the address of this server, and what follows it.
    pub fn kumoctl(&self, arguments: &[&str]) -> Kumoctl {
        let rpc = self.rpc.expect("the setup asked for the RPC");
        Kumoctl::run(&format!("127.0.0.1:{rpc}"), arguments)
    }

    /// Fails unless it is up, answers somebody new, and has not panicked.
    pub fn assert_well(&mut self) {
        assert!(self.process.is_running(), "the server is gone:\n{}", self.process.stderr());
        let mut client = self.client();
        assert_eq!(client.set("well", "yes"), "STORED");
        assert_eq!(client.get("well"), Some(b"yes".to_vec()));
        assert!(!self.process.stderr().contains("panic"), "{}", self.process.stderr());
    }
}
