//! A whole snapshot, from its first byte to its checksum.

use std::io::{self, Write};
use std::sync::Arc;

use super::crc64::Crc64;
use super::draft::{Compression, Draft};
use super::format::{MAGIC, opcode};
use crate::keyspace::Totals;

/// What is written at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// What a snapshot says of itself before the first key.
#[derive(Clone, Debug)]
pub struct Header<'a> {
    /// The version of the format.
    pub version: u16,
    /// The version of Redis that the server speaks for.
    pub redis_version: &'a str,
    /// Now, in seconds since 1970.
    pub now_seconds: i64,
    /// Memory in use.
    pub used_bytes: usize,
    /// Whether it is the base of an append-only file.
    pub is_base: bool,
    /// How much there is in each database.
    pub totals: &'a [Totals],
    /// The texts of all libraries of functions.
    pub libraries: &'a [Arc<[u8]>],
}

/// Whether a checksum is written at the end (`rdbchecksum`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// That of all bytes.
    Crc64,
    /// A zero, which nobody checks.
    None,
}

/// A snapshot that is being written.
#[derive(Debug)]
pub struct Writer<W> {
    sink: Sink<W>,
    compression: Compression,
    /// The database that the entries are put into.
    db: Option<usize>,
}

/// Gathers small pieces, and goes over their checksum.
#[derive(Debug)]
struct Sink<W> {
    out: W,
    buffer: Vec<u8>,
    sum: Option<Crc64>,
}

impl<W: Write> Writer<W> {
    /// Begins a snapshot.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn begin(
        out: W,
        header: &Header<'_>,
        compression: Compression,
        checksum: Checksum,
    ) -> io::Result<Writer<W>> {
        let mut writer = Writer {
            sink: Sink {
                out,
                buffer: Vec::with_capacity(BUFFER_BYTES),
                sum: (checksum == Checksum::Crc64).then(Crc64::new),
            },
            compression,
            db: None,
        };
        let mut draft = Draft::default();
        draft.raw(MAGIC);
        draft.raw(format!("{:04}", header.version).as_bytes());
        for (name, value) in header.fields() {
            draft.byte(opcode::AUX);
            draft.text(name.as_bytes());
            draft.text(value.as_bytes());
        }
        for library in header.libraries {
            draft.library(library);
        }
        for (db, totals) in header.totals.iter().enumerate() {
            if totals.keys > 0 {
                draft.byte(opcode::SELECTDB);
                draft.count(db);
                draft.byte(opcode::RESIZEDB);
                draft.count(totals.keys);
                draft.count(totals.volatile);
                writer.db = Some(db);
            }
        }
        draft.write_to(compression, &mut writer.sink)?;
        Ok(writer)
    }

    /// Writes entries of a database.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn entries(&mut self, db: usize, draft: &Draft) -> io::Result<()> {
        if self.db != Some(db) {
            let mut select = Draft::default();
            select.byte(opcode::SELECTDB);
            select.count(db);
            self.sink.write_all(&select.bytes)?;
            self.db = Some(db);
        }
        draft.write_to(self.compression, &mut self.sink)
    }

    /// Writes what stands at the end.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(mut self) -> io::Result<W> {
        self.sink.write_all(&[opcode::EOF])?;
        self.sink.flush()?;
        let sum = self.sink.sum.map_or(0, |sum| sum.value());
        self.sink.out.write_all(&sum.to_le_bytes())?;
        self.sink.out.flush()?;
        Ok(self.sink.out)
    }
}

impl Header<'_> {
    fn fields(&self) -> [(&'static str, String); 5] {
        [
            ("redis-ver", self.redis_version.to_owned()),
            ("redis-bits", usize::BITS.to_string()),
            ("ctime", self.now_seconds.to_string()),
            ("used-mem", self.used_bytes.to_string()),
            ("aof-base", u8::from(self.is_base).to_string()),
        ]
    }
}

impl<W: Write> Sink<W> {
    fn pass_on(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(sum) = &mut self.sum {
            sum.update(bytes);
        }
        self.out.write_all(bytes)
    }

    fn empty(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.pass_on(&buffer);
        buffer.clear();
        self.buffer = buffer;
        result
    }
}

impl<W: Write> Write for Sink<W> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.empty()?;
        }
        match bytes.len() > BUFFER_BYTES {
            true => self.pass_on(bytes)?,
            false => self.buffer.extend_from_slice(bytes),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.empty()?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdb::crc64::crc64;

    fn header(totals: &[Totals]) -> Header<'_> {
        Header {
            version: 10,
            redis_version: "7.4.1",
            now_seconds: 1_700_000_000,
            used_bytes: 1_000_000,
            is_base: false,
            totals,
            libraries: &[],
        }
    }

    fn written(totals: &[Totals], checksum: Checksum) -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new(), &header(totals), Compression::Lzf, checksum)
            .expect("a vector");
        let mut draft = Draft::default();
        draft.raw(b"entries");
        for db in [1, 1, 0] {
            writer.entries(db, &draft).expect("a vector");
        }
        writer.finish().expect("a vector")
    }

    #[test]
    fn a_file_begins_with_what_it_is_and_ends_with_its_checksum() {
        let totals = Totals {
            keys: 3,
            volatile: 1,
            ..Totals::default()
        };
        let file = written(&[Totals::default(), totals], Checksum::Crc64);
        let head = b"REDIS0010\xfa\x09redis-ver\x057.4.1\xfa\x0aredis-bits\xc0\x40\xfa\x05ctime";
        assert_eq!(&file[..head.len()], head);
        let (body, sum) = file.split_at(file.len() - 8);
        assert_eq!(crc64(body).to_le_bytes(), *sum);
        let tail = b"\xfe\x01\xfb\x03\x01entriesentries\xfe\x00entries\xff";
        assert!(body.ends_with(tail));
    }

    #[test]
    fn without_a_checksum_there_are_zeros() {
        let file = written(&[], Checksum::None);
        assert!(file.ends_with(b"\xfe\x00entries\xff\0\0\0\0\0\0\0\0"));
    }

    #[test]
    fn pieces_larger_than_the_buffer_are_summed_too() {
        let mut writer =
            Writer::begin(Vec::new(), &header(&[]), Compression::None, Checksum::Crc64)
                .expect("a vector");
        for length in [1, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1, 3] {
            let mut draft = Draft::default();
            draft.text(&vec![b'x'; length]);
            writer.entries(0, &draft).expect("a vector");
        }
        let file = writer.finish().expect("a vector");
        let (body, sum) = file.split_at(file.len() - 8);
        assert_eq!(crc64(body).to_le_bytes(), *sum);
        let all = body.iter().filter(|&&byte| byte == b'x').count();
        assert_eq!(all, 3 * BUFFER_BYTES + 4);
    }
}
