//! What stands under a file's metadata key.

use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The most chunks that the original's number is believed to mean: more than
/// a terabyte. A number beyond is damage, and would be long to delete.
const ORIGINAL_CHUNKS: u64 = 1 << 20;

/// The most chunks of a file of ours: 4 TiB of the smallest ones, 4 PiB of the
/// usual ones. More is damage.
pub const MOST_CHUNKS: u64 = 1 << 32;

/// The metadata of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// The original's: the number of chunks in decimal, and no more.
    Original {
        /// How many chunks there are.
        chunks: u64,
    },
    /// Ours.
    Record(Record),
}

/// A file, as it is stored: JSON, on one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The form of the record; 1.
    #[serde(rename = "kumo-files")]
    pub form: u32,
    /// The file's name: the key has only its MD5.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// How many of them a chunk has; the last one may have fewer.
    pub chunk: NonZeroU32,
    /// The number, in hex, that the keys of the chunks have. Each upload draws
    /// another one.
    #[serde(with = "hex")]
    pub version: u64,
    /// Its media type, if the writer told.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// When it was stored: UNIX seconds.
    pub stored: u64,
}

impl Record {
    /// The form that is written, and read.
    pub const FORM: u32 = 1;

    /// How many chunks it has.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.size.div_ceil(self.chunk.get().into())
    }

    /// The version, as it is written.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{:016x}", self.version)
    }

    /// As it is stored.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        // Numbers and strings can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Metadata {
    /// Reads it; None if it is none, or of a form from the future.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.first()?.is_ascii_digit() {
            let digits = bytes.iter().all(u8::is_ascii_digit);
            let number = str::from_utf8(bytes).ok()?.parse().ok();
            let chunks = number.filter(|&chunks| digits && chunks <= ORIGINAL_CHUNKS)?;
            return Some(Self::Original { chunks });
        }
        let record: Record = serde_json::from_slice(bytes).ok()?;
        let plausible = record.form == Record::FORM && record.chunks() <= MOST_CHUNKS;
        plausible.then_some(Self::Record(record))
    }
}

/// A version as 16 hexadecimal digits.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(version: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{version:016x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        u64::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_original_wrote_a_number() {
        assert_eq!(Metadata::parse(b"0"), Some(Metadata::Original { chunks: 0 }));
        assert_eq!(Metadata::parse(b"51"), Some(Metadata::Original { chunks: 51 }));
        for bad in [&b""[..], b"-1", b"5 ", b"0x1", b"99999999999", b"{}", b"null"] {
            assert_eq!(Metadata::parse(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn ours_is_json() {
        let text = br#"{"kumo-files":1,"name":"a.png","size":10,"chunk":4,"version":"00000000000000ff","type":"image/png","stored":1795170136}"#;
        let Some(Metadata::Record(record)) = Metadata::parse(text) else { panic!() };
        assert_eq!((record.version, record.chunks()), (255, 3));
        assert_eq!(record.bytes(), text);
        let newer = String::from_utf8_lossy(text).replace(":1,", ":2,");
        assert_eq!(Metadata::parse(newer.as_bytes()), None);
        let endless = String::from_utf8_lossy(text).replace("\"chunk\":4", "\"chunk\":0");
        assert_eq!(Metadata::parse(endless.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = Metadata::parse(&bytes);
        }

        #[test]
        fn what_is_written_is_read(
            name: String, size: u64, chunk: NonZeroU32, version: u64,
            media_type: Option<String>, stored: u64,
        ) {
            let form = Record::FORM;
            let record = Record { form, name, size, chunk, version, media_type, stored };
            let read = Metadata::parse(&record.bytes());
            let right = (record.chunks() <= MOST_CHUNKS).then_some(Metadata::Record(record));
            prop_assert_eq!(read, right);
        }
    }
}
