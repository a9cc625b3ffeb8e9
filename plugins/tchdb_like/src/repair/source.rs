//! The damaged file: reading it, and finding its chunks.

use super::uncrc;
use crate::{
    chunk::{CHUNK, Chunk, HEADER, Header, PER_SEGMENT, SEGMENTS, touch},
    file::{self, failed},
    pins::Pins,
    raw::memory::Buffer,
};
use kumo_plugin::{Error, ErrorCode, LogLevel};
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    fs::File,
    io::{self, ErrorKind},
    ops::Deref,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The words of a chunk's two headers.
pub(super) type Heads = [[u64; 8]; 2];

/// A chunk, or the run that begins there, and what is known of it.
pub(super) struct Place {
    pub number: u32,
    pub header: Header,
    /// Whether the header's base is certain.
    pub is_sure: bool,
}

/// A chunk that has been read.
pub(super) struct Loaded {
    chunk: Chunk,
    _memory: Buffer,
}

impl Deref for Loaded {
    type Target = Chunk;

    fn deref(&self) -> &Chunk {
        &self.chunk
    }
}

/// A file that is only read.
pub(super) struct Source {
    pub file: File,
    pub path: PathBuf,
    pub len: u64,
    seed: u64,
    /// Of the chunks from 1 on.
    heads: Vec<Heads>,
    /// The pages that the disk does not give.
    unread: RefCell<BTreeSet<u64>>,
    /// A chunk has pins, though nobody else is here.
    pins: Arc<Pins>,
}

const PAGE: usize = 4096;

/// Where a file of so many chunks ends.
pub(super) fn end_of(chunks: u32) -> u64 {
    u64::from(chunks) * CHUNK as u64
}

impl Source {
    /// Opens a file, which no one else has open, and finds its seed.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| failed("cannot open", path, &error))?;
        let meta = file.metadata().map_err(|error| failed("cannot read", path, &error))?;
        if !meta.is_file() {
            return Err(Error::invalid(format!("{} is not a file", path.display())));
        }
        file::lock(&file, path)?;
        let len = meta.len();
        let end = len.div_ceil(CHUNK as u64);
        if end > SEGMENTS as u64 * u64::from(PER_SEGMENT) {
            return Err(Error::unsupported(format!(
                "{} has {len} bytes, more than a database has",
                path.display()
            )));
        }
        let pins = Pins::new().map_err(|error| failed("no memory to read", path, &error))?;
        let mut source = Self {
            file,
            path: path.into(),
            len,
            seed: 0,
            heads: Vec::new(),
            unread: RefCell::default(),
            pins: Arc::new(pins),
        };
        for number in 1..end as u32 {
            let mut bytes = [0; 2 * HEADER];
            source.read(end_of(number), &mut bytes)?;
            let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
            let head = |from: usize| std::array::from_fn(|i| word(from + i * 8));
            source.heads.push([head(0), head(HEADER)]);
        }
        source.seed = source.find_seed()?;
        Ok(source)
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether the file ends where no chunk does.
    pub fn is_cut(&self) -> bool {
        !self.len.is_multiple_of(CHUNK as u64)
    }

    /// How many chunks there are, the first one included.
    pub fn end(&self) -> u32 {
        self.heads.len() as u32 + 1
    }

    /// The headers of a chunk, from 1 on.
    pub fn heads(&self, number: u32) -> Heads {
        self.heads[number as usize - 1]
    }

    /// The seed, which is in the file's header, and in those of the chunks: the
    /// upper half as it is, and the lower one as what their CRC begins with.
    fn find_seed(&self) -> Result<u64, Error> {
        let mut head = [0; file::HEADER];
        self.read(0, &mut head)?;
        match file::check(&head, &self.path) {
            Ok(seed) => return Ok(seed),
            Err(error) if error.code() == ErrorCode::Unsupported => return Err(error),
            Err(_) => {}
        }
        let mut votes: HashMap<u64, u32> = HashMap::new();
        for (number, heads) in (1_u32..).zip(&self.heads) {
            for words in heads {
                let mut words = *words;
                // It has a check of its own.
                words[touch::PLACE / 8] = 0;
                let body: Vec<u8> = words[..7].iter().flat_map(|word| word.to_le_bytes()).collect();
                let lower = uncrc::before(words[7] as u32, &[&number.to_le_bytes(), &body]);
                let seed = words[0] << 32 | u64::from(lower);
                if Header::parse(words, seed, number).is_some() {
                    *votes.entry(seed).or_default() += 1;
                }
            }
        }
        // What is no chunk has a seed too, but each one its own.
        let found =
            votes.into_iter().filter(|(_, votes)| *votes > 1).max_by_key(|(_, votes)| *votes);
        let (seed, _) = found.ok_or_else(|| file::foreign(&self.path))?;
        let text =
            format!("{}: the header is damaged; the chunks have told it", self.path.display());
        kumo_plugin::log(LogLevel::Warn, &text);
        Ok(seed)
    }

    /// Reads what is there. What lies behind the file's end, or is not given by
    /// the disk, stays as it is: zeros.
    pub fn read(&self, at: u64, into: &mut [u8]) -> Result<(), Error> {
        if self.read_some(at, into).is_ok() {
            return Ok(());
        }
        for (page, into) in (at..).step_by(PAGE).zip(into.chunks_mut(PAGE)) {
            if let Err(error) = self.read_some(page, into) {
                if self.unread.borrow_mut().insert(page) {
                    let text = failed("cannot read a page of", &self.path, &error).to_string();
                    kumo_plugin::log(LogLevel::Warn, &text);
                }
                into.fill(0);
            }
        }
        Ok(())
    }

    fn read_some(&self, mut at: u64, mut into: &mut [u8]) -> io::Result<()> {
        while !into.is_empty() {
            match self.file.read_at(into, at) {
                Ok(0) => return Ok(()),
                Ok(got) => {
                    into = &mut into[got..];
                    at += got as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The offsets of the pages that the disk did not give.
    pub fn unread(&self) -> Vec<u64> {
        self.unread.borrow().iter().copied().collect()
    }

    /// Reads a chunk, or a run.
    pub fn load(&self, place: &Place) -> Result<Loaded, Error> {
        let Place { number, header, .. } = *place;
        let mut failure = None;
        let memory = Buffer::filled(header.chunks as usize * CHUNK, |bytes| {
            failure = self.read(end_of(number), bytes).err();
            Ok::<_, io::Error>(())
        });
        let memory = memory.map_err(|error| failed("no memory to read", &self.path, &error))?;
        failure.map_or(Ok(()), Err)?;
        let chunk = Chunk::new(number, memory.memory(), Arc::clone(&self.pins));
        chunk.adopt(header);
        Ok(Loaded { chunk, _memory: memory })
    }

    /// The chunks whose headers are whole, and the numbers of those that have
    /// none: free ones, parts of a dump, and those whose headers are damaged.
    pub fn places(&self) -> (Vec<Place>, Vec<u32>) {
        let (mut places, mut others) = (Vec::new(), Vec::new());
        let mut number = 1;
        while number < self.end() {
            let heads = self.heads(number);
            let whole = heads.iter().filter_map(|words| Header::parse(*words, self.seed, number));
            let whole = whole.filter(|header| fits(number, *header));
            match whole.max_by_key(|header| header.base) {
                Some(header) => {
                    places.push(Place { number, header, is_sure: true });
                    number += header.chunks;
                }
                None => {
                    if !self.was_given_back(number) {
                        others.push(number);
                    }
                    number += 1;
                }
            }
        }
        (places, others)
    }

    /// Whether a chunk's headers are whole but for the first words, which are
    /// zero: so it was made free.
    fn was_given_back(&self, number: u32) -> bool {
        let heads = self.heads(number);
        heads.iter().all(|words| words[0] == 0)
            && heads.iter().any(|words| {
                [1, 2].iter().any(|kind| {
                    let mut was = *words;
                    was[0] = self.seed >> 32 | kind << 32;
                    Header::parse(was, self.seed, number).is_some()
                })
            })
    }
}

/// Whether a header can be that of this chunk.
pub(super) fn fits(number: u32, header: Header) -> bool {
    (header.is_run || header.chunks == 1) && number % PER_SEGMENT + header.chunks <= PER_SEGMENT
}
