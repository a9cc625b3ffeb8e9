//! The answers to stats: their shape, and the counters that tools rely on.

use crate::common::{Client, Engine, Memcached, Setup, engines::on_every_engine, skip::skip};
use std::collections::BTreeMap;

/// What clients and exporters look for.
const NAMES: [&str; 33] = [
    "pid",
    "uptime",
    "time",
    "version",
    "pointer_size",
    "rusage_user",
    "rusage_system",
    "curr_connections",
    "total_connections",
    "cmd_get",
    "cmd_set",
    "cmd_flush",
    "cmd_touch",
    "get_hits",
    "get_misses",
    "delete_hits",
    "delete_misses",
    "incr_hits",
    "incr_misses",
    "decr_hits",
    "decr_misses",
    "cas_hits",
    "cas_misses",
    "cas_badval",
    "touch_hits",
    "touch_misses",
    "bytes_read",
    "bytes_written",
    "limit_maxbytes",
    "threads",
    "curr_items",
    "total_items",
    "evictions",
];

fn stats(client: &mut Client, command: &str) -> BTreeMap<String, String> {
    client.send(command);
    let lines = client.lines_to_end();
    let parsed = lines.iter().map(|line| {
        let (name, value) = line
            .strip_prefix("STAT ")
            .and_then(|line| line.split_once(' '))
            .unwrap_or_else(|| panic!("{command:?} answers {line:?}"));
        (name.to_owned(), value.to_owned())
    });
    parsed.collect()
}

/// The same for kumo-server and memcached.
fn check(port: u16) {
    let mut client = Client::connect(port);
    let before = stats(&mut client, "stats\r\n");
    for name in NAMES {
        assert!(before.contains_key(name), "no {name} in {before:#?}");
    }
    // libmemcached sends the space, and reads the version's first number.
    assert_eq!(stats(&mut client, "stats \r\n").len(), before.len());
    let major = before["version"].split('.').next().and_then(|n| n.parse::<u32>().ok());
    assert!(major.is_some_and(|n| n >= 1), "version {}", before["version"]);
    assert_eq!(client.ask("version\r\n"), format!("VERSION {}", before["version"]));
    assert_eq!(before["pointer_size"], "64");

    let settings = stats(&mut client, "stats settings\r\n");
    for name in [
        "maxbytes",
        "maxconns",
        "tcpport",
        "inter",
        "num_threads",
        "item_size_max",
        "cas_enabled",
        "evictions",
    ] {
        assert!(settings.contains_key(name), "no {name} in {settings:#?}");
    }
    assert_eq!(settings["item_size_max"], "1048576");

    count(&mut client);
}

/// Every command counts where it should.
fn count(client: &mut Client) {
    // What was counted is gone; what there is is not.
    assert_eq!(client.ask("flush_all\r\n"), "OK");
    assert_eq!(client.ask("stats reset\r\n"), "RESET");
    let commands = [
        ("set n 0 0 1\r\n1\r\n", "STORED"),
        ("set m 0 0 1\r\n1\r\n", "STORED"),
        ("get none\r\n", "END"),
        ("delete none\r\n", "NOT_FOUND"),
        ("delete m\r\n", "DELETED"),
        ("incr n 1\r\n", "2"),
        ("incr none 1\r\n", "NOT_FOUND"),
        ("decr n 1\r\n", "1"),
        ("decr none 1\r\n", "NOT_FOUND"),
        ("touch n 0\r\n", "TOUCHED"),
        ("touch none 0\r\n", "NOT_FOUND"),
        ("cas n 0 0 1 1\r\n1\r\n", "EXISTS"),
        ("cas none 0 0 1 1\r\n1\r\n", "NOT_FOUND"),
        ("flush_all 1000\r\n", "OK"),
    ];
    for (command, answer) in commands {
        assert_eq!(client.ask(command), answer, "{command}");
    }
    assert_eq!(client.get("n"), Some(b"1".to_vec()));
    client.send("gets n\r\n");
    let unique = client.lines_to_end()[0].rsplit(' ').next().expect("the unique").to_owned();
    assert_eq!(client.ask(format!("cas n 0 0 1 {unique}\r\n2\r\n")), "STORED");

    let after = stats(client, "stats\r\n");
    let expected = [
        ("cmd_get", "3"),
        ("cmd_set", "5"),
        ("cmd_flush", "1"),
        ("cmd_touch", "2"),
        ("get_hits", "2"),
        ("get_misses", "1"),
        ("delete_hits", "1"),
        ("delete_misses", "1"),
        ("incr_hits", "1"),
        ("incr_misses", "1"),
        ("decr_hits", "1"),
        ("decr_misses", "1"),
        ("cas_hits", "1"),
        ("cas_misses", "1"),
        ("cas_badval", "1"),
        ("touch_hits", "1"),
        ("touch_misses", "1"),
        ("curr_items", "1"),
        ("curr_connections", &after["curr_connections"]),
    ];
    let wrong: Vec<_> = expected
        .iter()
        .filter(|(name, value)| after[*name] != *value)
        .map(|(name, value)| format!("{name} is {}, not {value}", after[*name]))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(client.ask("flush_all 0\r\n"), "OK");
}

fn stats_of_kumo(engine: Engine) {
    let server = Setup::new(engine).start();
    check(server.port);
    server.stop();
}

on_every_engine!(stats_of_kumo);

#[test]
fn stats_of_memcached() {
    let Some(memcached) = Memcached::start() else { skip!("there is no memcached") };
    check(memcached.port);
}
