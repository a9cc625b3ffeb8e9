//! What a plugin says of itself, and whether it is so.

use crate::kit::{
    Need, Outcome, Stop, Test,
    context::Context,
    ensure, fail,
    store::{Store, clean, text},
};
use kumo_plugin::abi::{
    KUMO_CAP_DURABLE_SYNC, KUMO_CAP_ORDERED, KUMO_CAP_REENTRANT_SCAN, KUMO_CAP_VOLATILE,
};
use std::{collections::BTreeSet, ffi::OsString};

const NEEDS: &[Need] = &[Need::Described];

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "describe_texts",
        about: "name, version and description are there, and lines that can be shown",
        needs: NEEDS,
        run: texts,
    },
    Test {
        name: "describe_caps",
        about: "the capabilities do not contradict each other or the slots",
        needs: NEEDS,
        run: caps,
    },
    Test {
        name: "describe_classic",
        about: "a kumo_storage_init beside the description gives a table whole but for updatev",
        needs: NEEDS,
        run: classic,
    },
    Test {
        name: "describe_ordered",
        about: "for_each shows records in the order that ORDERED declares",
        needs: &[Need::Cap(KUMO_CAP_ORDERED, "ordered")],
        run: ordered,
    },
    Test {
        name: "describe_reentrant",
        about: "operations and scans work within a scan, as REENTRANT_SCAN declares",
        needs: &[Need::Cap(KUMO_CAP_REENTRANT_SCAN, "reentrant-scan")],
        run: reentrant,
    },
    Test {
        name: "describe_parameters",
        about: "each parameter has a name, a help, and a default that open accepts",
        needs: NEEDS,
        run: parameters,
    },
    Test {
        name: "describe_unknown_parameter",
        about: "a parameter that is not declared is refused by the host, with a text",
        needs: NEEDS,
        run: unknown_parameter,
    },
    Test {
        name: "describe_open_error",
        about: "an open that fails calls set_error, with a text",
        needs: &[Need::Described, Need::Durable],
        run: open_error,
    },
];

fn line(what: &str, text: &str) -> Outcome {
    ensure!(!text.trim().is_empty(), "its {what} is empty");
    ensure!(text.trim() == text, "its {what} begins or ends with a space: {text:?}");
    let bad = text.chars().find(|c| c.is_control() || *c == char::REPLACEMENT_CHARACTER);
    ensure!(bad.is_none(), "its {what} is no line of text: {text:?}");
    ensure!(text.len() <= 500, "its {what} has {} bytes", text.len());
    Ok(())
}

fn texts(context: &Context) -> Outcome {
    let plugin = context.plugin.plugin();
    line("name", plugin.name())?;
    if let Some(about) = plugin.about() {
        line("version", &about.version)?;
        line("description", &about.description)?;
        ensure!(
            !about.version.contains(' '),
            "its version is {:?}; a version has no spaces",
            about.version
        );
    }
    Ok(())
}

fn caps(context: &Context) -> Outcome {
    let has = |cap| context.has_cap(cap);
    ensure!(
        !has(KUMO_CAP_DURABLE_SYNC) || context.plugin.has("sync"),
        "it declares durable-sync, and has no sync"
    );
    ensure!(
        !(has(KUMO_CAP_DURABLE_SYNC) && has(KUMO_CAP_VOLATILE)),
        "it declares durable-sync, and volatile"
    );
    ensure!(
        !context.plugin.has("seek") || has(KUMO_CAP_ORDERED),
        "it has seek, and does not declare ordered"
    );
    Ok(())
}

/// What a host that knows only classic plugins, as kumofs does, would load.
fn classic(context: &Context) -> Outcome {
    let Some(nulls) = clean(context.plugin.classic_nulls(), "kumo_storage_init")? else {
        return Err(Stop::Skipped("it has no kumo_storage_init".to_owned()));
    };
    ensure!(
        nulls.is_empty(),
        "the table of kumo_storage_init has NULL for {}; only updatev may be NULL there",
        nulls.join(", ")
    );
    Ok(())
}

fn ordered(context: &Context) -> Outcome {
    let store = context.open("ordered")?;
    let mut random = context.random();
    for _ in 0..500 {
        let len = random.below(5);
        store.put(&random.bytes(len), b"value")?;
    }
    // Bytes as unsigned, the shorter one first.
    for key in [&b""[..], b"\0", b"a", b"ab", b"\x7f", b"\x80", b"\xff", b"\xff\xff"] {
        store.put(key, b"value")?;
    }
    let mut keys = Vec::new();
    let scanned = store.for_each(&mut |current| {
        keys.extend(current.key());
        0
    });
    clean(scanned, "for_each")?;
    if let Some(pair) = keys.windows(2).find(|pair| pair[0] >= pair[1]) {
        fail!(
            "it declares ordered, and for_each shows {} before {}",
            text(&pair[0]),
            text(&pair[1])
        );
    }
    store.shut()
}

fn reentrant(context: &Context) -> Outcome {
    let store = context.open("reentrant")?;
    for n in 0..20 {
        store.put(format!("key {n}").as_bytes(), b"value")?;
    }
    let mut inner = Ok(());
    let mut seen = 0;
    let scanned = store.for_each(&mut |current| {
        seen += 1;
        let key = current.key().unwrap_or_default();
        inner = within(&store, &key);
        if inner.is_err() { -1 } else { 0 }
    });
    inner?;
    clean(scanned, "for_each")?;
    ensure!(seen == 20, "a scan with writes in it shows {seen} of 20 records");
    store.shut()
}

/// Calls within a scan.
fn within(store: &Store, key: &[u8]) -> Outcome {
    store.expect(key, Some(b"value"))?;
    store.put(key, b"value")?;
    let shown = store.records()?.len();
    ensure!(shown == 20, "a scan within a scan shows {shown} of 20 records");
    Ok(())
}

fn parameters(context: &Context) -> Outcome {
    let plugin = context.plugin.plugin();
    let mut names = BTreeSet::new();
    for (n, param) in plugin.params().iter().enumerate() {
        let name = &param.name;
        line("parameter's name", name)?;
        ensure!(names.insert(name), "the parameter {name} is declared twice");
        line(&format!("help for the parameter {name}"), &param.help)?;
        let Some(default) = &param.default else { continue };
        let mut location = OsString::from(context.path(&format!("default-{n}")));
        location.push(format!("#{name}={default}"));
        // Through the host, which checks the type before it calls open.
        match plugin.open(&location) {
            Ok(storage) => drop(storage),
            Err(error) => fail!("the default of the parameter {name}, {default}: {error}"),
        }
    }
    let stray = context.files()?.into_iter().find(|name| name.contains('#'));
    ensure!(
        stray.is_none(),
        "a parameter became a part of a file's name: {}",
        stray.unwrap_or_default()
    );
    Ok(())
}

fn unknown_parameter(context: &Context) -> Outcome {
    let plugin = context.plugin.plugin();
    let mut location = OsString::from(context.path("unknown"));
    location.push("#no_plugin_has_this=1");
    let Err(error) = plugin.open(&location) else {
        fail!("a parameter that is not declared was accepted")
    };
    let text = error.to_string();
    ensure!(text.contains("no_plugin_has_this"), "the refusal does not name it: {text}");
    ensure!(!context.path("unknown").exists(), "the database was made in spite of the refusal");
    Ok(())
}

fn open_error(context: &Context) -> Outcome {
    let path = context.path("missing").join("database");
    let created = context.plugin.create();
    let Some(instance) = created.said else { fail!("create returned NULL") };
    let opened = instance.open(&context.location(&path));
    ensure!(opened.said.is_err(), "open in a directory that does not exist succeeded");
    match opened.error {
        None => fail!("open failed, and did not call set_error"),
        Some(error) => {
            line("error", &error.text)?;
            Ok(())
        }
    }
}
