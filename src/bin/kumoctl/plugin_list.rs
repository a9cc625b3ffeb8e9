//! `kumoctl plugin list`: the plugins that can be named.

use crate::{
    output::{columns, show, show_json},
    plugin_elf,
    plugin_probe::{BUILT_IN, Known, probe, probe_cautiously},
};
use anyhow::Result;
use kumo::host::Plugin;
use serde::Serialize;
use std::{
    collections::HashSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// Lists the plugins that kumo-server --storage NAME would find
///
/// The built-in engine comes first, then the libraries (*.so) of every directory in
/// KUMO_PLUGIN_PATH, of this program's directory, of the installed plugins, and of the working
/// directory: in the order in which a name is sought. Each is loaded in a process of its own.
/// Engines of memcached's engine interface stand among them; kumo-server -E serves these.
#[derive(clap::Args)]
pub struct Arguments {
    /// Also list the libraries that are no plugins or cannot be loaded, with the reason
    #[arg(long)]
    all: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A library that was found.
#[derive(Serialize)]
struct Found {
    name: String,
    version: Option<String>,
    description: Option<String>,
    /// None: it is built in.
    path: Option<String>,
    /// Why it is not a plugin that can be used.
    problem: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let mut found = vec![look(None)];
    found.extend(libraries().iter().map(|path| look(Some(path))));
    found.retain(|library| arguments.all || library.problem.is_none());
    if arguments.json {
        return show_json(&found);
    }
    let rows: Vec<Vec<String>> = found.into_iter().map(row).collect();
    show(&columns(&["NAME", "VERSION", "DESCRIPTION", "PATH"], &rows, 4))
}

fn row(library: Found) -> Vec<String> {
    let dash = |text: Option<String>| {
        text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
    };
    let text = match library.problem {
        Some(problem) => format!("NOT USABLE: {problem}"),
        None => dash(library.description),
    };
    let path = library.path.unwrap_or_else(|| format!("({BUILT_IN})"));
    vec![library.name, dash(library.version), text, path]
}

/// What there is to say about a library, or about the built-in engine.
fn look(path: Option<&Path>) -> Found {
    let report = match path {
        None => probe(OsStr::new(BUILT_IN)),
        Some(path) => probe_cautiously(path),
    };
    let report = report.map(|probed| probed.report);
    let shown = path.map(|path| path.display().to_string());
    match report {
        Ok(Known::Engine(engine)) => Found {
            name: engine.name,
            version: None,
            description: Some("an engine of memcached's interface (kumo-server -E)".to_owned()),
            path: shown,
            problem: None,
        },
        Ok(Known::Plugin(report)) => Found {
            // A classic plugin has no name but its file's.
            name: if report.version.is_some() { report.name } else { stem(path) },
            version: report.version,
            description: report.description,
            path: shown,
            problem: None,
        },
        Err(error) => {
            let problem = format!("{error:#}");
            // The path stands in its column.
            let prefix = shown.as_ref().map(|path| format!("{path}: ")).unwrap_or_default();
            let problem = problem.strip_prefix(&prefix).unwrap_or(&problem).to_owned();
            Found {
                name: stem(path),
                version: None,
                description: None,
                path: shown,
                problem: Some(problem),
            }
        }
    }
}

/// The name that --storage takes.
fn stem(path: Option<&Path>) -> String {
    path.map_or_else(String::new, plugin_elf::stem)
}

/// The libraries in the directories where plugins are sought, in that order.
fn libraries() -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for directory in Plugin::directories() {
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        let mut here: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension() == Some(OsStr::new("so")) && path.is_file())
            // One directory may be several: the program's, and the working one.
            .filter(|path| fs::canonicalize(path).is_ok_and(|real| seen.insert(real)))
            .collect();
        here.sort();
        all.append(&mut here);
    }
    all
}
