//! Where a database is, and with which parameters: what `open` is handed.

use crate::{
    abi::ParamType,
    error::Error,
    param::{self, Param},
};
use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Where a database is: what the user typed, taken apart and checked.
///
/// A getter gives what was given, or the declared default. Where there is
/// neither, that is an error which asks the user for it; [`has`](Self::has)
/// says whether there is a value, for parameters that may be absent.
#[derive(Clone)]
pub struct Location {
    /// The path without the parameters.
    pub path: PathBuf,
    params: &'static [Param],
    /// The values that were given, by their place in `params`.
    given: Vec<Option<String>>,
}

impl Location {
    /// A path without parameters, for an engine that declares `params`.
    pub fn new(path: impl Into<PathBuf>, params: &'static [Param]) -> Self {
        Self { path: path.into(), params, given: vec![None; params.len()] }
    }

    /// Takes `path#name=value#name=value` apart. Of several values for one name
    /// the last counts. An error names the parameter that is not declared, or
    /// whose value is not of its type, and lists what there is.
    pub fn parse(text: &[u8], params: &'static [Param]) -> Result<Self, Error> {
        let mut parts = text.split(|&byte| byte == b'#');
        let path = Path::new(OsStr::from_bytes(parts.next().unwrap_or_default()));
        let mut location = Self::new(path, params);
        for part in parts {
            location.take(part)?;
        }
        Ok(location)
    }

    fn take(&mut self, part: &[u8]) -> Result<(), Error> {
        let Some((name, value)) =
            std::str::from_utf8(part).ok().and_then(|part| part.split_once('='))
        else {
            return Err(self.refuse(format_args!(
                "the parameter {:?} is not of the form NAME=VALUE",
                String::from_utf8_lossy(part)
            )));
        };
        let Some(at) = self.params.iter().position(|p| p.name().to_bytes() == name.as_bytes())
        else {
            return Err(self.refuse(format_args!("there is no parameter {name:?}")));
        };
        if !self.params[at].takes(value.as_bytes()) {
            let form = self.params[at].form();
            return Err(self.refuse(format_args!("{name}={value:?}: the value must be {form}")));
        }
        self.given[at] = Some(value.to_owned());
        Ok(())
    }

    /// An error of the user's, with what there is to choose from.
    fn refuse(&self, what: std::fmt::Arguments<'_>) -> Error {
        let mut list = String::new();
        for param in self.params {
            let name = param.name().to_string_lossy();
            let help = param.help().to_string_lossy();
            let default = param
                .default()
                .map_or(String::new(), |text| format!(", {} if not given", text.to_string_lossy()));
            let separator = if list.is_empty() { "" } else { "; " };
            list += &format!("{separator}{name} ({help}: {}{default})", param.form());
        }
        let path = self.path.display();
        Error::invalid(if list.is_empty() {
            format!("{path}: {what}; this engine takes no parameters")
        } else {
            format!("{path}: {what}; write PATH#name=value with: {list}")
        })
    }

    /// Whether the parameter was given or has a default.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some_and(|(_, value)| value.is_some())
    }

    /// The value of a parameter of any type, as text.
    pub fn str(&self, name: &str) -> Result<&str, Error> {
        self.value(name, None)
    }

    /// The value of a parameter made by [`Param::int`].
    pub fn int(&self, name: &str) -> Result<i64, Error> {
        param::int(self.value(name, Some(ParamType::Int))?.as_bytes())
            .ok_or_else(|| undeclared(name))
    }

    /// The value of a parameter made by [`Param::bool`].
    pub fn bool(&self, name: &str) -> Result<bool, Error> {
        param::bool(self.value(name, Some(ParamType::Bool))?.as_bytes())
            .ok_or_else(|| undeclared(name))
    }

    /// The value of a parameter made by [`Param::size`], in bytes.
    pub fn size(&self, name: &str) -> Result<u64, Error> {
        param::size(self.value(name, Some(ParamType::Size))?.as_bytes())
            .ok_or_else(|| undeclared(name))
    }

    fn find(&self, name: &str) -> Option<(&'static Param, Option<&str>)> {
        let at = self.params.iter().position(|p| p.name().to_bytes() == name.as_bytes())?;
        let param = &self.params[at];
        let default = param.default().and_then(|text| text.to_str().ok());
        Some((param, self.given[at].as_deref().or(default)))
    }

    fn value(&self, name: &str, wanted: Option<ParamType>) -> Result<&str, Error> {
        let (_, value) = self
            .find(name)
            .filter(|(param, _)| wanted.is_none_or(|wanted| param.is(wanted)))
            .ok_or_else(|| undeclared(name))?;
        value.ok_or_else(|| self.refuse(format_args!("the parameter {name} must be given")))
    }
}

/// The author's mistake, not the user's.
fn undeclared(name: &str) -> Error {
    Error::other(format_args!(
        "the engine asks for a parameter {name:?} that its PARAMS do not have with this type"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    const PARAMS: &[Param] = &[
        Param::size(c"cache", c"memory").or(c"64k"),
        Param::int(c"level", c"how much").or(c"-1"),
        Param::bool(c"sync", c"whether").or(c"no"),
        Param::string(c"mode", c"which"),
    ];

    fn refused(text: &str) -> Error {
        Location::parse(text.as_bytes(), PARAMS).err().unwrap()
    }

    #[test]
    fn what_is_given_goes_before_the_default_and_the_last_before_the_first() {
        let location = Location::parse(b"a/b.db#mode=x=y#cache=1m#cache=2m", PARAMS).unwrap();
        assert_eq!(location.path, Path::new("a/b.db"));
        assert_eq!(location.str("mode").unwrap(), "x=y");
        assert_eq!(location.size("cache").unwrap(), 2 << 20);
        assert_eq!(location.str("cache").unwrap(), "2m");
        assert_eq!(location.int("level").unwrap(), -1);
        assert!(!location.bool("sync").unwrap());
        assert!(location.has("mode") && location.has("sync"));

        let location = Location::parse(b"plain", PARAMS).unwrap();
        assert!(!location.has("mode") && !location.has("nonsense"));
        let error = location.str("mode").unwrap_err();
        assert_eq!(error.code(), ErrorCode::Invalid);
        assert!(error.text().contains("mode must be given"), "{error}");
    }

    #[test]
    fn errors_name_the_parameter_and_list_what_there_is() {
        for (text, part) in [
            ("x#oops", "\"oops\" is not of the form NAME=VALUE"),
            ("x#", "\"\" is not of the form"),
            ("x#cach=1", "no parameter \"cach\""),
            ("x#=1", "no parameter \"\""),
            ("x#cache=1x", "cache=\"1x\": the value must be a number of bytes"),
            ("x#level=", "level=\"\": the value must be a whole number"),
            ("x#sync=maybe", "sync=\"maybe\": the value must be true or false"),
        ] {
            let error = refused(text);
            assert_eq!(error.code(), ErrorCode::Invalid);
            assert!(error.text().contains(part), "{error}");
            for listed in ["cache (memory: a number of bytes", "64k if not given", "mode (which"] {
                assert!(error.text().contains(listed), "{error}");
            }
        }
        let error = Location::parse(b"x#\xff=1", PARAMS).err().unwrap();
        assert!(error.text().contains("NAME=VALUE"), "{error}");
        let error = Location::parse(b"x#a=1", &[]).err().unwrap();
        assert!(error.text().contains("takes no parameters"), "{error}");
    }

    #[test]
    fn asking_for_what_was_not_declared_is_the_authors_error() {
        let location = Location::new("x", PARAMS);
        for error in [
            location.str("nonsense").unwrap_err(),
            location.int("cache").unwrap_err(),
            location.size("mode").unwrap_err(),
            location.bool("level").unwrap_err(),
        ] {
            assert_eq!(error.code(), ErrorCode::Other);
            assert!(error.text().contains("PARAMS"), "{error}");
        }
    }
}
