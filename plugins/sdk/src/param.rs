//! The parameters that an engine takes behind the path, and their types.
//!
//! What can be is checked when the plugin is compiled: names, and that a
//! default is of the type.

use crate::abi::{ParamType, kumo_param};
use std::{
    ffi::{CStr, c_char},
    ptr,
};

/// A parameter that an engine's `open` takes: `PATH#name=value`.
///
/// ```
/// use kumo_plugin::Param;
/// const PARAMS: &[Param] = &[
///     Param::size(c"cache", c"memory for the cache").or(c"64m"),
///     Param::bool(c"readonly", c"open without writing").or(c"false"),
///     Param::string(c"device", c"where the data is"), // no default: it must be given
/// ];
/// ```
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Param(kumo_param);

// SAFETY: the pointers of a Param are to `'static` texts that nothing changes.
unsafe impl Send for Param {}

impl Param {
    const fn new(name: &'static CStr, value_type: ParamType, help: &'static CStr) -> Self {
        Self(kumo_param {
            name: name.as_ptr(),
            value_type: value_type as u32,
            default_value: ptr::null(),
            help: help.as_ptr(),
        })
    }

    /// Any text without `#`.
    pub const fn string(name: &'static CStr, help: &'static CStr) -> Self {
        Self::new(name, ParamType::String, help)
    }

    /// A number of 64 bits, perhaps behind a minus.
    pub const fn int(name: &'static CStr, help: &'static CStr) -> Self {
        Self::new(name, ParamType::Int, help)
    }

    /// `true` or `false`, `yes` or `no`, `on` or `off`, `1` or `0`.
    pub const fn bool(name: &'static CStr, help: &'static CStr) -> Self {
        Self::new(name, ParamType::Bool, help)
    }

    /// A number of bytes; `k`, `m`, `g` or `t` behind it multiplies it by 1024
    /// and its powers.
    pub const fn size(name: &'static CStr, help: &'static CStr) -> Self {
        Self::new(name, ParamType::Size, help)
    }

    /// What holds where the parameter is not given, as a user would write it.
    #[must_use]
    pub const fn or(mut self, default: &'static CStr) -> Self {
        self.0.default_value = default.as_ptr();
        self
    }

    /// The parameter's name.
    pub const fn name(&self) -> &'static CStr {
        text(self.0.name)
    }

    /// One line of help.
    pub const fn help(&self) -> &'static CStr {
        text(self.0.help)
    }

    /// The default, where there is one.
    pub const fn default(&self) -> Option<&'static CStr> {
        if self.0.default_value.is_null() { None } else { Some(text(self.0.default_value)) }
    }

    pub(crate) const fn is(&self, value_type: ParamType) -> bool {
        self.0.value_type == value_type as u32
    }

    /// What a value of this type looks like.
    pub(crate) const fn form(&self) -> &'static str {
        match self.0.value_type {
            t if t == ParamType::Int as u32 => "a whole number",
            t if t == ParamType::Bool as u32 => "true or false",
            t if t == ParamType::Size as u32 => "a number of bytes, such as 4096, 64k, 16m or 1g",
            _ => "text without #",
        }
    }

    /// Whether a value is of the type.
    pub(crate) const fn takes(&self, value: &[u8]) -> bool {
        match self.0.value_type {
            t if t == ParamType::Int as u32 => int(value).is_some(),
            t if t == ParamType::Bool as u32 => bool(value).is_some(),
            t if t == ParamType::Size as u32 => size(value).is_some(),
            _ => !contains(value, b'#'),
        }
    }

    /// What a C program would make of these.
    pub(crate) const fn as_c(params: &'static [Self]) -> *const kumo_param {
        if params.is_empty() { ptr::null() } else { params.as_ptr().cast() }
    }
}

/// A text of a [`Param`], which came from a `&'static CStr`.
const fn text(from: *const c_char) -> &'static CStr {
    // SAFETY: the constructors took it from a `&'static CStr`.
    unsafe { CStr::from_ptr(from) }
}

// From here on all is `const`, so that the compiler checks an engine's defaults
// with the very functions that read what a user wrote.

/// A whole number of 64 bits.
pub(crate) const fn int(text: &[u8]) -> Option<i64> {
    match text.split_first() {
        Some((b'-', digits)) => match digits_of(digits) {
            Some(n) if n <= i64::MIN.unsigned_abs() => Some((n as i64).wrapping_neg()),
            _ => None,
        },
        _ => match digits_of(text) {
            Some(n) if n <= i64::MAX as u64 => Some(n as i64),
            _ => None,
        },
    }
}

/// True or false, in one of its forms.
pub(crate) const fn bool(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"yes" | b"on" | b"1" => Some(true),
        b"false" | b"no" | b"off" | b"0" => Some(false),
        _ => None,
    }
}

/// A number of bytes.
pub(crate) const fn size(text: &[u8]) -> Option<u64> {
    let Some((last, before)) = text.split_last() else { return None };
    let (digits, unit) = match last {
        b'k' | b'K' => (before, 1 << 10),
        b'm' | b'M' => (before, 1 << 20),
        b'g' | b'G' => (before, 1 << 30),
        b't' | b'T' => (before, 1 << 40),
        _ => (text, 1),
    };
    match digits_of(digits) {
        Some(n) => n.checked_mul(unit),
        None => None,
    }
}

const fn digits_of(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let (mut n, mut at) = (0_u64, 0);
    while at < text.len() {
        if !text[at].is_ascii_digit() {
            return None;
        }
        n = match n.checked_mul(10) {
            Some(tens) => match tens.checked_add((text[at] - b'0') as u64) {
                Some(sum) => sum,
                None => return None,
            },
            None => return None,
        };
        at += 1;
    }
    Some(n)
}

/// Whether `text` is a name: letters, digits, and what else is allowed.
pub(crate) const fn is_name(text: &[u8], others: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() {
        if !text[at].is_ascii_alphanumeric() && !contains(others, text[at]) {
            return false;
        }
        at += 1;
    }
    !text.is_empty()
}

const fn contains(text: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while at < text.len() {
        if text[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// Fails to compile where a parameter cannot be.
pub(crate) const fn check(params: &[Param]) {
    let mut at = 0;
    while at < params.len() {
        let param = &params[at];
        let name = param.name().to_bytes();
        assert!(is_name(name, b"_-."), "PARAMS: a name has letters, digits, _, - and . only");
        if let Some(default) = param.default() {
            assert!(param.takes(default.to_bytes()), "PARAMS: a default is not of its type");
        }
        let mut before = 0;
        while before < at {
            assert!(!same(params[before].name().to_bytes(), name), "PARAMS: two have one name");
            before += 1;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::AssertUnwindSafe;

    #[test]
    fn values_are_read_whole_or_not_at_all() {
        assert_eq!(int(b"0"), Some(0));
        assert_eq!(int(b"-12"), Some(-12));
        assert_eq!(int(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(int(b"-9223372036854775808"), Some(i64::MIN));
        for bad in ["", "-", "+1", "--1", " 1", "1 ", "0x1", "9223372036854775808", "1k"] {
            assert_eq!(int(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(size(b"0"), Some(0));
        assert_eq!(size(b"600m"), Some(600 << 20));
        assert_eq!(size(b"4K"), Some(4096));
        assert_eq!(size(b"2t"), Some(2 << 40));
        assert_eq!(size(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "k", "-1", "1kk", "1kb", "18446744073709551616", "99999999t"] {
            assert_eq!(size(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(
            (bool(b"on"), bool(b"no"), bool(b"TRUE"), bool(b"")),
            (Some(true), Some(false), None, None)
        );
    }

    #[test]
    fn a_param_is_what_c_sees() {
        const PARAMS: &[Param] =
            &[Param::int(c"n", c"a number").or(c"-1"), Param::string(c"s", c"a text")];
        const { check(PARAMS) };
        // SAFETY: as many as PARAMS has, and their texts are C strings.
        let seen = unsafe { std::slice::from_raw_parts(Param::as_c(PARAMS), 2) };
        assert_eq!((seen[0].value_type, seen[1].value_type), (1, 0));
        assert!(seen[1].default_value.is_null());
        assert_eq!((PARAMS[0].name(), PARAMS[0].help()), (c"n", c"a number"));
        assert_eq!((PARAMS[0].default(), PARAMS[1].default()), (Some(c"-1"), None));
        assert!(Param::as_c(&[]).is_null());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |params: &[Param]| {
            std::panic::catch_unwind(AssertUnwindSafe(|| check(params))).is_err()
        };
        assert!(refused(&[Param::int(c"", c"")]));
        assert!(refused(&[Param::int(c"a b", c"")]));
        assert!(refused(&[Param::int(c"a", c"").or(c"x")]));
        assert!(refused(&[Param::string(c"a", c"").or(c"x#y")]));
        assert!(refused(&[Param::int(c"a", c""), Param::bool(c"b", c""), Param::size(c"a", c"")]));
        assert!(!refused(&[Param::int(c"a.b-c_1", c""), Param::int(c"a", c"")]));
    }
}
