//! Clients that come and go.

use super::{
    super::{Outcome, ensure, taken::often, together::together},
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
    served(
        "mc_connection_item",
        "an item that a client holds when it goes is readable until it is released",
        &[],
        item,
    ),
];

fn many(_: &Context, engine: &Engine) -> Outcome {
    often("a client that connects, calls and disconnects", || {
        let client = engine.connect();
        let cookie = client.watch();
        use_it(&client)?;
        drop(client);
        // What was begun for it has come to an end.
        ensure!(cookie.reserved() <= 1, "a client's cookie is reserved more than once");
        Ok(())
    })
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

fn item(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    client.put(b"key", b"value")?;
    let item = client.found(b"key")?;
    drop(client);
    engine.connect().put(b"key", b"another")?;
    let value = super::client::told(&item)?.value();
    ensure!(value == b"value", "an item changed when its client went");
    Ok(())
}
