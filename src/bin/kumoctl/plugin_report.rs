//! What is known of a plugin once it has been loaded: what `plugin info` shows.

use crate::plugin_elf::Library;
use kumo::host::Plugin;
use kumo_plugin::abi;
use serde::{Deserialize, Serialize};

/// A plugin, described for people and programs.
#[derive(Serialize, Deserialize)]
pub struct Report {
    /// Its name; a classic one's is its path.
    pub name: String,
    /// The library. None: it is built in.
    pub path: Option<String>,
    /// Whether it says what it is, or is a bare table as in kumofs.
    pub contract: Contract,
    pub version: Option<String>,
    pub description: Option<String>,
    /// The version of the contract that it was compiled for.
    pub abi_version: Option<u32>,
    /// The version that this host speaks.
    pub host_abi_version: u32,
    pub thread_model: String,
    pub capabilities: Vec<String>,
    pub parameters: Vec<Parameter>,
    /// The operations that a plugin may do without.
    pub operations: Vec<Operation>,
    /// The slots of its table that are NULL.
    pub null_slots: Vec<String>,
    /// Which of a plugin's two functions it exports.
    pub exports: Vec<String>,
    /// The shared libraries that it needs.
    pub needs: Vec<String>,
    /// The functions of msgpack-c's zone that it leaves to the host.
    pub zone_imports: Vec<String>,
}

/// The two kinds of plugins.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contract {
    Described,
    Classic,
}

#[derive(Serialize, Deserialize)]
pub struct Parameter {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub default: Option<String>,
    pub help: String,
}

#[derive(Serialize, Deserialize)]
pub struct Operation {
    pub name: String,
    pub present: bool,
    /// What the host does where it is absent.
    pub without: String,
}

const CAPABILITIES: [(u64, &str); 5] = [
    (abi::KUMO_CAP_VOLATILE, "volatile"),
    (abi::KUMO_CAP_ORDERED, "ordered"),
    (abi::KUMO_CAP_DURABLE_SYNC, "durable_sync"),
    (abi::KUMO_CAP_BACKUP_BLOCKS, "backup_blocks"),
    (abi::KUMO_CAP_REENTRANT_SCAN, "reentrant_scan"),
];

/// The optional operations, and what the host does where they are absent. Those
/// before `sync` are slots of the table.
const OPERATIONS: [(&str, &str); 13] = [
    ("get_header", "get, of the whole value"),
    ("updatev", "set, one record after the other"),
    ("rnum", "a scan that counts"),
    ("backup", "the host copies every record into a second instance"),
    ("error", "what the plugin reports by set_error is all there is"),
    ("sync", "what is written is as safe as the engine makes it by itself"),
    ("stats", "the engine has no statistics of its own"),
    ("verify", "the stored data cannot be checked"),
    ("compact", "space comes back as the engine sees fit"),
    ("seek", "no scans in the order of the keys"),
    ("getv", "get, one key after the other"),
    ("batch", "changes are made one after the other, not all or none"),
    ("repair", "what is whole of a damaged database cannot be salvaged"),
];

/// How many of `OPERATIONS` are slots of the table.
const SLOTS: usize = 5;

/// The slots that may be NULL and that this host never calls: it has scanned
/// records copied, and deletes by key.
pub const UNUSED_SLOTS: [&str; 4] =
    ["iterator_release_key", "iterator_release_val", "iterator_del", "iterator_del_force"];

impl Report {
    /// `null_slots` is without the `UNUSED_SLOTS`.
    pub fn new(plugin: &Plugin, path: Option<String>, library: Library) -> Self {
        let about = plugin.about();
        let here = plugin.operations();
        let volatile = plugin.caps() & abi::KUMO_CAP_VOLATILE != 0;
        let operations = OPERATIONS.map(|(name, without)| Operation {
            name: name.to_owned(),
            present: here.contains(&name),
            without: match name {
                "backup" if volatile => "no backups: the data is in memory",
                _ => without,
            }
            .to_owned(),
        });
        let null = operations[..SLOTS].iter().filter(|operation| !operation.present);
        let parameter = |param: &kumo::host::Param| Parameter {
            name: param.name.clone(),
            kind: param.type_name().to_owned(),
            default: param.default.clone(),
            help: param.help.clone(),
        };
        Self {
            name: plugin.name().to_owned(),
            path,
            contract: if about.is_some() { Contract::Described } else { Contract::Classic },
            version: about.map(|about| about.version.clone()),
            description: about.map(|about| about.description.clone()),
            abi_version: about.map(|about| about.abi_version),
            host_abi_version: abi::KUMO_ABI_VERSION,
            thread_model: plugin.thread_model().to_owned(),
            capabilities: capabilities(plugin.caps()),
            parameters: plugin.params().iter().map(parameter).collect(),
            null_slots: null.map(|operation| operation.name.clone()).collect(),
            operations: operations.into(),
            exports: library.exports,
            needs: library.needs,
            zone_imports: library.zone_imports,
        }
    }
}

/// The capabilities by name; those of a later version by their bit.
fn capabilities(caps: u64) -> Vec<String> {
    let bits = (0..u64::BITS).filter(|bit| caps >> bit & 1 != 0);
    bits.map(|bit| {
        let known = CAPABILITIES.iter().find(|(cap, _)| *cap == 1 << bit);
        known.map_or_else(|| format!("bit_{bit}"), |(_, name)| (*name).to_owned())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_have_names_and_later_ones_a_bit() {
        assert_eq!(capabilities(0), [""; 0]);
        assert_eq!(capabilities(1 | 1 << 4 | 1 << 40), ["volatile", "reentrant_scan", "bit_40"]);
    }

    #[test]
    fn every_optional_operation_of_the_host_is_explained() {
        let plugin = Plugin::built_in().unwrap();
        let report = Report::new(&plugin, None, Library::default());
        for name in plugin.operations() {
            let found = report.operations.iter().find(|operation| operation.name == name);
            assert!(found.is_some_and(|operation| operation.present), "{name}");
        }
    }
}
