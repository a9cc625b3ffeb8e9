//! Loading, and the life of an instance: create_instance, initialize, destroy.

use super::{
    super::{Outcome, Stop, ensure, fail, taken::often},
    Test, alone,
    client::Client,
    context::{Context, Engine},
    served,
};
use crate::host::memcached::Feature;
use std::{mem, thread};

pub(super) const TESTS: &[Test] = &[
    alone(
        "mc_load_library",
        "the library loads, create_instance answers with a table, and no required function is NULL",
        &[],
        loads,
    ),
    alone("mc_load_initialize", "initialize works in an empty directory", &[], initializes),
    served(
        "mc_load_info",
        "get_info answers with a description, and the features are those that it has",
        &[],
        informs,
    ),
    alone(
        "mc_life_again",
        "after destroy an engine can be created and initialized again, in the same process",
        &[],
        again,
    ),
    alone("mc_life_empty", "an engine that was never used is destroyed", &[], |context| {
        context.start()?.destroy()
    }),
    alone(
        "mc_life_refused",
        "an initialize that fails is followed by destroy, leaves nothing, and spoils nothing",
        &[],
        refused,
    ),
    alone(
        "mc_life_threads",
        "create_instance, initialize, calls and destroy may come from different threads",
        &[],
        other_threads,
    ),
];

fn loads(context: &Context) -> Outcome {
    match context.module.create() {
        // Neither initialized nor destroyed: that is what other tests are about.
        Ok(instance) => mem::forget(instance),
        Err(error) => fail!("{error}"),
    }
    Ok(())
}

fn initializes(context: &Context) -> Outcome {
    mem::forget(context.start()?);
    Ok(())
}

fn informs(_: &Context, engine: &Engine) -> Outcome {
    let Some(about) = engine.instance().about() else { fail!("get_info returned NULL") };
    ensure!(!about.description.trim().is_empty(), "get_info has no description");
    let again = engine.instance().about();
    ensure!(again.as_ref() == Some(&about), "get_info does not answer the same again");
    let says_cas = about.features.iter().any(|feature| feature.number == Feature::CAS);
    ensure!(
        !says_cas || engine.has_cas()?,
        "it says ENGINE_FEATURE_CAS, and its items have the CAS unique 0"
    );
    Ok(())
}

/// A few calls.
pub(super) fn use_it(client: &Client) -> Outcome {
    client.put(b"key", b"value")?;
    client.expect(b"key", Some(b"value"))?;
    client.delete(b"key")?;
    client.put(b"another key", b"another value")?;
    client.expect(b"key", None)
}

fn again(context: &Context) -> Outcome {
    for round in 0..20 {
        let engine = context.start().map_err(|stop| stop.told(&format!("start {round}")))?;
        use_it(&engine.connect())?;
        engine.destroy()?;
    }
    Ok(())
}

fn refused(context: &Context) -> Outcome {
    let mut config = context.config().unwrap_or_default();
    config.push_str(";no_such_key_of_any_engine=1");
    let config = config.trim_start_matches(';').to_owned();
    let try_it = || match context.try_start(Some(&config)) {
        Ok(_) => Err(Stop::Skipped("it takes any configuration".to_owned())),
        Err(_) => Ok(()),
    };
    often("an initialize that failed, and destroy", try_it)?;
    let engine = context.start()?;
    use_it(&engine.connect())?;
    engine.destroy()
}

fn other_threads(context: &Context) -> Outcome {
    let engine = elsewhere(|| context.start())?;
    let client = elsewhere(|| Ok(engine.connect()))?;
    let client = elsewhere(move || use_it(&client).map(|()| client))?;
    let (client, item) =
        elsewhere(move || client.found(b"another key").map(|item| (client, item)))?;
    elsewhere(move || {
        drop(item);
        Ok(())
    })?;
    elsewhere(move || {
        drop(client);
        Ok(())
    })?;
    elsewhere(move || engine.destroy())
}

/// Does something on a thread of its own.
fn elsewhere<T: Send>(work: impl FnOnce() -> Outcome<T> + Send) -> Outcome<T> {
    match thread::scope(|scope| scope.spawn(work).join()) {
        Ok(outcome) => outcome,
        Err(_) => fail!("the kit's thread panicked"),
    }
}
