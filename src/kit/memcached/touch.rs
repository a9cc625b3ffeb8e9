//! Commands that come as packets of the binary protocol: touch, gat, and what
//! the engine does not know either.

use super::{
    super::{Outcome, Stop, ensure, fail, store::text},
    Need, Test,
    client::Client,
    context::{Context, Engine},
    expiry::until_gone,
    served,
};
use crate::host::memcached::{Code, Response};

const THERE: &[Need] = &[Need::Slot("unknown_command")];

const TOUCH: u8 = 0x1c;
const GAT: u8 = 0x1d;
/// Nobody's.
const NO_COMMAND: u8 = 0xe9;

/// Statuses of the binary protocol.
const SUCCESS: u16 = 0;
const KEY_ENOENT: u16 = 1;

pub(super) const TESTS: &[Test] = &[
    served("mc_touch_found", "touch of an item leaves its value and its flags", THERE, found),
    served(
        "mc_touch_absent",
        "touch and gat of an absent key say that it is absent",
        THERE,
        absent,
    ),
    served("mc_touch_gat", "gat answers with the flags, the CAS unique and the value", THERE, gat),
    served(
        "mc_touch_expiry",
        "touch gives an item an expiry, and takes it away",
        &[Need::Slot("unknown_command"), Need::Times],
        expiry,
    ),
    served(
        "mc_touch_unknown",
        "a command that does not exist is ENGINE_ENOTSUP, and not responded to",
        THERE,
        unknown,
    ),
];

/// A command that must be responded to. Skips where the engine does not know it.
fn command(client: &Client, opcode: u8, key: &[u8], exptime: u32) -> Outcome<Response> {
    let answer = client.unknown_command(opcode, &exptime.to_be_bytes(), key).transpose()?;
    match answer {
        None | Some((Code::ENOTSUP, _)) => {
            Err(Stop::Skipped("it does not know the commands touch and gat".to_owned()))
        }
        Some((Code::SUCCESS, Some(response))) => Ok(response),
        Some((Code::SUCCESS, None)) => {
            fail!("unknown_command for {opcode:#x} returned ENGINE_SUCCESS, and responded nothing")
        }
        // The host takes this as well.
        Some((Code::KEY_ENOENT, None)) => {
            Ok(Response { status: KEY_ENOENT, ..Response::default() })
        }
        Some((code, _)) => {
            fail!("unknown_command for {opcode:#x} of {} returned {code}", text(key))
        }
    }
}

fn well(response: &Response, what: &str) -> Outcome {
    ensure!(response.status == SUCCESS, "{what} of an item has the status {:#x}", response.status);
    Ok(())
}

fn found(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    client.put_with(b"key", b"value", 5, 0)?;
    well(&command(&client, TOUCH, b"key", 1000)?, "touch")?;
    client.expect(b"key", Some(b"value"))?;
    let flags = client.info(b"key")?.flags;
    ensure!(flags == 5u32.to_be_bytes(), "touch changed the flags to {flags:02x?}");
    Ok(())
}

fn absent(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for opcode in [TOUCH, GAT] {
        let status = command(&client, opcode, b"absent", 1000)?.status;
        ensure!(
            status == KEY_ENOENT,
            "the command {opcode:#x} of an absent key has the status {status:#x}; it should be \
             {KEY_ENOENT}"
        );
        client.expect(b"absent", None)?;
    }
    Ok(())
}

fn gat(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for value in [&b"value"[..], b"", &[0xff; 5000]] {
        client.put_with(b"key", value, 0x0102_0304, 0)?;
        let response = command(&client, GAT, b"key", 1000)?;
        well(&response, "gat")?;
        ensure!(response.body == value, "gat answers {}", text(&response.body));
        ensure!(response.extras == [1, 2, 3, 4], "gat's flags are {:02x?}", response.extras);
        let cas = client.info(b"key")?.cas;
        ensure!(response.cas == cas, "gat says the CAS unique {}; it is {cas}", response.cas);
    }
    Ok(())
}

fn expiry(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    client.put_with(b"stays", b"value", 0, 2)?;
    client.put(b"goes", b"value")?;
    let there = command(&client, TOUCH, b"stays", 0)?.status == SUCCESS;
    well(&command(&client, TOUCH, b"goes", 2)?, "touch")?;
    until_gone(engine, &client, b"goes")?;
    // A slow machine may have been too late for the first touch.
    if there {
        client.expect(b"stays", Some(b"value"))?;
    }
    Ok(())
}

fn unknown(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let Some(answer) = client.unknown_command(NO_COMMAND, b"", b"key") else {
        fail!("unknown_command is NULL")
    };
    let (code, response) = answer?;
    ensure!(
        code == Code::ENOTSUP,
        "a command that does not exist returned {code}; it should return ENGINE_ENOTSUP"
    );
    ensure!(response.is_none(), "a command that does not exist was responded to");
    Ok(())
}
