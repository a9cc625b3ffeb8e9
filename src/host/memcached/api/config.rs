//! An engine's configuration: `key=value;key=value` into what it points to.

use crate::host::memcached::abi::{DT_BOOL, DT_FLOAT, DT_SIZE, DT_STRING, config_item};
use libc::{FILE, c_char, c_int, c_void};
use std::{
    ffi::{CStr, CString},
    ptr,
};

const WELL: c_int = 0;
const UNKNOWN_KEY: c_int = 1;
const BAD_VALUE: c_int = -1;

/// Reads a text into items, and describes what is wrong on `error`, unless that
/// is NULL. 1: there are keys that no item has; -1: a value is not of its type.
///
/// # Safety
/// `text` is a C string or NULL; the items end with one whose key is NULL, and
/// each points to what its type says; `error` is NULL or open.
pub(super) unsafe fn parse(
    text: *const c_char,
    items: *mut config_item,
    error: *mut FILE,
) -> c_int {
    if text.is_null() {
        return WELL;
    }
    let say = |what: String| {
        if let Ok(what) = CString::new(what)
            && !error.is_null()
        {
            // SAFETY: the caller's promise. There is nobody to tell of a failure.
            unsafe { libc::fputs(what.as_ptr(), error) };
        }
    };
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) }.to_bytes();
    let mut result = WELL;
    let mut copies: Vec<*mut config_item> = Vec::new();
    for (key, value) in pairs(text) {
        // SAFETY: the caller's promise.
        let Some(item) = (unsafe { find(items, &key) }) else {
            say(format!("there is no key \"{}\"\n", key.escape_ascii()));
            result = UNKNOWN_KEY;
            continue;
        };
        if copies.contains(&ptr::from_mut(item)) {
            // SAFETY: a string that `set` has put there just now.
            unsafe { libc::free(item.value.cast::<*mut c_void>().read()) };
        }
        // SAFETY: the caller's promise.
        if let Err(wanted) = unsafe { set(item, &value) } {
            let (key, value) = (key.escape_ascii(), value.escape_ascii());
            say(format!("{key}={value}: the value should be {wanted}\n"));
            return BAD_VALUE;
        }
        if item.datatype == DT_STRING {
            copies.push(item);
        }
    }
    result
}

/// Sets every item whose key has a value. False: not all have.
///
/// # Safety
/// As for [`parse`].
pub(super) unsafe fn fill(
    mut items: *mut config_item,
    value: impl Fn(&str) -> Option<String>,
) -> bool {
    let mut all = true;
    // SAFETY: the caller's promise: they end with a NULL key.
    while let Some(item) = unsafe { items.as_mut() }.filter(|item| !item.key.is_null()) {
        // SAFETY: the caller's promise: a C string, and a value of its type.
        all &= unsafe {
            let key = CStr::from_ptr(item.key).to_string_lossy();
            value(&key).is_some_and(|value| set(item, value.as_bytes()).is_ok())
        };
        // SAFETY: one more item follows.
        items = unsafe { items.add(1) };
    }
    all
}

/// The keys and values of a text. A semicolon behind a backslash is no end.
fn pairs(text: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut parts = vec![Vec::new()];
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        match (byte, parts.last_mut()) {
            (b'\\', Some(part)) => part.extend(rest.next()),
            (b';', _) => parts.push(Vec::new()),
            (byte, Some(part)) => part.push(byte),
            (_, None) => {}
        }
    }
    let pair = |part: &Vec<u8>| {
        let end = part.iter().position(|&byte| byte == b'=').unwrap_or(part.len());
        let value = part.get(end + 1..).unwrap_or_default();
        (part[..end].trim_ascii().to_vec(), value.trim_ascii().to_vec())
    };
    parts.iter().filter(|part| !part.trim_ascii().is_empty()).map(pair).collect()
}

/// # Safety
/// As for [`parse`].
unsafe fn find<'a>(mut items: *mut config_item, key: &[u8]) -> Option<&'a mut config_item> {
    // SAFETY: the caller's promise: they end with a NULL key.
    while let Some(item) = unsafe { items.as_mut() }.filter(|item| !item.key.is_null()) {
        // SAFETY: the caller's promise: a C string.
        if unsafe { CStr::from_ptr(item.key) }.to_bytes() == key {
            return Some(item);
        }
        // SAFETY: one more item follows.
        items = unsafe { items.add(1) };
    }
    None
}

/// Sets what an item points to. Err: what the value should be.
///
/// # Safety
/// The item points to what its type says.
unsafe fn set(item: &mut config_item, value: &[u8]) -> Result<(), &'static str> {
    let text = str::from_utf8(value);
    match item.datatype {
        DT_SIZE => {
            let size = text
                .ok()
                .and_then(size)
                .ok_or("a number of bytes, digits with k, m, g or t behind")?;
            // SAFETY: a size_t.
            unsafe { item.value.cast::<usize>().write(size) };
        }
        DT_FLOAT => {
            let number = text.ok().and_then(|text| text.parse().ok()).ok_or("a number")?;
            // SAFETY: a float.
            unsafe { item.value.cast::<f32>().write(number) };
        }
        DT_BOOL => {
            let is = match value {
                b"true" | b"on" | b"yes" => true,
                b"false" | b"off" | b"no" => false,
                _ => return Err("true or false"),
            };
            // SAFETY: a bool.
            unsafe { item.value.cast::<bool>().write(is) };
        }
        DT_STRING => {
            let text = CString::new(value).map_err(|_| "a text without NUL")?;
            // SAFETY: a C string, and a char * to put the copy in.
            unsafe {
                let copy = libc::strdup(text.as_ptr());
                if copy.is_null() {
                    return Err("shorter: there is no memory");
                }
                item.value.cast::<*mut c_char>().write(copy);
            }
        }
        _ => return Err("of a type that kumo reads: a size, a float, a bool or a string"),
    }
    item.found = 1;
    Ok(())
}

fn size(text: &str) -> Option<usize> {
    let (digits, shift) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 10),
        None => match text.strip_suffix(['m', 'M']) {
            Some(digits) => (digits, 20),
            None => match text.strip_suffix(['g', 'G']) {
                Some(digits) => (digits, 30),
                None => match text.strip_suffix(['t', 'T']) {
                    Some(digits) => (digits, 40),
                    None => (text, 0),
                },
            },
        },
    };
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Values {
        size: usize,
        float: f32,
        bool: bool,
        text: *mut c_char,
    }

    /// What is made of a text: the code, the values, and which were found.
    fn read(text: &CStr) -> (c_int, Values, [bool; 4]) {
        let mut values = Values { size: 7, float: 0.5, bool: false, text: ptr::null_mut() };
        let item = |key: &'static CStr, datatype, value| config_item {
            key: key.as_ptr(),
            datatype,
            value,
            found: 0,
        };
        let mut items = [
            item(c"size", DT_SIZE, (&raw mut values.size).cast()),
            item(c"float", DT_FLOAT, (&raw mut values.float).cast()),
            item(c"bool", DT_BOOL, (&raw mut values.bool).cast()),
            item(c"text", DT_STRING, (&raw mut values.text).cast()),
            config_item { key: ptr::null(), datatype: 0, value: ptr::null_mut(), found: 0 },
        ];
        // SAFETY: C strings, and items as they should be.
        let code = unsafe { parse(text.as_ptr(), items.as_mut_ptr(), ptr::null_mut()) };
        (code, values, [0, 1, 2, 3].map(|number| items[number].found == 1))
    }

    #[test]
    fn values_of_every_type_are_read() {
        let (code, values, found) =
            read(c" size = 2m ;float=1.5;text=before;bool=on;text=a\\;b=c\xff;");
        assert_eq!((code, found), (WELL, [true; 4]));
        assert_eq!((values.size, values.float, values.bool), (2 << 20, 1.5, true));
        // SAFETY: set, and freed once.
        unsafe {
            assert_eq!(CStr::from_ptr(values.text), c"a;b=c\xff");
            libc::free(values.text.cast());
        }
    }

    #[test]
    fn what_is_not_there_stays_and_what_is_wrong_is_told() {
        let (code, values, found) = read(c"");
        assert_eq!((code, found, values.size), (WELL, [false; 4], 7));
        let (code, values, _) = read(c"nothing=1;size=3");
        assert_eq!((code, values.size), (UNKNOWN_KEY, 3));
        for bad in [c"size=x", c"size=-1", c"size=99999999999999t", c"float=", c"bool=2", c"size"] {
            assert_eq!(read(bad).0, BAD_VALUE, "{bad:?}");
        }
    }
}
