//! What a library's file says, without loading it.

use anyhow::{Context, Result};
use goblin::elf::Elf;
use std::{fs, path::Path};

/// The functions that make a library a plugin.
const ENTRIES: [&str; 3] = ["kumo_plugin_init", "kumo_storage_init", ENGINE];

/// The function that makes a library an engine of memcached's interface, where
/// neither of the others is there.
const ENGINE: &str = "create_instance";

/// How msgpack-c's functions of the zone begin.
const ZONE: &str = "msgpack_zone_";

/// What concerns a plugin.
#[derive(Debug, Default)]
pub struct Library {
    /// The shared libraries that it needs.
    pub needs: Vec<String>,
    /// Which of a plugin's functions it exports.
    pub exports: Vec<String>,
    /// The functions of the zone that it takes from the host or from
    /// libmsgpackc.
    pub zone_imports: Vec<String>,
}

impl Library {
    /// Whether it is an engine of memcached's interface.
    pub fn is_engine(&self) -> bool {
        self.exports == [ENGINE]
    }
}

/// A library's name without what is around it: `libNAME.so`.
pub fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_prefix("lib").unwrap_or(&stem).to_owned()
}

/// Reads a library's dynamic section and symbols.
pub fn read(path: &Path) -> Result<Library> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let elf = Elf::parse(&bytes).with_context(|| format!("{}: not a library", path.display()))?;
    let mut library = Library {
        needs: elf.libraries.iter().map(|&name| name.into()).collect(),
        ..Library::default()
    };
    for symbol in &elf.dynsyms {
        let Some(name) = elf.dynstrtab.get_at(symbol.st_name) else { continue };
        if symbol.is_import() && name.starts_with(ZONE) {
            library.zone_imports.push(name.to_owned());
        } else if !symbol.is_import() && ENTRIES.contains(&name) {
            library.exports.push(name.to_owned());
        }
    }
    library.exports.sort();
    library.zone_imports.sort();
    Ok(library)
}
