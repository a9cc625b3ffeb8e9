//! Compiles the peers in C and C++ whose libraries are there.

/// The pkg-config name, the source, and the packages of Debian.
const PEERS: [(&str, &str, &str); 5] = [
    ("tokyocabinet", "tokyocabinet.c", "libtokyocabinet-dev"),
    ("tkrzw", "tkrzw.cc", "libtkrzw-dev"),
    ("kyotocabinet", "kyotocabinet.cc", "libkyotocabinet-dev"),
    ("lmdb", "lmdb.c", "liblmdb-dev"),
    ("rocksdb", "rocksdb.c", "librocksdb-dev"),
];

fn main() {
    const EXPORTS: &str = "../src/host/exports.list";
    println!("cargo::rerun-if-changed={EXPORTS}");
    println!("cargo::rerun-if-changed=peers");
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    // The plugin that is loaded finds the zone's functions in the executable.
    println!("cargo::rustc-link-arg=-Wl,--dynamic-list={root}/{EXPORTS}");

    for (name, source, package) in PEERS {
        println!("cargo::rustc-check-cfg=cfg({name})");
        let library = match pkg_config::Config::new().cargo_metadata(false).probe(name) {
            Ok(library) => library,
            Err(_) => {
                println!("cargo::warning={name} is left out: install {package} to compare with it");
                continue;
            }
        };
        let mut build = cc::Build::new();
        build.file(format!("peers/{source}")).opt_level(2).warnings(true).extra_warnings(true);
        build.includes(&library.include_paths);
        build.define("ROCKSDB_VERSION", format!("\"{}\"", library.version).as_str());
        if source.ends_with(".cc") {
            build.cpp(true).std("c++17");
        }
        build.compile(&format!("peer_{name}"));
        // Behind what was compiled, which asks for it.
        println!("cargo::rustc-link-lib={name}");
        println!("cargo::rustc-cfg={name}");
    }
}
