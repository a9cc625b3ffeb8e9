//! Makes the C header from the SDK's types, in `$OUT_DIR` (a test compares it
//! with the committed one), and has every executable of this package export
//! the zone's functions to the plugins that it loads.

use std::{env, path::Path};

const TYPES: &str = "plugins/sdk/src/abi.rs";
const CONFIG: &str = "cbindgen.toml";
const EXPORTS: &str = "src/host/exports.list";
const SANITIZER_EXPORTS: &str = "src/host/exports-sanitizer.list";

fn main() {
    for input in ["build.rs", TYPES, CONFIG, EXPORTS, SANITIZER_EXPORTS] {
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

    println!("cargo::rustc-link-arg=-Wl,--dynamic-list={root}/{EXPORTS}");
    // Built with a sanitizer, an executable holds its runtime, which plugins
    // that are built so look for there.
    if env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("sanitizer=")) {
        println!("cargo::rustc-link-arg=-Wl,--dynamic-list={root}/{SANITIZER_EXPORTS}");
    }
}
