//! A dump: the records of a database as a stream of MessagePack, whatever
//! engine they come from. `docs/dump.md` describes it byte by byte.
//!
//! Everything in it ends with the CRC of all that comes before, so whatever has
//! been read is right, and a stream that was cut off is known to be.

use rmp::{
    decode::{self, NumValueReadError, ValueReadError},
    encode,
};
use std::io::{self, BufReader, ErrorKind, Read, Write};

/// What a dump begins with.
const MAGIC: &str = "kumo dump";

/// The version of the format.
const VERSION: u32 = 1;

/// The longest key or value. No item is larger.
pub const MAX_BYTES: usize = 1 << 30;

/// Why a dump cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The stream cannot be read.
    #[error("it cannot be read: {0}")]
    Io(io::Error),
    /// It begins in another way.
    #[error("it is not a dump: kumoctl dump writes one")]
    Foreign,
    /// A later version wrote it.
    #[error(
        "it has version {0} of the format, and this kumoctl knows version {VERSION}; use a newer one"
    )]
    Version(u32),
    /// It ends before its end.
    #[error("it was cut off: it ends at byte {0}, without the count that a whole dump ends with")]
    Cut(u64),
    /// A check does not fit, or something else stands where a record should.
    #[error("it is damaged before byte {0}: {1}")]
    Damaged(u64, &'static str),
}

/// Writes a dump.
pub struct Writer<W> {
    to: Summed<W>,
    records: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a dump.
    pub fn new(to: W) -> io::Result<Self> {
        let mut to = Summed::new(to);
        encode::write_array_len(&mut to, 3)?;
        encode::write_str(&mut to, MAGIC)?;
        encode::write_uint(&mut to, u64::from(VERSION))?;
        to.write_check()?;
        Ok(Self { to, records: 0 })
    }

    /// Writes a record.
    pub fn record(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        if key.len() > MAX_BYTES || value.len() > MAX_BYTES {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                "a key or a value has more than 1 GiB, which a dump cannot hold",
            ));
        }
        encode::write_array_len(&mut self.to, 3)?;
        encode::write_bin(&mut self.to, key)?;
        encode::write_bin(&mut self.to, value)?;
        self.to.write_check()?;
        self.records += 1;
        Ok(())
    }

    /// Ends it. Without the end a dump is one that was cut off.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        encode::write_array_len(&mut self.to, 2)?;
        encode::write_uint(&mut self.to, self.records)?;
        self.to.write_check()?;
        self.to.inner.flush()?;
        Ok((self.to.inner, self.records))
    }
}

/// Reads a dump.
pub struct Reader<R> {
    from: Summed<BufReader<R>>,
    records: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the beginning.
    pub fn new(from: R) -> Result<Self, Broken> {
        let mut from = Summed::new(BufReader::with_capacity(256 << 10, from));
        let foreign = |broken| match broken {
            Broken::Damaged(..) => Broken::Foreign,
            other => other,
        };
        from.read_with(|from| expect(decode::read_array_len(from)?, 3)).map_err(foreign)?;
        from.read_with(|from| expect(decode::read_str_len(from)?, MAGIC.len() as u32))
            .map_err(foreign)?;
        let mut magic = [0; MAGIC.len()];
        from.read_with(|from| Ok(from.read_exact(&mut magic)?))?;
        if magic != MAGIC.as_bytes() {
            return Err(Broken::Foreign);
        }
        let version: u32 = from.read_with(|from| Ok(decode::read_int(from)?))?;
        if version != VERSION {
            return Err(Broken::Version(version));
        }
        from.check()?;
        Ok(Self { from, records: 0 })
    }

    /// Reads the next record into `key` and `value`; false at the end of a whole
    /// dump.
    pub fn next(&mut self, key: &mut Vec<u8>, value: &mut Vec<u8>) -> Result<bool, Broken> {
        match self.from.read_with(|from| Ok(decode::read_array_len(from)?))? {
            3 => {
                self.from.byte_string(key)?;
                self.from.byte_string(value)?;
                self.from.check()?;
                self.records += 1;
                Ok(true)
            }
            2 => {
                let records: u64 = self.from.read_with(|from| Ok(decode::read_int(from)?))?;
                self.from.check()?;
                if records != self.records {
                    return Err(self.from.damaged("its count is not that of its records"));
                }
                match self.from.inner.read(&mut [0]).map_err(Broken::Io)? {
                    0 => Ok(false),
                    _ => Err(self.from.damaged("something follows its end")),
                }
            }
            _ => Err(self.from.damaged("neither a record nor the end")),
        }
    }

    /// How many records have been read.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many bytes have been read.
    pub fn position(&self) -> u64 {
        self.from.position
    }
}

/// A stream, and the CRC of what has gone by.
struct Summed<S> {
    inner: S,
    crc: crc32fast::Hasher,
    position: u64,
}

impl<S> Summed<S> {
    fn new(inner: S) -> Self {
        Self { inner, crc: crc32fast::Hasher::new(), position: 0 }
    }

    fn sum(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.position += bytes.len() as u64;
    }

    fn crc(&self) -> u32 {
        self.crc.clone().finalize()
    }

    fn damaged(&self, what: &'static str) -> Broken {
        Broken::Damaged(self.position, what)
    }
}

impl<W: Write> Summed<W> {
    fn write_check(&mut self) -> io::Result<()> {
        let crc = self.crc();
        encode::write_u32(self, crc)?;
        Ok(())
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write_all(bytes)?;
        self.sum(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(into)?;
        self.sum(&into[..got]);
        Ok(got)
    }
}

impl<R: Read> Summed<R> {
    /// Reads something, and says what its failure means for the dump.
    fn read_with<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Unread>,
    ) -> Result<T, Broken> {
        read(self).map_err(|unread| match unread {
            Unread::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Broken::Cut(self.position)
            }
            Unread::Io(error) => Broken::Io(error),
            Unread::Other => self.damaged("another kind of value was expected"),
        })
    }

    /// Reads a byte string. Memory is taken as its bytes come, not for what its
    /// length says.
    fn byte_string(&mut self, into: &mut Vec<u8>) -> Result<(), Broken> {
        let len = self.read_with(|from| Ok(decode::read_bin_len(from)?))? as usize;
        if len > MAX_BYTES {
            return Err(self.damaged("a length is above 1 GiB"));
        }
        into.clear();
        let got = self.by_ref().take(len as u64).read_to_end(into).map_err(Broken::Io)?;
        if got == len { Ok(()) } else { Err(Broken::Cut(self.position)) }
    }

    fn check(&mut self) -> Result<(), Broken> {
        let crc = self.crc();
        let found = self.read_with(|from| Ok(decode::read_u32(from)?))?;
        if found == crc { Ok(()) } else { Err(self.damaged("a check does not fit")) }
    }
}

/// Why a value was not read.
enum Unread {
    Io(io::Error),
    Other,
}

fn expect(is: u32, should: u32) -> Result<(), Unread> {
    if is == should { Ok(()) } else { Err(Unread::Other) }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ValueReadError> for Unread {
    fn from(error: ValueReadError) -> Self {
        match error {
            ValueReadError::InvalidMarkerRead(error) | ValueReadError::InvalidDataRead(error) => {
                Self::Io(error)
            }
            ValueReadError::TypeMismatch(_) => Self::Other,
        }
    }
}

impl From<NumValueReadError> for Unread {
    fn from(error: NumValueReadError) -> Self {
        match error {
            NumValueReadError::InvalidMarkerRead(error)
            | NumValueReadError::InvalidDataRead(error) => Self::Io(error),
            NumValueReadError::TypeMismatch(_) | NumValueReadError::OutOfRange => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests;
