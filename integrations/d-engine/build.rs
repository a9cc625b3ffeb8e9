//! Has the executables of this package, its tests and examples, export the zone's
//! functions to the plugins that they load. What depends on this package and loads
//! plugins by path needs the same line in a build script of its own.

fn main() {
    const EXPORTS: &str = "../../src/host/exports.list";
    println!("cargo::rerun-if-changed={EXPORTS}");
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    println!("cargo::rustc-link-arg=-Wl,--dynamic-list={root}/{EXPORTS}");
}
