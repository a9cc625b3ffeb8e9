//! What is answered.

/// A line that does not have the form of its command.
pub const CLIENT_ERROR_FORMAT: &str = "CLIENT_ERROR bad command line format\r\n";

/// The longest text behind `SERVER_ERROR`, in bytes.
const MAX_ERROR: usize = 1000;

/// What precedes an item's data.
pub fn value_head(out: &mut Vec<u8>, key: &[u8], flags: u32, len: usize, cas: Option<u64>) {
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(b"VALUE ");
    out.extend_from_slice(key);
    out.push(b' ');
    out.extend_from_slice(digits.format(flags).as_bytes());
    out.push(b' ');
    out.extend_from_slice(digits.format(len).as_bytes());
    if let Some(cas) = cas {
        out.push(b' ');
        out.extend_from_slice(digits.format(cas).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// The end of a list.
pub fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"END\r\n");
}

/// A number on a line.
pub fn number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// One statistic.
pub fn stat(out: &mut Vec<u8>, name: &str, value: impl std::fmt::Display) {
    out.extend_from_slice(format!("STAT {name} {value}\r\n").as_bytes());
}

/// A failure of ours: one line, whatever the text.
pub fn server_error(out: &mut Vec<u8>, text: &str) {
    error(out, b"SERVER_ERROR ", text);
}

/// What a client has done wrong: one line, whatever the text.
pub fn client_error(out: &mut Vec<u8>, text: &str) {
    error(out, b"CLIENT_ERROR ", text);
}

fn error(out: &mut Vec<u8>, kind: &[u8], text: &str) {
    out.extend_from_slice(kind);
    let line = text.bytes().take(MAX_ERROR);
    out.extend(line.map(|byte| if byte.is_ascii_control() { b' ' } else { byte }));
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_of_bounded_length() {
        let mut out = Vec::new();
        server_error(&mut out, "no\r\nroom");
        assert_eq!(out, b"SERVER_ERROR no  room\r\n");
        out.clear();
        server_error(&mut out, &"x".repeat(5000));
        assert_eq!(out.len(), 13 + MAX_ERROR + 2);
    }

    #[test]
    fn a_value_s_head_has_the_cas_when_asked() {
        let mut out = Vec::new();
        value_head(&mut out, b"k", 7, 3, None);
        value_head(&mut out, b"k", 0, 0, Some(u64::MAX));
        assert_eq!(out, b"VALUE k 7 3\r\nVALUE k 0 0 18446744073709551615\r\n");
    }
}
