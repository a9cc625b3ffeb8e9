//! Sequences of operations, as text that can be read, kept and played again.
//!
//! ```text
//! set "key" "value"*100       the value is value, a hundred times
//! del! "key"                  the proc refuses
//! reopen
//! ```

use super::{Outcome, Settings, Stop, context::Context, fail, random::Random, run::Verdict};
use std::{fmt, fs, path::Path, str::FromStr};

mod play;

/// The role of the process that plays a script.
pub(super) const ROLE: &str = "role-script";

/// The script that is being played, in the test's directory.
pub(super) const FILE: &str = "kumo-script";

/// Bytes, written as a text and how often it is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bytes {
    part: Vec<u8>,
    times: usize,
}

impl Bytes {
    pub fn get(&self) -> Vec<u8> {
        self.part.repeat(self.times)
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Set(Bytes, Bytes),
    Get(Bytes),
    Head(Bytes, usize),
    Del(Bytes),
    DelRefused(Bytes),
    Update(Bytes, Bytes),
    UpdateRefused(Bytes, Bytes),
    /// Deletes, in a scan, the records whose key begins with this.
    ScanDel(Bytes),
    Scan,
    Count,
    Sync,
    Compact,
    Reopen,
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.part.escape_ascii())?;
        if self.times == 1 { Ok(()) } else { write!(f, "*{}", self.times) }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(key, value) => write!(f, "set {key} {value}"),
            Self::Get(key) => write!(f, "get {key}"),
            Self::Head(key, room) => write!(f, "get_header {key} {room}"),
            Self::Del(key) => write!(f, "del {key}"),
            Self::DelRefused(key) => write!(f, "del! {key}"),
            Self::Update(key, value) => write!(f, "update {key} {value}"),
            Self::UpdateRefused(key, value) => write!(f, "update! {key} {value}"),
            Self::ScanDel(prefix) => write!(f, "scan_del {prefix}"),
            Self::Scan => write!(f, "scan"),
            Self::Count => write!(f, "rnum"),
            Self::Sync => write!(f, "sync"),
            Self::Compact => write!(f, "compact"),
            Self::Reopen => write!(f, "reopen"),
        }
    }
}

/// The bytes at the start of a text, and what follows.
fn bytes(text: &str) -> Option<(Bytes, &str)> {
    let mut part = Vec::new();
    let mut rest = text.trim_start().strip_prefix('"')?;
    loop {
        let next = rest.chars().next()?;
        rest = &rest[next.len_utf8()..];
        match next {
            '"' => break,
            '\\' => {
                let escaped = rest.chars().next()?;
                rest = &rest[escaped.len_utf8()..];
                part.push(match escaped {
                    'x' => {
                        let byte = u8::from_str_radix(rest.get(..2)?, 16).ok()?;
                        rest = &rest[2..];
                        byte
                    }
                    'n' => b'\n',
                    'r' => b'\r',
                    't' => b'\t',
                    other => u8::try_from(other).ok()?,
                });
            }
            plain => part.extend(plain.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    let Some(times) = rest.strip_prefix('*') else { return Some((Bytes { part, times: 1 }, rest)) };
    let end = times.find(' ').unwrap_or(times.len());
    let (times, rest) = times.split_at(end);
    Some((Bytes { part, times: times.parse().ok()? }, rest))
}

impl FromStr for Step {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let one = || match bytes(rest) {
            Some((bytes, "")) => Ok(bytes),
            _ => Err(()),
        };
        let two = || match bytes(rest).and_then(|(key, rest)| Some((key, bytes(rest)?))) {
            Some((key, (value, ""))) => Ok((key, value)),
            _ => Err(()),
        };
        Ok(match name {
            "set" => two().map(|(key, value)| Self::Set(key, value))?,
            "update" => two().map(|(key, value)| Self::Update(key, value))?,
            "update!" => two().map(|(key, value)| Self::UpdateRefused(key, value))?,
            "get" => Self::Get(one()?),
            "del" => Self::Del(one()?),
            "del!" => Self::DelRefused(one()?),
            "scan_del" => Self::ScanDel(one()?),
            "get_header" => {
                let (key, room) = bytes(rest).ok_or(())?;
                Self::Head(key, room.trim().parse().map_err(|_| ())?)
            }
            "scan" => Self::Scan,
            "rnum" => Self::Count,
            "sync" => Self::Sync,
            "compact" => Self::Compact,
            "reopen" => Self::Reopen,
            _ => return Err(()),
        })
    }
}

/// Writes steps as text, one on a line.
pub(super) fn write(steps: &[Step]) -> String {
    steps.iter().map(|step| format!("{step}\n")).collect()
}

/// Reads what `write` wrote; empty lines and those that begin with # are left
/// out.
pub(super) fn read(text: &str) -> Outcome<Vec<Step>> {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            let unknown = |()| Stop::Failed(format!("line {number} of the script: {line:?}?"));
            line.parse().map_err(unknown)
        })
        .collect()
}

/// A random sequence. A few keys, so that they meet again; `reopens`: whether
/// the database may be closed in between.
pub(super) fn random(random: &mut Random, steps: usize, reopens: bool) -> Vec<Step> {
    let keys: Vec<Bytes> = (0..12)
        .map(|n| match n {
            0 => Bytes { part: Vec::new(), times: 1 },
            1 => Bytes { part: vec![0], times: 1 },
            2 => Bytes { part: b"key".to_vec(), times: 86 },
            _ => {
                let len = 1 + random.below(6);
                Bytes { part: random.bytes(len), times: 1 + random.below(3) }
            }
        })
        .collect();
    (0..steps)
        .map(|_| {
            let key = keys[random.below(keys.len())].clone();
            match random.below(if reopens { 100 } else { 97 }) {
                0..30 => Step::Set(key, value(random)),
                30..45 => Step::Get(key),
                45..50 => Step::Head(key, random.below(40)),
                50..62 => Step::Del(key),
                62..65 => Step::DelRefused(key),
                65..77 => Step::Update(key, value(random)),
                77..80 => Step::UpdateRefused(key, value(random)),
                80..83 => {
                    let len = random.below(2).min(key.part.len());
                    Step::ScanDel(Bytes { part: key.part[..len].to_vec(), times: 1 })
                }
                83..90 => Step::Scan,
                90..94 => Step::Count,
                94..95 => Step::Compact,
                95..97 => Step::Sync,
                _ => Step::Reopen,
            }
        })
        .collect()
}

fn value(random: &mut Random) -> Bytes {
    let len = random.below(10);
    let times = if random.one_in(10) { random.below(4000) } else { 1 + random.below(30) };
    Bytes { part: random.bytes(len), times }
}

/// The role: plays the script in a file against a model, on a database of its
/// own.
pub(super) fn play_file(context: &Context, arguments: &[String]) -> Outcome {
    let [file] = arguments else { fail!("the script needs a name") };
    let steps = read(&fs::read_to_string(file)?)?;
    play::play(context, &steps)
}

/// Removes the database that an earlier script was played on, with whatever
/// stands beside it under its name.
pub(super) fn clean(dir: &Path) -> Outcome {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(play::DATABASE) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// Keeps the script of a test that has failed, in the working directory, and
/// says where.
pub(super) fn keep(settings: &Settings, dir: &Path, verdict: Verdict) -> Verdict {
    let (Verdict::Failed(reason), Ok(script)) = (&verdict, fs::read(dir.join(FILE))) else {
        return verdict;
    };
    let library = settings.library.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{library}-{}.script", settings.seed);
    let told = match fs::write(&name, script) {
        Ok(()) => format!("the sequence is in {name}; play it again with --replay {name}"),
        Err(error) => format!("the sequence cannot be written to {name}: {error}"),
    };
    Verdict::Failed(format!("{reason}\n{told}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let steps = random(&mut Random::new(1), 2000, true);
        assert_eq!(read(&write(&steps)).unwrap(), steps);
    }

    #[test]
    fn the_form_is_for_people() {
        let text = "# a note\n\nset \"a \\\"b\\\" \\x00\" \"\"\nget_header \"k\"*3 7\n";
        let steps = read(text).unwrap();
        let key = Bytes { part: b"a \"b\" \0".to_vec(), times: 1 };
        assert_eq!(steps[0], Step::Set(key, Bytes { part: vec![], times: 1 }));
        assert_eq!(steps[1].to_string(), "get_header \"k\"*3 7");
        for bad in ["sett \"a\" \"b\"", "set \"a\"", "get \"a", "get \"a\" b", "get_header \"a\""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
