//! Real clients: pymemcache from PyPI, and the tools of libmemcached.

mod common;

use common::{Engine, Setup, engines::on_every_engine, skip::skip, temp_dir};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// A python that has pymemcache; Err: why there is none.
fn python() -> Result<PathBuf, String> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PYTHON.get_or_init(install).clone()
}

fn install() -> Result<PathBuf, String> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("venv");
    let python = venv.join("bin/python");
    if run(Command::new(&python).args(["-c", "import pymemcache"])).is_ok() {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let pip =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pymemcache==4.0.0"];
    run(Command::new(&python).args(pip))?;
    Ok(python)
}

/// Err: what it said when it failed.
fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&said)))
}

fn pymemcache(engine: Engine) {
    let python = match python() {
        Ok(python) => python,
        Err(why) => skip!("there is no pymemcache: {why}"),
    };
    let mut server = Setup::new(engine).start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/operations.py");
    let output = run(Command::new(python).arg(script).arg(server.port.to_string()));
    println!("{}", String::from_utf8_lossy(&output.unwrap_or_else(|why| panic!("{why}")).stdout));
    server.assert_well();
    server.stop();
}

/// The tools of libmemcached, with the address of a server.
struct Tools {
    servers: String,
    port: u16,
    dir: tempfile::TempDir,
}

impl Tools {
    /// The exit code and what it printed.
    fn run(&self, tool: &str, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(tool);
        command.current_dir(self.dir.path()).arg(&self.servers).args(arguments);
        let output = command.output().expect("a tool of libmemcached");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code().unwrap_or(-1), said)
    }

    fn ok(&self, tool: &str, arguments: &[&str]) -> String {
        let (code, said) = self.run(tool, arguments);
        assert_eq!(code, 0, "{tool} {arguments:?}: {said}");
        said
    }

    fn fails(&self, tool: &str, arguments: &[&str]) {
        let (code, said) = self.run(tool, arguments);
        assert_eq!(code, 1, "{tool} {arguments:?}: {said}");
    }
}

fn libmemcached(engine: Engine) {
    let needed = ["memcping", "memccp", "memccat", "memcrm", "memcstat", "memcexist", "memctouch"];
    for tool in needed.iter().chain(&["memcflush", "memcslap", "memccapable"]) {
        if Command::new(tool).arg("--version").output().is_err() {
            skip!("there is no {tool}: install libmemcached-tools");
        }
    }
    let mut server = Setup::new(engine).start();
    let servers = format!("--servers=127.0.0.1:{}", server.port);
    let tools = Tools { servers, port: server.port, dir: temp_dir() };
    values(&tools);
    statistics(&tools);
    load(&tools);
    capabilities(&tools);
    server.assert_well();
    server.stop();
}

fn values(tools: &Tools) {
    let file = |name: &str| tools.dir.path().join(name);
    tools.ok("memcping", &[]);
    fs::write(file("greeting"), "hello").expect("a file");
    tools.ok("memccp", &["--set", "greeting"]);
    assert_eq!(tools.ok("memccat", &["greeting"]), "hello\n");
    tools.fails("memccp", &["--add", "greeting"]);
    tools.ok("memccp", &["--replace", "greeting"]);
    tools.ok("memccp", &["--flag=7", "greeting"]);
    assert_eq!(tools.ok("memccat", &["--flags", "greeting"]), "7\nhello\n");

    tools.ok("memcexist", &["greeting"]);
    tools.fails("memcexist", &["nothing"]);
    tools.ok("memctouch", &["--expire=100", "greeting"]);
    tools.fails("memctouch", &["--expire=100", "nothing"]);
    tools.ok("memcrm", &["greeting"]);
    tools.fails("memcrm", &["greeting"]);
    tools.fails("memccat", &["greeting"]);

    let large: Vec<u8> = (0..500_000u64).map(|n| ((n * n) >> 5) as u8).collect();
    fs::write(file("large"), &large).expect("a file");
    tools.ok("memccp", &["large"]);
    tools.ok("memccat", &["--file=copy", "large"]);
    assert!(fs::read(file("copy")).expect("the copy") == large, "a large value is not what it was");
    tools.ok("memcflush", &[]);
    tools.fails("memccat", &["large"]);
}

fn statistics(tools: &Tools) {
    let said = tools.ok("memcstat", &[]);
    for name in ["pid:", "uptime:", "version:", "curr_items:", "cmd_set:"] {
        assert!(said.contains(name), "no {name} in {said}");
    }
    let said = tools.ok("memcstat", &["--args=settings"]);
    assert!(said.contains("maxconns:"), "{said}");
    // It fails where it cannot make out the version.
    tools.ok("memcstat", &["--server-version"]);
}

fn load(tools: &Tools) {
    tools.ok("memcslap", &["--test=set", "--concurrency=4", "--execute-number=200"]);
    tools.ok("memcslap", &["--test=get", "--concurrency=4", "--execute-number=200"]);
    tools.ok("memcslap", &["--test=mget", "--concurrency=2", "--execute-number=50"]);
    tools.ok("memcslap", &["--test=set", "--execute-number=100", "--non-blocking"]);
}

/// libmemcached's own tests of what a server can do. It has two more of
/// delete: they want what follows the key refused, as memcached once did.
const CAPABILITIES: [&str; 24] = [
    "ascii version",
    "ascii verbosity",
    "ascii set",
    "ascii set noreply",
    "ascii get",
    "ascii gets",
    "ascii mget",
    "ascii flush",
    "ascii flush noreply",
    "ascii add",
    "ascii add noreply",
    "ascii replace",
    "ascii replace noreply",
    "ascii cas",
    "ascii cas noreply",
    "ascii incr",
    "ascii incr noreply",
    "ascii decr",
    "ascii decr noreply",
    "ascii append",
    "ascii append noreply",
    "ascii prepend",
    "ascii prepend noreply",
    "ascii stat",
];

fn capabilities(tools: &Tools) {
    let port = tools.port.to_string();
    for test in CAPABILITIES {
        let arguments = ["-h", "127.0.0.1", "-p", &port, "-T", test];
        let output = run(Command::new("memccapable").args(arguments));
        let said = output.unwrap_or_else(|why| panic!("{test}: {why}")).stdout;
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("All tests passed"), "{test}: {said}");
    }
}

on_every_engine!(pymemcache, libmemcached);
