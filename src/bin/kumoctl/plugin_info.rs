//! `kumoctl plugin info`: a plugin, described without serving it.

use crate::{
    output::{show, show_json},
    plugin_probe::{BUILT_IN, Known, probe},
    plugin_report::{Contract, Report},
};
use anyhow::Result;
use std::{ffi::OsString, fmt::Write};

/// Says what a plugin is, without serving it
///
/// The library is loaded in a process of its own, and nothing is opened. Shown are its name,
/// version and description, the contract that it keeps (described, or the bare table of
/// kumofs), its thread model, what it promises, the parameters that it takes (kumo-server
/// --storage-opt), the optional operations with what the host does in place of absent ones, the
/// shared libraries that it needs, and whether it takes msgpack-c's zone functions from the
/// host. Of an engine of memcached's engine interface: the interface's version, the optional
/// functions, and the shared libraries; it is created and not initialized. Where it cannot be loaded, the reason is on stderr and the exit status 1.
#[derive(clap::Args)]
pub struct Arguments {
    /// A library's path or name; the engine of kumo-server without --storage
    #[arg(default_value = BUILT_IN)]
    lib: OsString,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let probed = probe(&arguments.lib)?;
    eprint!("{}", probed.notes);
    match &probed.report {
        report if arguments.json => show_json(report),
        Known::Plugin(report) => show(&page(report)),
        Known::Engine(report) => show(&report.page()),
    }
}

/// The report for people.
fn page(report: &Report) -> String {
    let mut page = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a String does not fail.
        let _ = writeln!(page, "{name:<13} {value}");
    };
    line("name", &report.name);
    line("path", report.path.as_deref().unwrap_or("built into kumo-server"));
    if let Some(description) = &report.description {
        line("description", description);
    }
    if let Some(version) = &report.version {
        line("version", version);
    }
    let contract = match (report.contract, report.abi_version) {
        (Contract::Described, version) => format!(
            "described, version {} (this host: {})",
            version.unwrap_or_default(),
            report.host_abi_version
        ),
        (Contract::Classic, _) => "classic: the table of kumofs and nothing else".to_owned(),
    };
    line("contract", &contract);
    line("threads", threads(&report.thread_model));
    line("capabilities", &words(&report.capabilities));
    line("NULL slots", &words(&report.null_slots));
    if report.path.is_some() {
        line("exports", &words(&report.exports));
        line("needs", &words(&report.needs));
        line("zone from host", &words(&report.zone_imports));
    }

    let mut section = |title: &str, rows: Vec<(String, String)>| {
        let _ = writeln!(page, "\n{title}");
        let width = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or_default();
        for (left, right) in rows {
            let _ = writeln!(page, "  {left:<width$}  {right}");
        }
    };
    let none = if report.contract == Contract::Classic {
        "parameters: a classic plugin does not say"
    } else {
        "parameters: none"
    };
    let parameters: Vec<_> = report
        .parameters
        .iter()
        .map(|param| {
            let default = param.default.as_ref().map(|default| format!(", default {default}"));
            let left = format!("{} ({}{})", param.name, param.kind, default.unwrap_or_default());
            (left, param.help.clone())
        })
        .collect();
    section(if parameters.is_empty() { none } else { "parameters" }, parameters);
    let operations = report.operations.iter().map(|operation| {
        let means = if operation.present {
            "yes".to_owned()
        } else {
            format!("no; without it: {}", operation.without)
        };
        (operation.name.clone(), means)
    });
    section("optional operations", operations.collect());
    page
}

fn threads(model: &str) -> &str {
    match model {
        "parallel" => "parallel: any number of calls at once",
        "serialized" => "serialized: one call at a time",
        "single" => "single: one call at a time, all on one thread",
        other => other,
    }
}

fn words(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(" ") }
}
