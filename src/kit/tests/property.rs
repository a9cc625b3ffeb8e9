//! Random sequences of operations against a model of what must be there. One
//! that fails is made as short as can be, and kept.

use crate::kit::{
    Outcome, Test,
    context::Context,
    fail,
    script::{self, Choice, Step},
    shrink::shrink,
};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "property_short",
        about: "many short random sequences do what a model does",
        needs: &[],
        run: |context| sequences(context, 40, context.settings.rounds.clamp(5, 100)),
    },
    Test {
        name: "property_long",
        about: "long random sequences do what a model does",
        needs: &[],
        run: |context| sequences(context, 1500, (context.settings.rounds / 10).clamp(1, 10)),
    },
];

fn sequences(context: &Context, steps: usize, count: u32) -> Outcome {
    let (mut random, choice) = (context.random(), Choice::of(context));
    let start = Instant::now();
    for _ in 0..count {
        // Slow engines get fewer, rather than no verdict.
        if start.elapsed() > context.settings.limit / 3 {
            break;
        }
        let steps = choice.steps(&mut random, steps);
        if let Some(reason) = failure(context, &steps)? {
            return shortened(context, steps, reason, start + context.settings.limit * 2 / 3);
        }
    }
    Ok(())
}

/// Fails, with the shortest sequence that was found until `end`; it stands in
/// the script's file too, from where it is kept.
fn shortened(context: &Context, steps: Vec<Step>, first: String, end: Instant) -> Outcome {
    let all = steps.len();
    let mut reason = first;
    let steps = shrink(steps, end, &mut |steps| match failure(context, steps) {
        Ok(Some(shorter)) => {
            reason = shorter;
            true
        }
        // Where the kit itself fails, the sequence is no shorter.
        Ok(None) | Err(_) => false,
    });
    let script = script::write(&steps);
    fs::write(context.path(script::FILE), &script)?;
    const SHOWN: usize = 20;
    let mut shown: Vec<&str> = script.lines().take(SHOWN).collect();
    if steps.len() > SHOWN {
        shown.push("...");
    }
    fail!("{reason}\nthese {} steps of {all} are enough:\n{}", steps.len(), shown.join("\n"))
}

/// Plays steps in a process of its own, on a new database. Some: what went
/// wrong; also that it crashed or did not end.
fn failure(context: &Context, steps: &[Step]) -> Outcome<Option<String>> {
    const OUTPUT: &str = "script-output";
    script::clean(&context.dir)?;
    fs::write(context.path(script::FILE), script::write(steps))?;
    let mut child = context.command(script::ROLE, &[script::FILE], OUTPUT)?.spawn()?;
    let limit = context.settings.limit / 4;
    let end = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_micros(500));
    };
    let output = fs::read(context.path(OUTPUT))?;
    let output = String::from_utf8_lossy(&output).trim().to_owned();
    Ok(match status {
        Some(status) if status.success() => None,
        Some(status) if status.code() == Some(1) => Some(output),
        Some(status) => Some(format!("the process that played it ended with {status}\n{output}")),
        None => Some(format!("no end within {limit:?}")),
    })
}
