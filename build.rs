//! Makes the C header from the SDK's types, in `$OUT_DIR` (a test compares it
//! with the committed one); lists the SDK's sources there, for `kumoctl plugin
//! new`; compiles the one function in C; and has every executable of this package
//! export the zone's functions to the plugins that it loads.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

const TYPES: &str = "plugins/sdk/src/abi.rs";
const SDK: &str = "plugins/sdk";
const CONFIG: &str = "cbindgen.toml";
const EXPORTS: &str = "src/host/exports.list";
const ENGINE_LOG: &str = "src/host/memcached/api/log.c";
const SANITIZER_EXPORTS: &str = "src/host/exports-sanitizer.list";

fn main() {
    for input in ["build.rs", TYPES, CONFIG, EXPORTS, SANITIZER_EXPORTS, ENGINE_LOG] {
        println!("cargo::rerun-if-changed={input}");
    }
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");

    let config = cbindgen::Config::from_file(CONFIG).expect("cbindgen.toml is readable");
    cbindgen::Builder::new()
        .with_src(TYPES)
        .with_config(config)
        .generate()
        .expect("the SDK's C types make a header")
        .write_to_file(Path::new(&out).join("kumo_storage.h"));

    fs::write(Path::new(&out).join("sdk.rs"), sdk(&root)).expect("OUT_DIR is writable");

    cc::Build::new().file(ENGINE_LOG).compile("kumo_engine_log");

    println!("cargo::rustc-link-arg=-Wl,--dynamic-list={root}/{EXPORTS}");
    // Built with a sanitizer, an executable holds its runtime, which plugins
    // that are built so look for there.
    if env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("sanitizer=")) {
        println!("cargo::rustc-link-arg=-Wl,--dynamic-list={root}/{SANITIZER_EXPORTS}");
    }
}

/// The SDK's files, names and texts, as a Rust expression: every source, and a
/// manifest that needs no workspace.
fn sdk(root: &str) -> String {
    println!("cargo::rerun-if-changed={SDK}/src");
    let mut sources = Vec::new();
    list(&Path::new(SDK).join("src"), &mut sources);
    sources.sort();
    let mut files = format!("&[(\"Cargo.toml\", {:?}),\n", manifest());
    for source in sources {
        let name = source.strip_prefix(SDK).expect("it was found there");
        files += &format!("({name:?}, include_str!({:?})),\n", Path::new(root).join(&source));
    }
    files + "]"
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the SDK's sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The SDK's manifest, with what it takes from the workspace written out.
fn manifest() -> String {
    let read = |path: &Path| -> toml::Table {
        println!("cargo::rerun-if-changed={}", path.display());
        fs::read_to_string(path).expect("a manifest").parse().expect("TOML")
    };
    let workspace = read(Path::new("Cargo.toml"));
    let mut manifest = read(&Path::new(SDK).join("Cargo.toml"));
    // Lints and tests stay here.
    manifest.remove("lints");
    manifest.remove("dev-dependencies");
    let package = manifest["package"].as_table_mut().expect("a package");
    for (name, value) in package {
        if value.get("workspace").is_some() {
            *value = workspace["workspace"]["package"][name].clone();
        }
    }
    toml::to_string(&manifest).expect("TOML")
}
