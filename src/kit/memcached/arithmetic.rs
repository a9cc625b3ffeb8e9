//! Arithmetic: the function, and what the server does without it.

use super::{
    super::together::together,
    super::{
        Outcome, ensure, fail,
        store::{text, text_or},
    },
    Need, Test,
    client::{Client, told},
    context::{Context, Engine},
    served,
};
use crate::host::memcached::{
    Code,
    raw::{Created, Sum},
};
use std::num::NonZeroU64;

const THERE: &[Need] = &[Need::Slot("arithmetic")];

/// Many more than there are processors.
const THREADS: usize = 30;
const TIMES: u64 = 100;

pub(super) const TESTS: &[Test] = &[
    served("mc_arithmetic_sums", "sums, which wrap at 2^64 and stop at 0", THERE, sums),
    served(
        "mc_arithmetic_text",
        "what is no number is left as it is, with ENGINE_EINVAL",
        THERE,
        no_number,
    ),
    served("mc_arithmetic_absent", "an absent key is ENGINE_KEY_ENOENT", THERE, absent),
    served(
        "mc_arithmetic_create",
        "an absent key is made where that is asked for, with the initial number",
        THERE,
        create,
    ),
    served(
        "mc_arithmetic_keeps",
        "flags and expiry stay, and the CAS unique changes",
        THERE,
        keeps,
    ),
    served("mc_arithmetic_threads", "30 threads count: no count is lost", THERE, by_threads),
    served(
        "mc_arithmetic_by_cas",
        "30 threads count by get and OPERATION_CAS, as the server does: no count is lost",
        &[Need::Cas],
        by_cas,
    ),
];

fn call(
    client: &Client,
    key: &[u8],
    increment: bool,
    delta: u64,
    create: Option<Created>,
) -> Outcome<(Code, Sum)> {
    match client.arithmetic(key, increment, delta, create) {
        Some(answer) => Ok(answer?),
        None => fail!("arithmetic is NULL"),
    }
}

/// A number as it is stored: some engines leave spaces where digits were.
fn number(value: Option<&[u8]>) -> Outcome<u64> {
    let parsed = value.and_then(|value| str::from_utf8(value).ok()?.trim_end().parse().ok());
    match parsed {
        Some(number) => Ok(number),
        None => fail!("the number is stored as {}", text_or(value)),
    }
}

/// A sum, which must work: what it says must be what is stored.
fn sum(client: &Client, key: &[u8], increment: bool, delta: u64, wanted: u64) -> Outcome<Sum> {
    let word = if increment { "plus" } else { "minus" };
    let (code, sum) = call(client, key, increment, delta, None)?;
    ensure!(code == Code::SUCCESS, "{word} {delta} returned {code}");
    ensure!(sum.result == wanted, "{word} {delta} is {}; it should be {wanted}", sum.result);
    let stored = number(client.read(key)?.as_deref())?;
    ensure!(stored == wanted, "{word} {delta} is {wanted}, and {stored} is stored");
    Ok(sum)
}

fn sums(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let key = b"number";
    client.put(key, b"10")?;
    sum(&client, key, true, 5, 15)?;
    sum(&client, key, true, 0, 15)?;
    sum(&client, key, true, 85, 100)?;
    sum(&client, key, false, 1, 99)?;
    sum(&client, key, false, 90, 9)?;
    sum(&client, key, true, 1, 10)?;
    sum(&client, key, false, 11, 0)?;
    sum(&client, key, false, u64::MAX, 0)?;
    sum(&client, key, true, u64::MAX, u64::MAX)?;
    sum(&client, key, true, 1, 0)?;
    client.put(key, b"18446744073709551615")?;
    sum(&client, key, true, 10, 9)?;
    client.put(key, b"18446744073709551615")?;
    sum(&client, key, false, u64::MAX, 0)?;
    Ok(())
}

fn no_number(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let no_numbers: [&[u8]; 5] = [b"text", b"", b"12x", b"18446744073709551616", b"a1"];
    for value in no_numbers {
        client.put(b"key", value)?;
        for increment in [true, false] {
            let (code, _) = call(&client, b"key", increment, 1, None)?;
            ensure!(
                code == Code::EINVAL,
                "arithmetic with {} returned {code}; it should return ENGINE_EINVAL",
                text(value)
            );
            client.expect(b"key", Some(value))?;
        }
    }
    Ok(())
}

fn absent(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for increment in [true, false] {
        let (code, _) = call(&client, b"absent", increment, 1, None)?;
        ensure!(
            code == Code::KEY_ENOENT,
            "arithmetic of an absent key returned {code}; it should return {}",
            Code::KEY_ENOENT
        );
        client.expect(b"absent", None)?;
    }
    Ok(())
}

fn create(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for (increment, initial) in [(true, 7), (false, u64::MAX), (true, 0)] {
        client.delete(b"made")?;
        let make = Some(Created { initial, exptime: 0 });
        let (code, made) = call(&client, b"made", increment, 5, make)?;
        ensure!(code == Code::SUCCESS, "arithmetic that makes a key returned {code}");
        ensure!(
            made.result == initial,
            "arithmetic made a key with {}; the initial number is {initial}",
            made.result
        );
        let stored = number(client.read(b"made")?.as_deref())?;
        ensure!(stored == initial, "arithmetic made a key with {initial}, and {stored} is stored");
        // Now it is there, and the initial number means nothing.
        let (code, next) = call(&client, b"made", false, 0, make)?;
        ensure!(
            code == Code::SUCCESS && next.result == initial,
            "arithmetic of a key that it made returned {code}, and {}",
            next.result
        );
    }
    Ok(())
}

fn keeps(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    // Far from now, and not to the second: a clock may go on in between.
    client.put_with(b"number", b"5", 0x0a0b_0c0d, 100_000)?;
    let before = client.info(b"number")?;
    let sum = sum(&client, b"number", true, 1, 6)?;
    let after = client.info(b"number")?;
    ensure!(after.flags == before.flags, "arithmetic changed the flags to {:02x?}", after.flags);
    ensure!(
        after.exptime.abs_diff(before.exptime) <= 2,
        "arithmetic changed the exptime from {} to {}",
        before.exptime,
        after.exptime
    );
    if let Some(cas) = NonZeroU64::new(after.cas) {
        ensure!(after.cas != before.cas, "arithmetic left the CAS unique {cas}");
        ensure!(
            sum.cas == after.cas,
            "arithmetic says the CAS unique {}, and get finds {cas}",
            sum.cas
        );
    }
    Ok(())
}

fn by_threads(_: &Context, engine: &Engine) -> Outcome {
    engine.connect().put(b"counter", b"0")?;
    together(THREADS, |_| {
        let client = engine.connect();
        for _ in 0..TIMES {
            let (code, _) = call(&client, b"counter", true, 1, None)?;
            ensure!(code == Code::SUCCESS, "arithmetic returned {code}");
        }
        Ok(())
    })?;
    counted(engine)
}

fn by_cas(_: &Context, engine: &Engine) -> Outcome {
    engine.connect().put(b"counter", b"0")?;
    together(THREADS, |_| {
        let client = engine.connect();
        for _ in 0..TIMES / 4 {
            while !one_more(&client)? {}
        }
        Ok(())
    })?;
    let stored = number(engine.connect().read(b"counter")?.as_deref())?;
    expect(stored, TIMES / 4)
}

/// One try to count; false: another one was faster.
fn one_more(client: &Client) -> Outcome<bool> {
    let info = told(&client.found(b"counter")?)?;
    let next = number(Some(&info.value()))? + 1;
    match client.swap(b"counter", next.to_string().as_bytes(), info.cas)? {
        (Code::SUCCESS, _) => Ok(true),
        (Code::KEY_EEXISTS, _) => Ok(false),
        (code, _) => fail!("store with OPERATION_CAS returned {code}"),
    }
}

fn counted(engine: &Engine) -> Outcome {
    let stored = number(engine.connect().read(b"counter")?.as_deref())?;
    expect(stored, TIMES)
}

fn expect(stored: u64, times: u64) -> Outcome {
    let wanted = THREADS as u64 * times;
    ensure!(
        stored == wanted,
        "{THREADS} threads added one {times} times each, and the counter stands at {stored}: \
         {} were lost",
        wanted.saturating_sub(stored)
    );
    Ok(())
}
