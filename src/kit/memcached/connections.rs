//! Clients that come and go.

use super::{
    super::{Outcome, taken::often, together::together},
    Test,
    context::{Context, Engine},
    life::use_it,
    served,
};

pub(super) const TESTS: &[Test] = &[
    served(
        "mc_connection_many",
        "clients that come, call and go leave no memory behind",
        &[],
        many,
    ),
    served(
        "mc_connection_idle",
        "clients that come and go without a call leave no memory behind",
        &[],
        |_, engine| {
            often("a client that connects and disconnects", || {
                drop(engine.connect());
                Ok(())
            })
        },
    ),
    served(
        "mc_connection_at_once",
        "two hundred clients at once, which go in another order, from several threads",
        &[],
        at_once,
    ),
];

fn many(_: &Context, engine: &Engine) -> Outcome {
    often("a client that connects, calls and disconnects", || use_it(&engine.connect()))
}

fn at_once(_: &Context, engine: &Engine) -> Outcome {
    let mut clients: Vec<_> = (0..200).map(|number| (number, engine.connect())).collect();
    for (number, client) in &clients {
        client.put(format!("client {number}").as_bytes(), number.to_string().as_bytes())?;
    }
    // Every third goes now, the others in the end.
    clients.retain(|(number, _)| number % 3 != 0);
    together(4, |_| {
        let more: Vec<_> = (0..50).map(|_| engine.connect()).collect();
        more.iter().try_for_each(|client| client.expect(b"client 0", Some(b"0")))
    })?;
    while !clients.is_empty() {
        let (number, client) = clients.swap_remove(clients.len() / 2);
        let value = number.to_string();
        client.expect(format!("client {number}").as_bytes(), Some(value.as_bytes()))?;
    }
    Ok(())
}
