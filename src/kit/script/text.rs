//! Steps as text, one on a line.

use super::{Bytes, Step};
use std::fmt;

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
            Self::Batch(changes) => {
                write!(f, "batch")?;
                changes.iter().try_for_each(|(key, value)| match value {
                    Some(value) => write!(f, " put {key} {value}"),
                    None => write!(f, " del {key}"),
                })
            }
            Self::Updatev(records) => {
                write!(f, "updatev")?;
                records.iter().try_for_each(|(key, value)| write!(f, " {key} {value}"))
            }
            Self::Getv(keys) => {
                write!(f, "getv")?;
                keys.iter().try_for_each(|key| write!(f, " {key}"))
            }
            Self::Seek(key, most) => write!(f, "seek {key} {most}"),
            Self::Scan => write!(f, "scan"),
            Self::Count => write!(f, "rnum"),
            Self::Sync => write!(f, "sync"),
            Self::Compact => write!(f, "compact"),
            Self::Reopen => write!(f, "reopen"),
        }
    }
}

/// What is left of a line.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// What stands before the next space.
    fn word(&mut self) -> &'a str {
        let (word, rest) = self.0.split_once(' ').unwrap_or((self.0, ""));
        self.0 = rest.trim_start();
        word
    }

    fn number(&mut self) -> Result<usize, String> {
        match self.word() {
            "" => Err("a number is missing".to_owned()),
            word => word.parse().map_err(|_| format!("{word:?} is not a number")),
        }
    }

    fn bytes(&mut self) -> Result<Bytes, String> {
        if self.is_over() {
            return Err("a text in quotation marks is missing".to_owned());
        }
        let unquoted = || format!("a text in quotation marks should stand where {:?} is", self.0);
        let text = self.0.strip_prefix('"').ok_or_else(unquoted)?;
        let (part, rest) = quoted(text)?;
        let mut behind = Words(rest);
        let times = match behind.word() {
            "" => 1,
            word => {
                let times = word.strip_prefix('*').and_then(|times| times.parse().ok());
                times.ok_or_else(|| format!("{word:?} stands behind a text; *3 repeats it"))?
            }
        };
        // What a script asks for must not be more than there is memory for.
        const LONGEST: usize = 1 << 30;
        if part.len().checked_mul(times).is_none_or(|len| len > LONGEST) {
            return Err(format!("a text is repeated {times} times, to more than {LONGEST} bytes"));
        }
        self.0 = behind.0;
        Ok(Bytes { part, times })
    }

    /// As many as there are to the end of the line.
    fn each<T>(&mut self, one: fn(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let mut all = Vec::new();
        while !self.is_over() {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn record(&mut self) -> Result<(Bytes, Bytes), String> {
        Ok((self.bytes()?, self.bytes()?))
    }

    fn change(&mut self) -> Result<(Bytes, Option<Bytes>), String> {
        match self.word() {
            "put" => Ok((self.bytes()?, Some(self.bytes()?))),
            "del" => Ok((self.bytes()?, None)),
            word => Err(format!("{word:?} is no change of a batch; put and del are")),
        }
    }

    fn step(&mut self) -> Result<Step, String> {
        Ok(match self.word() {
            "set" => Step::Set(self.bytes()?, self.bytes()?),
            "get" => Step::Get(self.bytes()?),
            "get_header" => Step::Head(self.bytes()?, self.number()?),
            "del" => Step::Del(self.bytes()?),
            "del!" => Step::DelRefused(self.bytes()?),
            "update" => Step::Update(self.bytes()?, self.bytes()?),
            "update!" => Step::UpdateRefused(self.bytes()?, self.bytes()?),
            "scan_del" => Step::ScanDel(self.bytes()?),
            "batch" => Step::Batch(self.each(Self::change)?),
            "updatev" => Step::Updatev(self.each(Self::record)?),
            "getv" => Step::Getv(self.each(Self::bytes)?),
            "seek" => Step::Seek(self.bytes()?, self.number()?),
            "scan" => Step::Scan,
            "rnum" => Step::Count,
            "sync" => Step::Sync,
            "compact" => Step::Compact,
            "reopen" => Step::Reopen,
            word => return Err(format!("there is no operation {word:?}")),
        })
    }
}

/// The bytes up to the quotation mark that ends them, and what follows it.
fn quoted(text: &str) -> Result<(Vec<u8>, &str), String> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    loop {
        match rest.next() {
            None => return Err(format!("the text \"{text} has no end")),
            Some('"') => return Ok((bytes, rest.as_str())),
            Some('\\') => bytes.push(escaped(&mut rest)?),
            Some(plain) => bytes.extend(plain.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
}

/// The byte that stands behind a backslash.
fn escaped(rest: &mut std::str::Chars<'_>) -> Result<u8, String> {
    Ok(match rest.next() {
        Some('x') => {
            let digits: String = rest.by_ref().take(2).collect();
            let byte = u8::from_str_radix(&digits, 16);
            byte.map_err(|_| format!("\\x{digits} is no byte"))?
        }
        Some('n') => b'\n',
        Some('r') => b'\r',
        Some('t') => b'\t',
        Some(itself @ ('"' | '\'' | '\\')) => itself as u8,
        other => return Err(format!("there is no \\{}", other.unwrap_or(' '))),
    })
}

/// Writes steps as text.
pub fn write(steps: &[Step]) -> String {
    steps.iter().map(|step| format!("{step}\n")).collect()
}

/// Reads what `write` wrote; empty lines and those that begin with # are left
/// out. Err: which line is wrong, and how.
pub fn read(text: &str) -> Result<Vec<Step>, String> {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            let mut words = Words(line);
            let step = words.step().and_then(|step| match words.is_over() {
                true => Ok(step),
                false => Err(format!("nothing more should stand where {:?} is", words.0)),
            });
            step.map_err(|reason| format!("line {number}: {reason}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::{random::Random, script::Choice};

    #[test]
    fn what_is_written_is_read() {
        let steps = Choice::all().steps(&mut Random::new(1), 2000);
        assert_eq!(read(&write(&steps)).unwrap(), steps);
        for name in ["batch put", "updatev \"", "getv \"", "seek \"", "reopen"] {
            assert!(write(&steps).lines().any(|line| line.starts_with(name)), "no {name}");
        }
    }

    #[test]
    fn the_form_is_for_people() {
        let text = "# a note\n\nset \"a \\\"b\\\" \\x00\" \"\"\nget_header \"k\"*3  7\n\
                    batch put \"a\" \"1\"*2 del \"a\"\nbatch\n";
        let steps = read(text).unwrap();
        let key = Bytes { part: b"a \"b\" \0".to_vec(), times: 1 };
        assert_eq!(steps[0], Step::Set(key, Bytes { part: vec![], times: 1 }));
        assert_eq!(steps[1].to_string(), "get_header \"k\"*3 7");
        assert_eq!(steps[2].to_string(), "batch put \"a\" \"1\"*2 del \"a\"");
        assert_eq!(steps[3], Step::Batch(vec![]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (bad, reason) in [
            ("sett \"a\" \"b\"", "no operation \"sett\""),
            ("set \"a\"", "missing"),
            ("set a b", "where \"a b\" is"),
            ("get \"a", "has no end"),
            ("get \"a\"b", "stands behind"),
            ("get \"a\" b", "nothing more"),
            ("get \"\\q\"", "\\q"),
            ("get \"\\x9\"", "no byte"),
            ("get \"a\"*x", "*x"),
            ("get \"a\"*99999999999", "more than"),
            ("get_header \"a\"", "missing"),
            ("get_header \"a\" -1", "not a number"),
            ("batch set \"a\" \"b\"", "no change"),
            ("batch put \"a\"", "missing"),
            ("updatev \"a\" \"1\" \"b\"", "missing"),
        ] {
            let error = read(&format!("scan\n# a note\n{bad}\nscan")).unwrap_err();
            assert!(error.starts_with("line 3: ") && error.contains(reason), "{bad}: {error}");
        }
    }
}
