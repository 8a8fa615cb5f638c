//! A snapshot file from its first byte to its checksum, an entry at a time.

use std::io::Read;

use super::decode::{self, Decoded, module_name, skip_module};
use super::error::Error;
use super::format::{AUX_ACTIVE, AUX_TAGS, MAGIC, READABLE, kind, opcode};
use super::input::Input;
use crate::evict::Past;
use crate::value::{Item, Limits, Object};

/// The first version with a checksum.
const FIRST_SUMMED: u32 = 5;

/// Whether the checksum at the end must be that of the file (`rdbchecksum`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It must, or be 0.
    Verify,
    /// Whatever it is.
    Ignore,
}

/// What a file holds, piece by piece.
#[derive(Debug)]
pub enum Piece<'f> {
    /// A key.
    Entry(Record<'f>),
    /// A fact about the file or who wrote it.
    Aux {
        /// What it is called.
        name: &'f [u8],
        /// What it is.
        value: &'f [u8],
    },
    /// The text of a library of functions.
    Function(&'f [u8]),
    /// What a module of this name wanted to know; it has been passed over.
    ModuleAux(String),
    /// How many keys are about to come, and how many of them expire.
    Sizes {
        /// In which database.
        db: u64,
        /// All of the database.
        keys: u64,
        /// Those with an expiry.
        volatile: u64,
    },
}

/// What comes next in a file.
#[derive(Debug)]
pub enum Part<'f> {
    /// Many keys, as they stand there.
    Run(Run),
    /// Something else, or a large key.
    Piece(Piece<'f>),
}

/// A stretch of a file that holds whole keys and nothing else. All of it is there; whether it is as it should be
/// is seen when it is read ([`Reader::of_run`]), by whomever.
#[derive(Debug)]
pub struct Run {
    bytes: Vec<u8>,
    /// Where it begins in the file.
    offset: u64,
    /// The database that is selected there.
    db: u64,
}

impl Run {
    /// How long it is, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// A key of a file, with all that belongs to it.
#[derive(Debug)]
pub struct Record<'f> {
    /// Its database.
    pub db: u64,
    /// Its name.
    pub key: &'f [u8],
    /// What it holds; `None` of a collection without elements, which is no key at all.
    pub value: Option<Decoded<'f>>,
    /// When it expires, in milliseconds since 1970.
    pub expiry_ms: Option<i64>,
    /// What is known of its accesses.
    pub past: Past,
    /// Its tags.
    pub tags: Tags<'f>,
}

/// The tags of a record.
#[derive(Clone, Debug)]
pub struct Tags<'f>(&'f [u8]);

impl Tags<'_> {
    /// Whether there is none left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'f> Iterator for Tags<'f> {
    type Item = &'f [u8];

    fn next(&mut self) -> Option<&'f [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let mut input = Input::of_bytes(self.0);
        let length = input.length().ok()?;
        let (_, rest) = self.0.split_at_checked(input.offset() as usize)?;
        let (tag, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(tag)
    }
}

/// Reads a file.
pub struct Reader<'s> {
    input: Input<'s>,
    limits: Limits,
    checksum: Checksum,
    version: u32,
    db: u64,
    key: Vec<u8>,
    name: Vec<u8>,
    tags: Vec<u8>,
    /// When consumers of the next entry were active.
    active: Vec<u8>,
    is_run: bool,
    is_over: bool,
    was_unsummed: bool,
}

impl<'s> Reader<'s> {
    /// Reads the first bytes. What is packed is packed up to these limits.
    ///
    /// # Errors
    /// [`Error::Signature`] if it is no snapshot file, [`Error::Version`] if it is of a version that is not known.
    pub fn new(
        source: impl Read + 's,
        limits: Limits,
        checksum: Checksum,
    ) -> Result<Reader<'s>, Error> {
        let mut input = Input::of_file(source);
        let [m0, m1, m2, m3, m4, digits @ ..] = input.array::<9>()?;
        if [m0, m1, m2, m3, m4] != *MAGIC {
            return Err(Error::Signature);
        }
        let digits = std::str::from_utf8(&digits).ok();
        let version = digits.and_then(|it| it.parse().ok()).unwrap_or(0);
        if !READABLE.contains(&version) {
            return Err(Error::Version(version));
        }
        Ok(Reader {
            version,
            checksum,
            ..Reader::of(input, limits)
        })
    }

    /// Reads the keys of a run.
    pub fn of_run(run: &'s Run, limits: Limits) -> Reader<'s> {
        Reader {
            db: run.db,
            is_run: true,
            ..Reader::of(Input::of_stretch(&run.bytes, run.offset), limits)
        }
    }

    fn of(input: Input<'s>, limits: Limits) -> Reader<'s> {
        Reader {
            input,
            limits,
            checksum: Checksum::Ignore,
            version: 0,
            db: 0,
            key: Vec::new(),
            name: Vec::new(),
            tags: Vec::new(),
            active: Vec::new(),
            is_run: false,
            is_over: false,
            was_unsummed: false,
        }
    }

    /// How many bytes of the file have been read: at the end, the length of the snapshot.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// Whether the file has no checksum to verify, though there could be one. Known at the end.
    pub fn was_unsummed(&self) -> bool {
        self.was_unsummed
    }

    /// What comes next, as a run where there are keys to put into one; none at the end, when the checksum has been
    /// verified.
    ///
    /// # Errors
    /// Those of [`Reader::next_piece`], for what is not in a run.
    pub fn next_part(&mut self) -> Result<Option<Part<'_>>, Error> {
        if !self.is_over
            && let Some(run) = self.run()
        {
            return Ok(Some(Part::Run(run)));
        }
        Ok(self.next_piece()?.map(Part::Piece))
    }

    /// The keys that come next, as many as one run holds. Where something is wrong it ends before, and that is met
    /// again by who reads on.
    fn run(&mut self) -> Option<Run> {
        let (db, offset) = (self.db, self.input.offset());
        self.input.hold();
        loop {
            let before = self.db;
            if !matches!(self.skip_record(), Ok(true)) {
                self.db = before;
                break;
            }
            self.input.keep();
        }
        let bytes = self.input.release()?;
        Some(Run { bytes, offset, db })
    }

    /// Passes a key with all that belongs to it; whether one comes next.
    #[inline]
    fn skip_record(&mut self) -> Result<bool, Error> {
        loop {
            match self.input.byte()? {
                opcode::EXPIRETIME_MS => drop(self.input.milliseconds()?),
                opcode::EXPIRETIME => drop(self.input.array::<4>()?),
                opcode::IDLE => drop(self.input.length()?),
                opcode::FREQ => drop(self.input.byte()?),
                opcode::SELECTDB => self.db = self.input.length()?,
                opcode::SLOT_INFO => {
                    for _ in 0..3 {
                        self.input.length()?;
                    }
                }
                opcode::AUX => {
                    let name = self.input.string()?;
                    if !matches!(name, Item::Bytes(AUX_TAGS | AUX_ACTIVE)) {
                        return Ok(false);
                    }
                    self.input.skip_string()?;
                }
                kind if kind <= kind::HASH_LISTPACK_EX => {
                    self.input.skip_string()?;
                    decode::skip(kind, &mut self.input)?;
                    return Ok(true);
                }
                _ => return Ok(false),
            }
        }
    }

    /// The next piece; none at the end, when the checksum has been verified.
    ///
    /// # Errors
    /// An [`Error`] of any kind but [`Error::Empty`].
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        let (mut expiry_ms, mut past) = (None, Past::Unknown);
        self.tags.clear();
        self.active.clear();
        loop {
            if self.is_over || self.is_run && self.input.is_at_end() {
                return Ok(None);
            }
            let code = self.input.byte()?;
            match code {
                opcode::EXPIRETIME_MS => expiry_ms = Some(self.input.milliseconds()?),
                opcode::EXPIRETIME => {
                    let seconds = i32::from_le_bytes(self.input.array()?);
                    expiry_ms = Some(i64::from(seconds) * 1000);
                }
                opcode::IDLE => past = Past::IdleSeconds(self.input.length()?),
                opcode::FREQ => past = Past::Frequency(self.input.byte()?),
                opcode::SELECTDB => self.db = self.input.length()?,
                opcode::SLOT_INFO => {
                    for _ in 0..3 {
                        self.input.length()?;
                    }
                }
                opcode::AUX => {
                    self.read_aux()?;
                    if self.name == AUX_TAGS {
                        self.take_tags()?;
                    } else if self.name == AUX_ACTIVE {
                        std::mem::swap(&mut self.active, &mut self.key);
                    } else {
                        let (name, value) = (&self.name, &self.key);
                        return Ok(Some(Piece::Aux { name, value }));
                    }
                }
                opcode::RESIZEDB => return self.sizes().map(Some),
                opcode::FUNCTION2 => return self.function().map(Some),
                opcode::FUNCTION_PRE_GA => {
                    return Err(Error::Malformed(
                        "Pre-release function format not supported.",
                    ));
                }
                opcode::MODULE_AUX => return self.module_aux().map(Some),
                opcode::EOF => self.end()?,
                kind => return self.record(kind, expiry_ms, past).map(Some),
            }
        }
    }

    fn sizes(&mut self) -> Result<Piece<'static>, Error> {
        Ok(Piece::Sizes {
            db: self.db,
            keys: self.input.length()?,
            volatile: self.input.length()?,
        })
    }

    fn read_aux(&mut self) -> Result<(), Error> {
        self.name.clear();
        self.key.clear();
        self.input.string()?.write_to(&mut self.name);
        self.input.string()?.write_to(&mut self.key);
        Ok(())
    }

    /// Takes the tags of the next entry from what has been read.
    fn take_tags(&mut self) -> Result<(), Error> {
        std::mem::swap(&mut self.tags, &mut self.key);
        let mut tags = Tags(&self.tags);
        let are_none_empty = tags.by_ref().all(|tag| !tag.is_empty());
        if !are_none_empty || !tags.0.is_empty() {
            return Err(Error::Malformed("Tags of an entry that are not whole"));
        }
        Ok(())
    }

    fn function(&mut self) -> Result<Piece<'_>, Error> {
        self.key.clear();
        self.input.string()?.write_to(&mut self.key);
        Ok(Piece::Function(&self.key))
    }

    fn module_aux(&mut self) -> Result<Piece<'static>, Error> {
        let name = module_name(self.input.length()?);
        skip_module(&mut self.input)?;
        Ok(Piece::ModuleAux(name))
    }

    fn record(&mut self, kind: u8, expiry_ms: Option<i64>, past: Past) -> Result<Piece<'_>, Error> {
        if kind > kind::HASH_LISTPACK_EX {
            return Err(Error::Malformed("Unknown RDB opcode"));
        }
        self.key.clear();
        self.input.string()?.write_to(&mut self.key);
        let mut value = match decode::value(kind, &mut self.input, &self.limits) {
            Ok(value) => Some(value),
            Err(Error::Empty) => None,
            Err(error) => return Err(error),
        };
        if !self.active.is_empty()
            && let Some(Decoded::Object(Object::Stream(stream))) = &mut value
        {
            decode::note_active(stream, &self.active)?;
        }
        Ok(Piece::Entry(Record {
            db: self.db,
            key: &self.key,
            value,
            expiry_ms,
            past,
            tags: Tags(&self.tags),
        }))
    }

    fn end(&mut self) -> Result<(), Error> {
        self.is_over = true;
        if self.version < FIRST_SUMMED {
            return Ok(());
        }
        let expected = self.input.checksum();
        let found = u64::from_le_bytes(self.input.array()?);
        if self.checksum == Checksum::Ignore {
            return Ok(());
        }
        self.was_unsummed = found == 0;
        if !self.was_unsummed && expected != found {
            return Err(Error::Checksum { expected, found });
        }
        Ok(())
    }
}
