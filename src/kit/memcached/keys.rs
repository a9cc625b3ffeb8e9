//! Keys: any bytes, up to 250 of them, readable during the call alone.

use super::{
    super::{Outcome, ensure, fail, store::text},
    Test,
    client::told,
    context::{Context, Engine},
    served,
};
use crate::host::{
    memcached::{Code, Operation},
    raw::Fenced,
};

/// The longest key of the text protocol.
const LONGEST: usize = 250;

pub(super) const TESTS: &[Test] = &[
    served(
        "mc_key_bytes",
        "keys of any bytes: separators, dots, spaces, NUL, line ends, bytes beyond ASCII",
        &[],
        bytes,
    ),
    served("mc_key_long", "keys of 1 to 250 bytes, whatever they consist of", &[], long),
    served(
        "mc_key_bounds",
        "no byte behind a key is read, and none of it when the call has returned",
        &[],
        bounds,
    ),
];

/// Each under its own value; all must be there in the end.
fn keep_apart(engine: &Engine, keys: &[Vec<u8>]) -> Outcome {
    let client = engine.connect();
    let value = |number: usize| format!("the value {number}").into_bytes();
    for (number, key) in keys.iter().enumerate() {
        client.put(key, &value(number))?;
    }
    for (number, key) in keys.iter().enumerate() {
        client.expect(key, Some(&value(number)))?;
        let info = client.info(key)?;
        ensure!(info.key.as_ref() == Some(key), "the item of {} has another key", text(key));
    }
    for (number, key) in keys.iter().enumerate() {
        let there = client.delete(key)?;
        ensure!(there, "remove of {} found nothing", text(key));
        if let Some(next) = keys.get(number + 1) {
            client.expect(next, Some(&value(number + 1)))?;
        }
    }
    Ok(())
}

fn bytes(_: &Context, engine: &Engine) -> Outcome {
    let named: [&[u8]; 30] = [
        b"/",
        b"//",
        b".",
        b"..",
        b"../",
        b"../key",
        b"/etc/passwd",
        b"a/b",
        b"a//b",
        b"a/../b",
        b"a",
        b"a\0",
        b"a\0b",
        b"\0",
        b"\0\0",
        b" ",
        b"a b",
        b"a ",
        b" a",
        b"\r\n",
        b"a\n",
        b"\t",
        b"%",
        b"%2F",
        b"%00",
        b"+",
        b"A",
        b"*",
        b"~",
        b"\\",
    ];
    let mut keys: Vec<Vec<u8>> = named.map(<[u8]>::to_vec).to_vec();
    keys.extend((0x7f..=0xff).map(|byte| vec![b'x', byte]));
    keys.extend(["\u{e9}", "e\u{301}", "\u{c9}"].map(|text| text.as_bytes().to_vec()));
    keep_apart(engine, &keys)
}

fn long(_: &Context, engine: &Engine) -> Outcome {
    let mut keys = Vec::new();
    for byte in [b'k', b'/', b'.', 0xff, b' '] {
        keys.extend([1, 2, 63, 64, 65, 127, 128, 200, 249, LONGEST].map(|len| vec![byte; len]));
        // They are different in the last byte alone.
        for last in [b'a', b'b', 0] {
            let mut key = vec![byte; LONGEST];
            key[LONGEST - 1] = last;
            keys.push(key);
        }
    }
    keep_apart(engine, &keys)
}

fn bounds(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for len in [1, 2, 7, 8, 9, 31, 100, LONGEST] {
        let key = vec![b'b'; len];
        let fenced = || Fenced::new(&key);
        let mut item = match client.allocate(&fenced()?, 5, 0, 0)? {
            (Code::SUCCESS, Some(item)) => item,
            (code, _) => fail!("allocate returned {code}"),
        };
        // The key that allocate was given is no more.
        item.set_cas(0);
        if let Err(reason) = item.fill(b"value") {
            fail!("{reason}");
        }
        let (code, _) = client.store_item(&item, Operation::Set)?;
        ensure!(code == Code::SUCCESS, "store returned {code}");
        let found = client.found(&fenced()?)?;
        ensure!(told(&found)?.key == Some(key.clone()), "an item has another key");
        let there = client.delete(&fenced()?)?;
        ensure!(there, "remove found nothing");
        client.expect(&fenced()?, None)?;
        let sum = client.arithmetic(&fenced()?, true, 1, None).transpose()?;
        ensure!(
            sum.is_none_or(|(code, _)| code == Code::KEY_ENOENT),
            "arithmetic found a key that was removed"
        );
    }
    Ok(())
}
