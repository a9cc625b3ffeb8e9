//! `kumoctl plugin new`: a plugin that builds, passes its tests, and serves.

use crate::{
    output::show,
    plugin_vendor::{LICENSE, Language, PLACEHOLDER, template, vendored},
};
use anyhow::{Context, Result, bail};
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

/// Writes a plugin that builds, passes its tests, and serves
///
/// It is a hash table in memory, with tests of its own and a README, in a new directory NAME. What
/// it needs of kumo, the headers or the crate kumo-plugin, is in NAME/vendor: kumo need not be
/// installed to build it. Make it the engine that you want, and keep the tests passing.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The plugin's name: a lower-case letter, then lower-case letters, digits and _
    #[arg(value_parser = name)]
    name: String,

    /// What it is written in
    #[arg(long, value_enum)]
    lang: Language,

    /// Where the directory NAME is made
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

const EXAMPLES: &str = "Examples:
  kumoctl plugin new shelf --lang c
  kumoctl plugin new shelf --lang rust --dir engines";

fn name(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if begins && text.bytes().all(fits) && text.len() <= 64 {
        Ok(text.to_owned())
    } else {
        Err("a lower-case letter, then lower-case letters, digits and _; 64 at most".to_owned())
    }
}

/// Names that a crate cannot have, being Rust's own, or already taken.
const TAKEN: &str = "abstract alloc as async await become box break const continue core crate do \
    dyn else enum extern false final fn for gen if impl in kumo_plugin let libc loop macro match \
    mod move mut override priv proc_macro pub ref return self static std struct super test trait \
    true try type typeof unsafe unsized use virtual where while yield";

pub fn run(arguments: &Arguments) -> Result<()> {
    let (name, language) = (&arguments.name, arguments.lang);
    if language == Language::Rust && TAKEN.split(' ').any(|taken| taken == name) {
        bail!("a crate cannot be called {name}; choose another name");
    }
    let root = arguments.dir.join(name);
    if let Err(error) = fs::create_dir(&root) {
        let shown = root.display();
        match error.kind() {
            ErrorKind::AlreadyExists => bail!("{shown} exists; choose another name, or --dir"),
            _ => return Err(error).with_context(|| format!("cannot make {shown}")),
        }
    }
    if let Err(error) = write(&root, name, language) {
        // Half a plugin is of no use, and would be in the way of the next try.
        if let Err(error) = fs::remove_dir_all(&root) {
            eprintln!("kumoctl: cannot remove {}: {error}", root.display());
        }
        return Err(error);
    }
    show(&next(&root, name, language))
}

fn write(root: &Path, name: &str, language: Language) -> Result<()> {
    for (path, text) in template(language) {
        write_one(root, &path.replace(PLACEHOLDER, name), &text.replace(PLACEHOLDER, name))?;
    }
    let (files, directory) = vendored(language);
    for (path, text) in files {
        write_one(&root.join(directory), path, text)?;
    }
    write_one(root, "vendor/LICENSE", LICENSE)
}

fn write_one(root: &Path, path: &str, text: &str) -> Result<()> {
    let path = root.join(path);
    let written = || {
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        File::create_new(&path)?.write_all(text.as_bytes())
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}

/// What to type next.
fn next(root: &Path, name: &str, language: Language) -> String {
    let shown = root.display();
    let (build, library) = match language {
        Language::C => ("make && make check", format!("./lib{name}.so")),
        Language::Rust => {
            ("cargo build --release && cargo test", format!("target/release/lib{name}.so"))
        }
    };
    format!(
        "{shown}: a storage plugin. What comes next:
  cd {shown}
  {build}
  kumoctl plugin check {library}
  kumo-server -s {name}.db --storage {library}
"
    )
}
