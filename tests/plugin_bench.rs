//! `kumoctl plugin bench`: the shape of its results. Never how fast anything is.

#![allow(missing_docs)]

mod common;

use common::{kumoctl::Kumoctl, plugins, temp_dir};
use serde_json::Value;

const PHASES: [&str; 8] =
    ["load", "get", "get_zipf", "get_miss", "get_16", "iterate", "overwrite", "delete"];

#[test]
fn two_plugins_in_turns_as_json() {
    let library = plugins::tchdb_like();
    let dir = temp_dir();
    let arguments = [
        "bench",
        "built-in",
        "--vs",
        library.to_str().expect("a path of text"),
        "--records=500",
        "--rounds=3",
        "--threads=1,2",
        "--sizes=18,100",
        "--json",
        "--dir",
        dir.path().to_str().expect("a path of text"),
    ];
    let report: Value =
        serde_json::from_str(&Kumoctl::run("plugin", &arguments).ok()).expect("JSON");
    assert_eq!((&report["records"], &report["rounds"]), (&500.into(), &3.into()));
    assert_eq!(report["plugins"].as_array().map(Vec::len), Some(2));

    let results = report["results"].as_array().expect("a list");
    let mut expected = Vec::new();
    for size in [18, 100] {
        for threads in [1, 2] {
            expected.extend(PHASES.map(|phase| (size, threads, phase)));
        }
    }
    let got: Vec<_> = results
        .iter()
        .filter_map(|r| Some((r["size"].as_u64()?, r["threads"].as_u64()?, r["phase"].as_str()?)))
        .collect();
    assert_eq!(got, expected);
    for result in results {
        let ordered = |spread: &Value| {
            let of = |name: &str| spread[name].as_f64().expect("a number");
            assert!(0.0 < of("min") && of("min") <= of("median") && of("median") <= of("max"));
        };
        ordered(&result["ratio"]);
        for plugin in result["plugins"].as_array().expect("a list") {
            assert_eq!(plugin["rounds"].as_array().map(Vec::len), Some(3));
            ordered(&plugin["rate"]);
        }
    }
    assert_eq!(dir.path().read_dir().expect("the directory").count(), 0, "databases are left");
}

#[test]
fn one_plugin_as_a_table() {
    let table = Kumoctl::run("plugin", &["bench", "built-in", "--records=100", "--rounds=1"]).ok();
    for part in ["32 B values, 1 thread\n", "1024 B values, 2 threads\n", "tchdb_like"] {
        assert!(table.contains(part), "no {part:?} in {table}");
    }
    assert!(!table.contains("ratio"), "{table}");
    for phase in PHASES {
        let rows = table.lines().filter(|line| line.split_whitespace().next() == Some(phase));
        assert_eq!(rows.count(), 4, "{phase} in {table}");
    }
}

#[test]
fn what_cannot_be_measured_is_said() {
    let bench = |arguments: &[&str]| Kumoctl::run("plugin", &[&["bench"], arguments].concat());
    bench(&["no_such_plugin"]).refused(&["no_such_plugin"]);
    bench(&["built-in", "--records=10", "--opt", "nosuch=1"]).refused(&["nosuch"]);
    bench(&["built-in", "--records=10", "--dir", "/no/such/dir"]).refused(&["/no/such/dir"]);
    for wrong in
        [&["--sizes=17"][..], &["--threads=0"], &["--vs-opt=a=1"], &["--opt=a"], &["--rounds=0"]]
    {
        assert_eq!(bench(&[&["built-in"], wrong].concat()).code, Some(2), "{wrong:?}");
    }
}
