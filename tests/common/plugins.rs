//! The plugins, built by the tests that need them: C ones with the C compiler
//! that is found, the Rust one with cargo.

use super::cargo;
use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, id},
    sync::{LazyLock, Mutex, OnceLock},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// C or C++ sources of this repository as a shared library. None where there
/// is no compiler for them; it panics where the compiler refuses.
fn build(sources: &[&str], library: &str) -> Option<PathBuf> {
    static BUILT: LazyLock<Mutex<HashMap<String, Option<PathBuf>>>> =
        LazyLock::new(Default::default);
    let mut built = BUILT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    built.entry(library.to_owned()).or_insert_with(|| compile(sources, library)).clone()
}

fn compile(sources: &[&str], library: &str) -> Option<PathBuf> {
    let (variable, names, standard) = if sources[0].ends_with(".cc") {
        ("CXX", ["c++", "g++", "clang++"], "-std=c++17")
    } else {
        ("CC", ["cc", "gcc", "clang"], "-std=c99")
    };
    let compiler = env::var(variable)
        .into_iter()
        .chain(names.map(str::to_owned))
        .find(|name| Command::new(name).arg("--version").output().is_ok())?;

    let dir = directory();
    let to = dir.join(library);
    // Other tests may be building it too: each one its own, renamed when done.
    let temporary = dir.join(format!("{library}.{}", id()));
    let mut command = Command::new(compiler);
    command
        .current_dir(ROOT)
        .args([standard, "-O1", "-g", "-fPIC", "-shared", "-pthread", "-Iinclude"])
        .args(sources)
        .arg("-o")
        .arg(&temporary);
    let output = command.output().expect("the compiler");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{messages}");
    fs::rename(&temporary, &to).expect("the library");
    Some(to)
}

fn directory() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
    fs::create_dir_all(&dir).expect("a directory for the plugins");
    dir
}

/// The first C plugin. None without a C compiler.
pub fn memhash() -> Option<PathBuf> {
    build(&["plugins/memhash/memhash.c", "plugins/memhash/dump.c"], "libmemhash.so")
}

/// The plugin that registers a mapping. None without a C compiler.
pub fn mapped() -> Option<PathBuf> {
    build(&["c-tests/mapped.c"], "libmapped.so")
}

/// A plugin of c-tests/evil, by the name of its source. None without a compiler.
pub fn evil(source: &str) -> Option<PathBuf> {
    let stem = source.rsplit_once('.').map_or(source, |(stem, _)| stem);
    build(&[&format!("c-tests/evil/{source}")], &format!("libevil_{}.so", stem.replace('/', "_")))
}

/// The plugins that c-tests/build.sh makes: the directory.
pub fn good() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build_all("good"))
}

/// The engines of memcached's interface: the directory.
pub fn engines() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build_all("engines").join("engines"))
}

/// The tutorial's engine, written anew. None without a C compiler.
pub fn fs_engine() -> Option<PathBuf> {
    memhash().map(|_| engines().join("fs_engine.so"))
}

/// What c-tests/build.sh makes when it is told `what`.
fn build_all(what: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{what}-plugins"));
    let script = Path::new(ROOT).join("c-tests/build.sh");
    let output = Command::new("bash").arg(script).arg(&dir).arg(what).output();
    let output = output.expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "c-tests/build.sh:\n{said}");
    dir
}

/// What to say where `tokyo_cabinet` is None.
pub const NO_TOKYO_CABINET: &str = "no libtokyocabinet: apt-get install libtokyocabinet-dev";

/// plugins/tokyocabinet. None where the system has no Tokyo Cabinet.
pub fn tokyo_cabinet() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tokyocabinet");
    let output = Command::new("make")
        .arg("-sC")
        .arg(Path::new(ROOT).join("plugins/tokyocabinet"))
        .arg(format!("OUT={}", dir.display()))
        .output()
        .expect("make runs");
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && (said.contains("tchdb.h") || said.contains("tcutil.h")) {
        return None;
    }
    assert!(output.status.success(), "{said}");
    Some(dir.join("libtchdb.so"))
}

/// The built-in engine as a library: `libtchdb_like.so`.
pub fn tchdb_like() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build_tchdb_like).clone()
}

fn build_tchdb_like() -> PathBuf {
    cargo::build("tchdb_like-plugin")
        .iter()
        .filter_map(|artifact| artifact["filenames"].as_array())
        .flatten()
        .filter_map(|name| name.as_str())
        .find(|name| name.ends_with("libtchdb_like.so"))
        .map(PathBuf::from)
        .expect("libtchdb_like.so among what cargo built")
}
