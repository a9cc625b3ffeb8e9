//! A plugin's parameters: declared by it, checked before it is opened.

use super::{
    plugin::{Loaded, Plugin},
    services::line,
};
use ::kumo_plugin::abi::{ParamType, kumo_plugin};
use std::{ffi::OsStr, fmt, os::unix::ffi::OsStrExt};

/// A parameter that a plugin takes.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What values it has.
    pub kind: ParamType,
    /// What holds where it is not given.
    pub default: Option<String>,
    /// One line of help.
    pub help: String,
}

impl Param {
    /// What its type is called.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            ParamType::String => "string",
            ParamType::Int => "int",
            ParamType::Bool => "bool",
            ParamType::Size => "size",
        }
    }

    /// Whether a value is of its type; Err says what one looks like.
    fn check(&self, value: &str) -> Result<(), &'static str> {
        match self.kind {
            ParamType::String => Ok(()),
            ParamType::Int if !value.starts_with('+') && value.parse::<i64>().is_ok() => Ok(()),
            ParamType::Int => Err("a whole number"),
            ParamType::Bool => match value {
                "true" | "false" | "yes" | "no" | "on" | "off" | "1" | "0" => Ok(()),
                _ => Err("true or false"),
            },
            ParamType::Size if is_size(value) => Ok(()),
            ParamType::Size => Err("a number of bytes, perhaps with k, m, g or t behind it"),
        }
    }
}

fn is_size(value: &str) -> bool {
    let (digits, unit) = match value.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&value[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&value[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&value[..at], 1 << 30),
        Some((at, 't' | 'T')) => (&value[..at], 1 << 40),
        _ => (value, 1u64),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain && digits.parse::<u64>().is_ok_and(|number| number.checked_mul(unit).is_some())
}

/// `name (type, default): help`
impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.name, self.type_name())?;
        if let Some(default) = &self.default {
            write!(f, ", default {default}")?;
        }
        write!(f, "): {}", self.help)
    }
}

/// Reads what a plugin declares. Err says what is wrong with it.
///
/// # Safety
/// The plugin keeps the contract.
pub(super) unsafe fn declared(plugin: &kumo_plugin) -> Result<Vec<Param>, String> {
    if plugin.params.is_null() {
        return Ok(Vec::new());
    }
    (0..plugin.params_num)
        .map(|n| {
            // SAFETY: the contract: so many parameters, and C strings or NULL.
            let (raw, name, default, help) = unsafe {
                let raw = plugin.params.add(n).read();
                (raw, line(raw.name), line(raw.default_value), line(raw.help))
            };
            if name.is_empty() || name.contains(['#', '=', ' ']) {
                return Err(format!("the name of its parameter {n} is {name:?}"));
            }
            use ParamType::{Bool, Int, Size, String};
            let kind = [String, Int, Bool, Size]
                .into_iter()
                .find(|kind| *kind as u32 == raw.value_type)
                .ok_or_else(|| format!("its parameter {name} has the type {}", raw.value_type))?;
            let default = (!raw.default_value.is_null()).then_some(default);
            Ok(Param { name, kind, default, help })
        })
        .collect()
}

impl Plugin {
    /// Checks the parameters behind a path, as `open` does before it calls the
    /// plugin. Err lists what there are. A classic plugin's pass: it declares
    /// none.
    pub fn check_parameters(&self, location: &OsStr) -> Result<(), String> {
        self.0.check_parameters(location)
    }
}

impl Loaded {
    pub fn check_parameters(&self, location: &OsStr) -> Result<(), String> {
        if self.about.is_none() {
            return Ok(());
        }
        check(location.as_bytes(), &self.params)
    }
}

/// Checks the parameters behind a path against what is declared.
fn check(location: &[u8], declared: &[Param]) -> Result<(), String> {
    for given in location.split(|&byte| byte == b'#').skip(1) {
        let given = String::from_utf8_lossy(given);
        let Some((name, value)) = given.split_once('=') else {
            return Err(format!("the parameter {given:?} has no value: write {given}=VALUE"));
        };
        let Some(param) = declared.iter().find(|param| param.name == name) else {
            return Err(format!("there is no parameter {name:?}; {}", list(declared)));
        };
        if let Err(wanted) = param.check(value) {
            return Err(format!("{name}={value}: the value must be {wanted}; {}", list(declared)));
        }
    }
    Ok(())
}

fn list(declared: &[Param]) -> String {
    if declared.is_empty() {
        return "the engine takes none".to_owned();
    }
    let all: Vec<String> = declared.iter().map(Param::to_string).collect();
    format!("there are: {}", all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Vec<Param> {
        let param = |name: &str, kind, default: Option<&str>| Param {
            name: name.to_owned(),
            kind,
            default: default.map(str::to_owned),
            help: "what it is".to_owned(),
        };
        vec![
            param("sync", ParamType::String, Some("none")),
            param("num", ParamType::Int, None),
            param("fast", ParamType::Bool, None),
            param("room", ParamType::Size, None),
        ]
    }

    #[test]
    fn what_is_declared_and_of_its_type_passes() {
        for good in ["db", "db#sync=x=y", "db#num=-5#fast=off#room=64m", "db#room=0"] {
            assert_eq!(check(good.as_bytes(), &params()), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_not_is_refused_and_told_what_exists() {
        for bad in [
            "db#",
            "db#sync",
            "db#nosuch=1",
            "db#num=x",
            "db#num=+5",
            "db#fast=2",
            "db#room=5x",
            "db#room=99999999t",
            "db#room=m",
        ] {
            assert!(check(bad.as_bytes(), &params()).is_err(), "{bad}");
        }
        let error = check(b"db#nosuch=1", &params()).unwrap_err();
        assert!(error.contains("sync (string, default none): what it is"), "{error}");
        assert!(check(b"db#a=1", &[]).unwrap_err().contains("takes none"));
    }
}
