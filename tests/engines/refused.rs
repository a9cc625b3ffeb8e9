//! What cannot be served says why.

use super::{on, plugins, setup};
use crate::common::skip::skip;

/// The last line of what a server says that does not start.
fn refusal(engine: &str) -> Option<String> {
    let (status, said) = setup(engine)?.fails();
    assert_eq!(status.code(), Some(1), "{engine}: {status}\n{said}");
    Some(said)
}

#[test]
fn a_missing_function_is_named() {
    for slot in [
        "get_info",
        "initialize",
        "destroy",
        "allocate",
        "remove",
        "release",
        "get",
        "store",
        "flush",
        "get_stats",
        "reset_stats",
        "item_set_cas",
        "get_item_info",
    ] {
        let Some(said) = refusal(&format!("slots_{slot}")) else { skip!("no C compiler") };
        assert!(said.contains(&format!("NULL for {slot};")), "{said}");
    }
}

#[test]
fn another_interface_is_destroyed_at_once() {
    let Some(said) = refusal("newer") else { skip!("no C compiler") };
    assert!(said.contains("newer: destroy"), "{said}");
    assert!(said.contains("version 2") && said.contains("speaks 1"), "{said}");
}

#[test]
fn an_engine_that_refuses_the_interface() {
    let Some(said) = refusal("enotsup") else { skip!("no C compiler") };
    assert!(said.contains("does not support version 1"), "{said}");
}

#[test]
fn an_engine_that_cannot_be_initialized_is_destroyed() {
    let Some(said) = refusal("initfails") else { skip!("no C compiler") };
    let (initialized, destroyed) = (said.find("initfails: initialize"), said.find(": destroy"));
    assert!(initialized.is_some() && initialized < destroyed, "{said}");
    assert!(said.contains("initialize failed: ENGINE_FAILED"), "{said}");
}

/// A plugin of kumo's needs a database, and says so before it listens.
#[test]
fn a_plugin_without_a_database() {
    let Some(memhash) = plugins::memhash() else { skip!("no C compiler") };
    let (status, said) = crate::Setup::with_storage(memhash).without_store().fails();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("database is missing"), "{said}");
}

/// An engine's configuration is its own matter, and its refusal is shown.
#[test]
fn a_configuration_that_is_not_understood() {
    let (status, said) = on!("fs_engine").arguments(["-e", "sync=perhaps"]).fails();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("sync=perhaps"), "{said}");
}
