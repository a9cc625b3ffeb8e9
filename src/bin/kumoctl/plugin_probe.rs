//! Loads a plugin in a child process, so that a library that crashes, hangs or
//! ends the process does that to the child.

use crate::{
    plugin_elf::{self, Library},
    plugin_engine::EngineReport,
    plugin_report::{Report, UNUSED_SLOTS},
};
use anyhow::{Context, Result, anyhow, bail};
use kumo::host::{self, LoadError, Plugin, raw::RawPlugin};
use nix::sys::resource::{Resource, setrlimit};
use serde::{Deserialize, Serialize};
use std::{
    env,
    ffi::OsStr,
    fs::File,
    io::{Read, Seek, Write},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// The name of the engine that is linked in.
pub const BUILT_IN: &str = "built-in";

/// How long loading a plugin may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the answer's line begins with: a library may print what it likes.
const MARK: &str = "kumo-probe: ";

/// Loads a plugin and reports on it. For kumoctl's own use.
#[derive(clap::Args)]
pub struct Arguments {
    lib: String,

    /// Do not load what does not look like a plugin: loading runs code
    #[arg(long)]
    cautious: bool,
}

/// What the child found.
#[derive(Serialize, Deserialize)]
enum Answer {
    Fit(Box<Known>),
    Unfit(String),
}

/// What can be known of a library, by its kind.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum Known {
    Plugin(Report),
    Engine(EngineReport),
}

/// A plugin that could be loaded.
pub struct Probed {
    pub report: Known,
    /// What was said on stderr meanwhile, and how the child ended if not well.
    pub notes: String,
}

/// The plugin that `name` means, loaded here.
pub fn plugin(name: &str) -> Result<Plugin> {
    Ok(if name == BUILT_IN { Plugin::built_in() } else { Plugin::load(name) }?)
}

/// The child's side.
pub fn child(arguments: &Arguments) -> Result<()> {
    // A crash is an answer; nobody wants its core file.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    tracing_subscriber::fmt().with_writer(std::io::stderr).without_time().with_target(false).init();
    let answer = match look(&arguments.lib, arguments.cautious) {
        Ok(report) => Answer::Fit(Box::new(report)),
        Err(error) => Answer::Unfit(format!("{error:#}")),
    };
    // What the library printed may end within a line.
    writeln!(std::io::stdout(), "\n{MARK}{}", serde_json::to_string(&answer)?)?;
    Ok(())
}

fn look(name: &str, cautious: bool) -> Result<Known> {
    if name == BUILT_IN {
        return Ok(Known::Plugin(Report::new(&Plugin::built_in()?, None, Library::default())));
    }
    let path = Plugin::find(name)?;
    let library = plugin_elf::read(&path)?;
    if cautious && library.exports.is_empty() {
        return Err(LoadError::NoSymbol { path }.into());
    }
    let plugin = match host::Library::load(name)? {
        host::Library::Plugin(plugin) => plugin,
        host::Library::Engine(module) => {
            let stem = plugin_elf::stem(&path);
            let report = EngineReport::new(&module, stem, library);
            return report.map(Known::Engine).map_err(|reason| anyhow!(reason));
        }
    };
    let mut report = Report::new(&plugin, Some(path.display().to_string()), library);
    if plugin.about().is_some() {
        // A described plugin may also leave out what this host never calls.
        let raw = RawPlugin::load(name)?;
        let null = UNUSED_SLOTS.iter().filter(|slot| !raw.has(slot));
        report.null_slots.extend(null.map(|slot| (*slot).to_owned()));
    }
    Ok(Known::Plugin(report))
}

/// Has a child load the plugin that `name` means, even if it does not look like
/// one. Err: why it cannot be loaded.
pub fn probe(name: &OsStr) -> Result<Probed> {
    run(&[OsStr::new("--"), name], name)
}

/// As `probe`, for a library that nobody has named.
pub fn probe_cautiously(path: &Path) -> Result<Probed> {
    run(&[OsStr::new("--cautious"), OsStr::new("--"), path.as_os_str()], path.as_os_str())
}

fn run(arguments: &[&OsStr], name: &OsStr) -> Result<Probed> {
    // Files, not pipes: whatever the library starts may hold on to them.
    let (mut out, mut err) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let mut command = Command::new(env::current_exe().context("kumoctl's own path")?);
    command
        .args(["plugin", "probe"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(err.try_clone()?);
    let ended = wait(&mut command)?;
    let (out, mut notes) = (text(&mut out)?, text(&mut err)?);
    let answer = out.lines().rev().find_map(|line| line.strip_prefix(MARK));
    let Some(answer) = answer else {
        let last = notes.lines().rev().find(|line| !line.trim().is_empty());
        let said = last.map_or(String::new(), |line| format!(": {}", line.trim()));
        bail!("{}: {} while it was loaded{said}", name.display(), end(ended));
    };
    match serde_json::from_str(answer).context("the probe's answer")? {
        Answer::Unfit(reason) => Err(anyhow!(reason)),
        Answer::Fit(report) => {
            if ended.is_none_or(|status| !status.success()) {
                notes += &format!("{}: {} after it was loaded\n", name.display(), end(ended));
            }
            Ok(Probed { report: *report, notes })
        }
    }
}

/// Runs a command to its end. None: it had to be killed.
fn wait(command: &mut Command) -> Result<Option<ExitStatus>> {
    let mut child = command.spawn().context("cannot start the probe")?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        sleep(Duration::from_millis(2));
    }
}

fn end(ended: Option<ExitStatus>) -> String {
    match ended.map(|status| (status, status.signal())) {
        None => format!("it hung for {} s", PATIENCE.as_secs()),
        Some((_, Some(signal))) => {
            let name = nix::sys::signal::Signal::try_from(signal).map(|signal| signal.as_str());
            format!("it crashed ({})", name.unwrap_or("an unknown signal"))
        }
        Some((status, None)) => format!("it ended the process ({status})"),
    }
}

fn text(file: &mut File) -> Result<String> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
