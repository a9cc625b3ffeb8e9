//! What is known of an engine of memcached's interface once it has been created:
//! what `plugin info` shows of it.

use crate::{plugin_elf::Library, plugin_report::Operation};
use kumo::host::memcached::{Instance, Module};
use serde::{Deserialize, Serialize};
use std::{fmt::Write, mem};

/// An engine, described for people and programs.
#[derive(Serialize, Deserialize)]
pub struct EngineReport {
    /// It has none but its library's.
    pub name: String,
    pub path: Option<String>,
    /// "memcached engine", beside "described" and "classic".
    pub contract: String,
    /// The version of the interface that its table has.
    pub interface: u64,
    /// The version that this host speaks.
    pub host_interface: u64,
    /// The functions that an engine may do without.
    pub operations: Vec<Operation>,
    /// The functions that it has, and that this host never calls.
    pub never_called: Vec<String>,
    pub exports: Vec<String>,
    /// The shared libraries that it needs.
    pub needs: Vec<String>,
}

/// The optional functions, and what the host does where they are absent.
const OPERATIONS: [(&str, &str); 3] = [
    ("arithmetic", "get, and a store with OPERATION_CAS, until it succeeds"),
    ("unknown_command", "no touch, gat and gats"),
    ("errinfo", "a failure is told by its code alone"),
];

impl EngineReport {
    /// Creates an engine, and looks at its table. It is not initialized, for that
    /// is where an engine opens its files; so it is not asked what it is.
    pub fn new(module: &Module, name: String, library: Library) -> Result<Self, String> {
        let instance = module.create().map_err(|error| error.to_string())?;
        let here = instance.optional();
        let operations = OPERATIONS.map(|(name, without)| Operation {
            name: name.to_owned(),
            present: here.contains(&name),
            without: without.to_owned(),
        });
        let report = Self {
            name,
            path: Some(module.name().to_owned()),
            contract: "memcached engine".to_owned(),
            interface: Instance::INTERFACE,
            host_interface: Instance::INTERFACE,
            operations: operations.into(),
            never_called: instance.uncalled().iter().map(|name| (*name).to_owned()).collect(),
            exports: library.exports,
            needs: library.needs,
        };
        // destroy is for what was initialized; this process ends soon.
        mem::forget(instance);
        Ok(report)
    }

    /// The report for people.
    pub fn page(&self) -> String {
        let mut page = String::new();
        let mut line = |name: &str, value: &str| {
            // Writing to a String does not fail.
            let _ = writeln!(page, "{name:<13} {value}");
        };
        line("name", &self.name);
        line("path", self.path.as_deref().unwrap_or_default());
        line(
            "contract",
            &format!(
                "memcached's engine interface, version {} (this host: {})",
                self.interface, self.host_interface
            ),
        );
        line("served by", "kumo-server -E LIB -e CONFIGURATION");
        line("never called", &words(&self.never_called));
        line("exports", &words(&self.exports));
        line("needs", &words(&self.needs));
        page += "\nconfiguration: an engine does not say\n\noptional functions\n";
        let width = self.operations.iter().map(|operation| operation.name.len()).max();
        for Operation { name, present, without } in &self.operations {
            let means = match present {
                true => "yes".to_owned(),
                false => format!("no; without it: {without}"),
            };
            let _ = writeln!(page, "  {name:<width$}  {means}", width = width.unwrap_or_default());
        }
        page
    }
}

fn words(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(" ") }
}
