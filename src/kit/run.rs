//! The side of the parent: starts a child for each test and says what became of
//! it.

use super::{Listed, Script, Settings, script};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use std::{
    fmt, fs,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The file in a test's directory that says how it went.
pub(super) const OUTCOME: &str = "kumo-outcome";

/// The file of what a test and the plugin print.
const OUTPUT: &str = "kumo-output";

/// How a test went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Well.
    Passed,
    /// Not well, and why.
    Failed(String),
    /// Not at all: what the plugin lacks.
    Skipped(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => write!(f, "passed"),
            Self::Failed(reason) => write!(f, "failed\n{reason}"),
            Self::Skipped(reason) => write!(f, "skipped\n{reason}"),
        }
    }
}

impl Verdict {
    fn parse(text: &str) -> Option<Self> {
        let (word, reason) = text.split_once('\n').unwrap_or((text, ""));
        match word {
            "passed" => Some(Self::Passed),
            "failed" => Some(Self::Failed(reason.to_owned())),
            "skipped" => Some(Self::Skipped(reason.to_owned())),
            _ => None,
        }
    }
}

/// A test that has been run.
#[derive(Clone, Debug)]
pub struct Done {
    /// Its name.
    pub name: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// How long it took.
    pub time: Duration,
}

/// The tests without which no other makes sense: where one of them fails, the
/// others are skipped.
const GATES: [&str; 4] = ["load_library", "load_open", "mc_load_library", "mc_load_initialize"];

/// Runs tests, one after another, and shows each to `each` when it is done.
pub fn run(settings: &Settings, tests: &[Listed], each: &mut dyn FnMut(&Done)) -> Vec<Done> {
    let mut closed: Option<String> = None;
    // The gates first, asked for or not; one that was not is shown if it fails.
    let is_gate = |test: &Listed| GATES.contains(&test.name);
    let is_asked = |gate: &Listed| tests.iter().any(|test| test.name == gate.name);
    let gates = super::all(settings.family).into_iter().filter(is_gate);
    let mut all: Vec<(Listed, bool)> = gates.map(|gate| (gate, is_asked(&gate))).collect();
    all.extend(tests.iter().filter(|test| !is_gate(test)).map(|test| (*test, true)));
    let mut results = Vec::new();
    for (test, is_asked) in all {
        let start = Instant::now();
        let verdict = match &closed {
            Some(gate) => Verdict::Skipped(format!("{gate} failed")),
            None => one(settings, &test),
        };
        let done = Done { name: test.name, verdict, time: start.elapsed() };
        let has_failed = matches!(done.verdict, Verdict::Failed(_));
        if has_failed && is_gate(&test) {
            closed = Some(test.name.to_owned());
        }
        if is_asked || has_failed {
            each(&done);
            results.push(done);
        }
    }
    results
}

/// Runs one test in a directory of its own.
fn one(settings: &Settings, test: &Listed) -> Verdict {
    let tried = || -> io::Result<Verdict> {
        let dir = tempfile::Builder::new().prefix("kumo-check-").tempdir()?;
        let verdict = in_child(settings, test.name, &[], dir.path())?;
        if matches!(verdict, Verdict::Failed(_)) {
            return Ok(script::keep(settings, test.name, dir.path(), verdict));
        }
        Ok(verdict)
    };
    tried().unwrap_or_else(|error| Verdict::Failed(format!("the kit itself failed: {error}")))
}

/// Plays a script in a child.
pub fn replay(settings: &Settings, script: &Script) -> io::Result<Verdict> {
    let dir = tempfile::Builder::new().prefix("kumo-check-").tempdir()?;
    script.save(&dir.path().join(script::FILE))?;
    in_child(settings, script::ROLE, &[script::FILE], dir.path())
}

/// Runs a test or a role in a child, in a process group of its own.
pub(super) fn in_child(
    settings: &Settings,
    name: &str,
    more: &[&str],
    dir: &Path,
) -> io::Result<Verdict> {
    let mut output =
        File::options().create_new(true).read(true).append(true).open(dir.join(OUTPUT))?;
    let program = settings.command.first().ok_or_else(|| io::Error::other("no command"))?;
    let mut child = Command::new(program)
        .args(&settings.command[1..])
        .args(settings.arguments())
        .arg("--child")
        .arg(name)
        .arg("--child-dir")
        .arg(dir)
        .args(more.iter().flat_map(|argument| ["--child-arg", argument]))
        .envs(environment())
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .process_group(0)
        .spawn()?;
    let group = Pid::from_raw(child.id() as i32);
    // A little more than the child allows itself, so that it can say why.
    let end = Instant::now() + settings.limit + Duration::from_millis(700);
    let mut pause = Duration::from_micros(500);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if Instant::now() >= end {
            break None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    };
    // What it started goes with it.
    let _ = killpg(group, Signal::SIGKILL);
    if status.is_none() {
        child.wait()?;
    }
    let said = fs::read_to_string(dir.join(OUTCOME)).ok();
    let said = said.as_deref().and_then(Verdict::parse);
    let is_role = name == script::ROLE;
    Ok(judge(settings, is_role, status, said, &last_words(&mut output)?))
}

/// What a child's end, its outcome and its output come to.
fn judge(
    settings: &Settings,
    is_role: bool,
    status: Option<ExitStatus>,
    said: Option<Verdict>,
    output: &str,
) -> Verdict {
    let behind = |reason: String| match output.is_empty() {
        true => Verdict::Failed(reason),
        false => Verdict::Failed(format!("{reason}\n{output}")),
    };
    let Some(status) = status else {
        return match said {
            Some(Verdict::Failed(reason)) => behind(reason),
            _ => behind(format!("no end within {:?}: killed", settings.limit)),
        };
    };
    if let Some(number) = status.signal() {
        let name = Signal::try_from(number).map_or("a signal", Signal::as_str);
        let when = if said.is_some() { ", at the end of the process" } else { "" };
        return behind(format!("the process was ended by {name}{when}"));
    }
    match (status.code(), said) {
        (Some(0), Some(Verdict::Failed(reason))) => behind(reason),
        (Some(0), Some(verdict)) => verdict,
        // A role: it has no outcome but its status.
        (Some(0), None) if is_role => Verdict::Passed,
        (Some(1), None) if is_role => Verdict::Failed(output.to_owned()),
        (code, _) => behind(format!(
            "the process ended in the middle of the test, with status {}",
            code.unwrap_or(-1)
        )),
    }
}

/// The end of what was printed.
fn last_words(output: &mut File) -> io::Result<String> {
    const SHOWN: u64 = 2000;
    let len = output.metadata()?.len();
    output.seek(SeekFrom::Start(len.saturating_sub(SHOWN)))?;
    let mut text = Vec::new();
    output.take(SHOWN).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}

/// Has glibc fill what is freed, so that a value that was given back too early is
/// seen to change, and keep no cache beside its own counts. And no backtraces: what
/// a plugin in Rust says when it ends the process shall stand at the end.
fn environment() -> [(&'static str, &'static str); 3] {
    [
        ("MALLOC_PERTURB_", "165"),
        ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0"),
        ("RUST_BACKTRACE", "0"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_survives_its_file() {
        let failed = Verdict::Failed("two\nlines".to_owned());
        for verdict in [Verdict::Passed, failed, Verdict::Skipped("no sync".to_owned())] {
            assert_eq!(Verdict::parse(&verdict.to_string()), Some(verdict));
        }
        assert_eq!(Verdict::parse("half"), None);
    }
}
