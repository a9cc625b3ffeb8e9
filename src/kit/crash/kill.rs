//! The side of the test: starts the other process, kills it, and looks at what
//! is left.

use super::{KEYS, ROLE, SECOND, Through, Writes, acknowledgements, apply};
use crate::kit::{
    Outcome, Stop, ensure, fail,
    place::Place,
    store::{Records, text, text_or},
};
use std::{
    fs::File,
    process::Child,
    thread,
    time::{Duration, Instant},
};

/// What is left of a process that was killed, opened again.
pub trait Survivor: Sized {
    /// What is there of a key.
    fn read(&self, key: &[u8]) -> Outcome<Option<Vec<u8>>>;

    /// Closes it; so many records can be read.
    fn leave(self, known: usize) -> Outcome;
}

/// A process that is killed.
#[derive(Clone, Copy)]
pub struct Killed {
    /// The role that it plays.
    pub role: &'static str,
    pub through: Through,
    pub threads: usize,
}

/// Starts writers and kills them, again and again, on the same database; after
/// each time what was acknowledged must be there.
pub fn kill_and_look<S: Survivor>(
    context: &Place,
    killed: Killed,
    open: &dyn Fn() -> Outcome<S>,
) -> Outcome {
    let Killed { through, threads, .. } = killed;
    let mut random = context.random();
    let mut states = vec![Records::new(); threads];
    let mut total = 0;
    for round in 0..context.settings.rounds {
        let seed = random.next();
        // A few are killed while they open, most while they write.
        let is_writing = !random.one_in(5);
        let longest = if is_writing { 40_000 } else { 15_000 };
        let wait = Duration::from_micros(random.below(longest) as u64);
        let failed = kill_once(context, killed, seed, is_writing, wait)?;
        let told = |stop: Stop| {
            stop.told(&format!(
                "after kill {} of {}, {} ms after {}",
                round + 1,
                context.settings.rounds,
                wait.as_millis(),
                if is_writing { "its first write" } else { "its start" }
            ))
        };
        if let Some(reason) = failed {
            return Err(told(Stop::Failed(reason)));
        }
        let checked = (|| {
            let store = open()?;
            let mut known = 0;
            for (thread, state) in states.iter_mut().enumerate() {
                let acknowledged = acknowledged(context, thread);
                total += acknowledged;
                let writes = Writes::new(seed, thread, through);
                *state = survived(&store, state, writes, acknowledged)?;
                known += state.len();
            }
            store.leave(known)
        })();
        checked.map_err(told)?;
    }
    // Slow machines: nothing acknowledged is nothing tested.
    ensure!(
        total > 0 || context.settings.rounds < 5,
        "no write was acknowledged in {} rounds",
        context.settings.rounds
    );
    Ok(())
}

/// Opens the database in another process, which must not fail but by being
/// refused, with a reason.
pub fn second(context: &Place) -> Outcome {
    let mut child = context.command(ROLE, &[SECOND], "writer-output")?.spawn()?;
    let end = Instant::now() + context.settings.limit / 2;
    while Instant::now() < end {
        if let Some(status) = child.try_wait()? {
            let output = last_words(context)?;
            ensure!(status.success(), "the second process ended with {status}: {output}");
            return Ok(());
        }
        thread::sleep(Duration::from_millis(2));
    }
    child.kill()?;
    child.wait()?;
    fail!("a second process that opens the database waits, instead of being refused")
}

/// What the other process printed.
fn last_words(context: &Place) -> Outcome<String> {
    let output = std::fs::read(context.path("writer-output"))?;
    Ok(String::from_utf8_lossy(&output).trim().to_owned())
}

/// One writer, killed after a while, which begins with its first acknowledged
/// write if `is_writing`. Some: it ended before, and its last words.
fn kill_once(
    context: &Place,
    killed: Killed,
    seed: u64,
    is_writing: bool,
    wait: Duration,
) -> Outcome<Option<String>> {
    let Killed { role, through, threads } = killed;
    for thread in 0..threads {
        // What an earlier round noted is no more.
        File::create(context.path(&acknowledgements(thread)))?;
    }
    let (seed, threads) = (seed.to_string(), threads.to_string());
    let mut command = context.command(role, &[through.name(), &seed, &threads], "writer-output")?;
    let mut child = command.spawn()?;
    if is_writing {
        until_writing(context, &mut child)?;
    }
    thread::sleep(wait);
    let ended = child.try_wait()?;
    child.kill()?;
    child.wait()?;
    let Some(status) = ended.filter(|status| !status.success()) else { return Ok(None) };
    Ok(Some(format!("the writer ended by itself ({status}): {}", last_words(context)?)))
}

/// Waits for the first acknowledged write, or the end of the process; not for
/// ever: a slow machine's writer is killed before it.
fn until_writing(context: &Place, child: &mut Child) -> Outcome {
    let end = Instant::now() + Duration::from_secs(3);
    while acknowledged(context, 0) == 0 && child.try_wait()?.is_none() && Instant::now() < end {
        thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

fn acknowledged(context: &Place, thread: usize) -> u64 {
    std::fs::metadata(context.path(&acknowledgements(thread))).map_or(0, |file| file.len())
}

/// What is there of a thread's records must be what its acknowledged writes
/// made, or these and the one that followed. Returns what is there.
fn survived(
    store: &impl Survivor,
    before: &Records,
    mut writes: Writes,
    acknowledged: u64,
) -> Outcome<Records> {
    let mut least = before.clone();
    for _ in 0..acknowledged {
        apply(&mut least, writes.next());
    }
    let mut most = least.clone();
    apply(&mut most, writes.next());

    let mut found = Records::new();
    for key in (0..KEYS).map(|key| format!("thread {} key {key}", writes.thread).into_bytes()) {
        let value = store.read(&key)?;
        let (a, b) = (least.get(&key), most.get(&key));
        ensure!(
            value.as_ref() == a || value.as_ref() == b,
            "{} is {}; {acknowledged} writes were acknowledged, after which it was {}",
            text(&key),
            text_or(value.as_deref()),
            text_or(a.map(Vec::as_slice))
        );
        if let Some(value) = value {
            found.insert(key, value);
        }
    }
    ensure!(
        found == least || found == most,
        "a write of several records that was under way when the process was killed is there in \
         part"
    );
    Ok(found)
}
