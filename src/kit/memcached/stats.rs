//! Statistics.

use super::{
    super::{Outcome, Stop, ensure, store::text},
    Test,
    context::{Context, Engine},
    served,
};
use crate::host::memcached::Code;

pub(super) const TESTS: &[Test] = &[
    served("mc_stats_lines", "every line has a name of one word, and a value of text", &[], lines),
    served("mc_stats_items", "curr_items, where it is there, follows the items", &[], items),
    served("mc_stats_unknown", "a group that does not exist has no lines", &[], unknown),
    served("mc_stats_reset", "reset_stats takes no item away", &[], reset),
];

fn lines(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for round in 0..50 {
        client.put(format!("key {round}").as_bytes(), b"value")?;
        let (code, lines) = client.stats(b"")?;
        ensure!(code == Code::SUCCESS, "get_stats returned {code}");
        for (name, value) in lines {
            ensure!(!name.is_empty(), "get_stats reports a line without a name");
            let is_word = name.iter().all(u8::is_ascii_graphic);
            ensure!(is_word, "get_stats reports the name {}, which is no word", text(&name));
            let is_text = str::from_utf8(&value).is_ok() && !value.iter().any(u8::is_ascii_control);
            ensure!(
                is_text,
                "get_stats reports {} as {}, which is no line of text",
                text(&name),
                text(&value)
            );
        }
    }
    Ok(())
}

fn items(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let Some(before) = client.curr_items()? else {
        return Err(Stop::Skipped("it reports no curr_items".to_owned()));
    };
    let expect = |more: u64, when: &str| -> Outcome {
        let items = client.curr_items()?;
        ensure!(
            items == Some(before + more),
            "curr_items is {items:?} {when}; it should be {}",
            before + more
        );
        Ok(())
    };
    for number in 0..50 {
        client.put(format!("key {number}").as_bytes(), b"value")?;
    }
    expect(50, "after 50 new items")?;
    for number in 0..50 {
        client.put(format!("key {number}").as_bytes(), b"another value")?;
    }
    expect(50, "after 50 items were overwritten")?;
    for number in 0..20 {
        client.delete(format!("key {number}").as_bytes())?;
    }
    expect(30, "after 20 of 50 items were removed")?;
    client.flush_at(0)?;
    for number in 0..50 {
        client.expect(format!("key {number}").as_bytes(), None)?;
    }
    // Flushed items may be counted until somebody asks for them, as above.
    let items = client.curr_items()?;
    ensure!(items <= Some(before), "curr_items is {items:?} after a flush");
    Ok(())
}

fn unknown(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for name in [&b"no-such-group"[..], b"x", &[b'g'; 200]] {
        let (code, lines) = client.stats(name)?;
        ensure!(
            lines.is_empty(),
            "get_stats of {}, which does not exist, reports {} lines",
            text(name),
            lines.len()
        );
        ensure!(
            matches!(code, Code::KEY_ENOENT | Code::SUCCESS | Code::ENOTSUP | Code::EINVAL),
            "get_stats of {} returned {code}",
            text(name)
        );
    }
    Ok(())
}

fn reset(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    client.put(b"key", b"value")?;
    let before = client.curr_items()?;
    client.reset_stats();
    let after = client.curr_items()?;
    ensure!(before == after, "reset_stats changed curr_items from {before:?} to {after:?}");
    client.expect(b"key", Some(b"value"))
}
