//! Bytes on their way to a client.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

use super::{Meter, Tally};

/// Values of at least this many bytes go out by reference count instead of by copy.
pub const SHARE_FROM_BYTES: usize = 16 * 1024;

/// How much memory an output keeps once everything is written.
const KEPT_BYTES: usize = 16 * 1024;
/// How many shared values an output keeps room for once everything is written.
const KEPT_SHARED: usize = 16;

/// What a value costs that is held by reference, beside its place in the list: the counted owner behind
/// [`Bytes::from_owner`].
const OWNER_BYTES: usize = 48;

/// Bytes on their way to a client: flat memory, with large values shared in between.
///
/// Written bytes are taken off the front with [`advance`](Self::advance). Once it is empty, it
/// keeps at most 16 KiB of its memory. It is a [`Buf`], so a vectored write can read from it.
#[derive(Debug, Default)]
pub struct Output {
    /// The copied bytes, in order.
    flat: Vec<u8>,
    /// How many bytes at the front of `flat` are written.
    written: usize,
    /// The shared values, in order.
    shared: VecDeque<Shared>,
    /// What is left to write of `shared`, in bytes.
    shared_bytes: usize,
    /// How many bytes were ever taken off the front of `flat`, and values off that of `shared`:
    /// what positions and marks count from.
    dropped: Mark,
    tally: Tally,
}

/// A value that goes out behind the flat bytes in front of `position`.
#[derive(Debug)]
struct Shared {
    /// Counted from the first flat byte this output ever held.
    position: usize,
    bytes: Bytes,
}

/// A place in an [`Output`], to which it can be cut back or where bytes can be put in later.
///
/// Holds while what is behind it is neither written nor cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    flat: usize,
    shared: usize,
}

/// A piece of an [`Output`].
#[derive(Clone, Copy, Debug)]
pub enum Chunk<'a> {
    /// Bytes that were copied into the output.
    Flat(&'a [u8]),
    /// A value that others may hold too.
    Shared(&'a Bytes),
}

impl<'a> Chunk<'a> {
    /// The bytes of this piece; never empty.
    pub fn as_slice(&self) -> &'a [u8] {
        match self {
            Chunk::Flat(bytes) => bytes,
            Chunk::Shared(bytes) => bytes,
        }
    }
}

impl Output {
    /// An empty output, without memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes are to be written.
    #[inline]
    pub fn len_bytes(&self) -> usize {
        self.flat.len() - self.written + self.shared_bytes
    }

    /// Whether there is nothing to write.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len_bytes() == 0
    }

    /// The memory held for this client, in bytes: shared values count in full.
    pub fn memory_bytes(&self) -> usize {
        self.own_bytes() + self.shared_bytes
    }

    /// The memory that would come back with this output alone, in bytes: shared values are left out.
    pub fn own_bytes(&self) -> usize {
        self.tally.block_bytes(self.flat.capacity()) + self.shared_list_bytes()
    }

    fn shared_list_bytes(&self) -> usize {
        let list = self.shared.capacity() * size_of::<Shared>();
        self.tally.block_bytes(list) + self.shared.len() * OWNER_BYTES
    }

    /// What is left to write of shared values, in bytes.
    pub fn shared_bytes(&self) -> usize {
        self.shared_bytes
    }

    /// Adds [`own_bytes`](Self::own_bytes) to that sum from now on, until it is dropped.
    ///
    /// The sum follows while a long reply is being written, not only when it is done.
    pub fn count_in(&mut self, meter: &'static Meter) {
        if !self.tally.has_meter() {
            self.tally = Tally::of(meter);
        }
        self.recount();
    }

    /// Brings the sum up to date.
    fn recount(&mut self) {
        self.tally.put(self.own_bytes());
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.dropped.flat += self.flat.len();
        self.dropped.shared += self.shared.len();
        self.flat.clear();
        self.shared.clear();
        self.written = 0;
        self.shared_bytes = 0;
        if self.flat.capacity() > KEPT_BYTES || self.shared.capacity() > KEPT_SHARED {
            self.flat.shrink_to(KEPT_BYTES);
            self.shared.shrink_to(KEPT_SHARED);
        }
        self.recount();
    }

    /// Appends bytes as they are.
    #[inline]
    pub fn push_raw(&mut self, bytes: &[u8]) {
        self.flat(bytes.len()).extend_from_slice(bytes);
    }

    /// Appends bytes as they are: by reference from [`SHARE_FROM_BYTES`] on, else by copy.
    pub fn push_shared(&mut self, bytes: Bytes) {
        if bytes.len() < SHARE_FROM_BYTES {
            return self.push_raw(&bytes);
        }
        self.shared_bytes += bytes.len();
        let position = self.dropped.flat + self.flat.len();
        self.shared.push_back(Shared { position, bytes });
        self.recount();
    }

    /// Appends what `other` still has to write; large values stay shared.
    pub fn append(&mut self, mut other: Output) {
        if self.is_empty() && self.flat.capacity() < other.flat.capacity() {
            std::mem::swap(&mut self.tally, &mut other.tally);
            *self = other;
            return self.recount();
        }
        for chunk in other.chunks() {
            match chunk {
                Chunk::Flat(bytes) => self.push_raw(bytes),
                Chunk::Shared(bytes) => self.push_shared(bytes.clone()),
            }
        }
    }

    /// The flat memory with room for so many bytes more, for writers of this crate.
    #[inline]
    pub(super) fn flat(&mut self, more: usize) -> &mut Vec<u8> {
        if self.flat.capacity() - self.flat.len() < more {
            self.grow(more);
        }
        &mut self.flat
    }

    /// Grows twofold at least, to the end of an allocator's block.
    ///
    /// It is counted before it is taken: whoever compares the sum with the memory in use must not take
    /// a reply that grows for data, not even for a moment.
    #[cold]
    fn grow(&mut self, more: usize) {
        let wanted = (self.flat.len() + more).max(2 * self.flat.capacity());
        let wanted = self.tally.block_bytes(wanted);
        self.tally.put(wanted + self.shared_list_bytes());
        self.flat.reserve_exact(wanted - self.flat.len());
    }

    /// The end of what is there now.
    #[inline]
    pub fn mark(&self) -> Mark {
        Mark {
            flat: self.dropped.flat + self.flat.len(),
            shared: self.dropped.shared + self.shared.len(),
        }
    }

    /// Cuts off everything behind `mark`, as if it had not been written.
    ///
    /// Bytes already taken by [`advance`](Self::advance) stay taken.
    pub fn truncate_to(&mut self, mark: Mark) {
        let flat = mark
            .flat
            .saturating_sub(self.dropped.flat)
            .max(self.written);
        self.flat.truncate(flat);
        let kept = mark.shared.saturating_sub(self.dropped.shared);
        while self.shared.len() > kept {
            let cut = self.shared.pop_back();
            self.shared_bytes -= cut.map_or(0, |shared| shared.bytes.len());
        }
        self.recount();
    }

    /// How many bytes were put in behind `mark`.
    pub fn bytes_since(&self, mark: Mark) -> usize {
        let flat = mark.flat.saturating_sub(self.dropped.flat);
        let shared = mark.shared.saturating_sub(self.dropped.shared);
        let shared = self
            .shared
            .iter()
            .skip(shared)
            .map(|shared| shared.bytes.len());
        self.flat.len().saturating_sub(flat) + shared.sum::<usize>()
    }

    /// Puts bytes in at `mark`, in front of all that was appended since: the header of an
    /// aggregate whose length was not known. Moves what was appended since. Marks taken since
    /// do not hold any more.
    pub fn insert(&mut self, mark: Mark, bytes: &[u8]) {
        let at = mark.flat.saturating_sub(self.dropped.flat);
        let at = at.clamp(self.written, self.flat.len());
        self.flat(bytes.len()).splice(at..at, bytes.iter().copied());
        let since = mark.shared.saturating_sub(self.dropped.shared);
        for shared in self.shared.iter_mut().skip(since) {
            shared.position += bytes.len();
        }
    }

    /// The pieces to be written, in order.
    pub fn chunks(&self) -> Chunks<'_> {
        Chunks {
            output: self,
            flat: self.written,
            shared: 0,
        }
    }

    /// Appends the pieces to be written to `out`, for a vectored write.
    pub fn io_slices<'a>(&'a self, out: &mut impl Extend<IoSlice<'a>>) {
        out.extend(self.chunks().map(|chunk| IoSlice::new(chunk.as_slice())));
    }

    /// Takes `count` bytes off the front: they are written. More than there are take all.
    pub fn advance(&mut self, mut count: usize) {
        if count >= self.len_bytes() {
            return self.clear();
        }
        while count > 0 {
            let flat = self.flat_until_shared() - self.written;
            let taken = flat.min(count);
            self.written += taken;
            count -= taken;
            count -= self.advance_shared(count);
        }
        self.compact();
        self.recount();
    }

    /// Where in `flat` the first shared value goes; the end if there is none.
    fn flat_until_shared(&self) -> usize {
        let first = self.shared.front();
        first.map_or(self.flat.len(), |shared| {
            shared.position - self.dropped.flat
        })
    }

    /// Takes up to `count` bytes off the first shared value. Gives how many.
    fn advance_shared(&mut self, count: usize) -> usize {
        if count == 0 {
            return 0;
        }
        let Some(first) = self.shared.front_mut() else {
            return 0;
        };
        let taken = first.bytes.len().min(count);
        first.bytes.advance(taken);
        self.shared_bytes -= taken;
        if first.bytes.is_empty() {
            self.shared.pop_front();
            self.dropped.shared += 1;
        }
        taken
    }

    /// Gives up the written front once it is the larger part, so that a client that never reads
    /// everything does not hold what it has read.
    fn compact(&mut self) {
        if self.written > KEPT_BYTES && self.written > self.flat.len() / 2 {
            self.flat.drain(..self.written);
            self.dropped.flat += self.written;
            self.written = 0;
            self.flat.shrink_to(KEPT_BYTES.max(self.flat.len() * 2));
        }
    }
}

/// The pieces of an [`Output`], in order.
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    output: &'a Output,
    /// The next flat byte.
    flat: usize,
    /// The next shared value.
    shared: usize,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let output = self.output;
        let shared = output.shared.get(self.shared);
        let end = shared.map_or(output.flat.len(), |shared| {
            shared.position - output.dropped.flat
        });
        if self.flat < end {
            let start = std::mem::replace(&mut self.flat, end);
            return Some(Chunk::Flat(&output.flat[start..end]));
        }
        self.shared += 1;
        shared.map(|shared| Chunk::Shared(&shared.bytes))
    }
}

impl Buf for Output {
    fn remaining(&self) -> usize {
        self.len_bytes()
    }

    fn chunk(&self) -> &[u8] {
        self.chunks().next().map_or(&[], |chunk| chunk.as_slice())
    }

    fn chunks_vectored<'a>(&'a self, out: &mut [IoSlice<'a>]) -> usize {
        let slices = out.iter_mut().zip(self.chunks());
        slices
            .map(|(slice, chunk)| *slice = IoSlice::new(chunk.as_slice()))
            .count()
    }

    fn advance(&mut self, count: usize) {
        Output::advance(self, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a`, a shared value, `b`, a shared value, `c`.
    fn mixed() -> (Output, Vec<u8>) {
        let mut output = Output::new();
        let (first, second) = (
            vec![b'1'; SHARE_FROM_BYTES],
            vec![b'2'; SHARE_FROM_BYTES + 1],
        );
        output.push_raw(b"a");
        output.push_shared(first.clone().into());
        output.push_raw(b"b");
        output.push_shared(second.clone().into());
        output.push_raw(b"c");
        let bytes = [b"a", &first[..], b"b", &second, b"c"].concat();
        (output, bytes)
    }

    fn content(output: &Output) -> Vec<u8> {
        let mut slices = Vec::new();
        output.io_slices(&mut slices);
        joined(&slices)
    }

    fn joined(slices: &[IoSlice<'_>]) -> Vec<u8> {
        slices.iter().flat_map(|slice| slice.to_vec()).collect()
    }

    #[test]
    fn shared_values_lie_where_they_were_pushed() {
        let (output, bytes) = mixed();
        assert_eq!(output.chunks().count(), 5);
        assert_eq!(output.len_bytes(), bytes.len());
        assert_eq!(content(&output), bytes);
    }

    #[test]
    fn large_values_are_not_copied_and_small_ones_are() {
        let large = Bytes::from(vec![b'x'; SHARE_FROM_BYTES]);
        let mut output = Output::new();
        output.push_shared(large.clone());
        output.push_shared(large.slice(1..));
        let chunks: Vec<_> = output.chunks().collect();
        assert!(matches!(chunks[0], Chunk::Shared(bytes) if bytes.as_ptr() == large.as_ptr()));
        assert!(matches!(chunks[1], Chunk::Flat(bytes) if bytes.len() == SHARE_FROM_BYTES - 1));
    }

    #[test]
    fn advance_takes_any_number_of_bytes_off_the_front() {
        let (_, bytes) = mixed();
        for step in [1, 7, 1_000, SHARE_FROM_BYTES, SHARE_FROM_BYTES + 1, 40_000] {
            let (mut output, _) = mixed();
            let mut written = 0;
            while !output.is_empty() {
                let check = content(&output);
                assert_eq!(check, &bytes[written..], "step {step} at {written}");
                output.advance(step);
                // Comparing everything at every single byte would take too long.
                let skip = if step == 1 { 997 } else { 0 };
                output.advance(skip);
                written += step + skip;
            }
            assert!(written >= bytes.len());
        }
    }

    #[test]
    fn it_is_a_buffer_for_vectored_writes() {
        let (output, bytes) = mixed();
        let mut slices = [IoSlice::new(&[]); 3];
        assert_eq!(output.chunks_vectored(&mut slices), 3);
        assert_eq!(joined(&slices), &bytes[..SHARE_FROM_BYTES + 2]);
        assert_eq!(
            (output.remaining(), output.chunk()),
            (bytes.len(), &b"a"[..])
        );
        assert_eq!(Output::new().chunk(), b"");
    }

    #[test]
    fn what_was_written_since_a_mark_can_be_taken_back() {
        let (mut output, bytes) = mixed();
        let mark = output.mark();
        output.push_raw(b"half of ");
        output.push_shared(vec![b'x'; SHARE_FROM_BYTES].into());
        output.push_raw(b"a reply");
        assert_eq!(output.bytes_since(mark), SHARE_FROM_BYTES + 15);
        output.truncate_to(mark);
        assert_eq!(output.bytes_since(mark), 0);
        assert_eq!(content(&output), bytes);
    }

    #[test]
    fn a_mark_holds_while_what_is_before_it_is_written() {
        let (mut output, bytes) = mixed();
        output.push_raw(&[b'f'; 100_000]);
        let mark = output.mark();
        output.push_raw(b"tail");
        output.advance(bytes.len() + 90_000);
        output.truncate_to(mark);
        assert_eq!(content(&output), [b'f'; 10_000]);
        output.advance(10_000);
        output.push_raw(b"behind");
        output.insert(mark, b"put in ");
        assert_eq!(content(&output), b"put in behind");
        output.truncate_to(mark);
        assert!(output.is_empty());
    }

    #[test]
    fn bytes_can_be_put_in_at_a_mark() {
        let (mut output, bytes) = mixed();
        let mark = output.mark();
        let shared = vec![b'x'; SHARE_FROM_BYTES];
        output.push_shared(shared.clone().into());
        output.push_raw(b"end");
        output.insert(mark, b"*2\r\n");
        assert_eq!(
            content(&output),
            [&bytes[..], b"*2\r\n", &shared, b"end"].concat()
        );
    }

    #[test]
    fn append_keeps_order_and_sharing() {
        let (mut output, bytes) = mixed();
        let (mut other, _) = mixed();
        other.advance(10);
        output.append(other);
        assert_eq!(content(&output), [&bytes[..], &bytes[10..]].concat());
        // The rest of a value that is partly written is still large enough to be shared, or copied.
        let shared = output
            .chunks()
            .filter(|chunk| matches!(chunk, Chunk::Shared(_)));
        assert_eq!(shared.count(), 3);
        let mut empty = Output::new();
        empty.append(output);
        assert_eq!(empty.len_bytes(), 2 * bytes.len() - 10);
    }

    #[test]
    fn memory_comes_back_once_everything_is_written() {
        let mut output = Output::new();
        output.push_raw(&[0; 1_000_000]);
        assert!(output.memory_bytes() >= 1_000_000);
        output.advance(1_000_000);
        assert!(output.is_empty());
        assert!(output.memory_bytes() <= 20_000, "{}", output.memory_bytes());
    }

    #[test]
    fn the_sum_follows_what_outputs_hold_of_their_own() {
        static METER: Meter = Meter::new(usize::next_power_of_two);
        let sum = || METER.bytes();
        let (mut output, _) = mixed();
        output.count_in(&METER);
        output.count_in(&METER);
        assert_eq!(sum(), output.own_bytes());
        assert_eq!(
            output.memory_bytes() - output.own_bytes(),
            2 * SHARE_FROM_BYTES + 1
        );
        output.push_raw(&[0; 100_000]);
        assert_eq!(sum(), output.own_bytes());
        for _ in 0..1_000 {
            output.flat(1_000).extend_from_slice(&[0; 1_000]);
            assert_eq!(sum(), output.own_bytes());
        }
        let mark = output.mark();
        output.push_shared(vec![0; SHARE_FROM_BYTES].into());
        assert_eq!(sum(), output.own_bytes());
        output.truncate_to(mark);
        assert_eq!(sum(), output.own_bytes());
        output.advance(600_000);
        assert_eq!(sum(), output.own_bytes());
        let mut first = Output::new();
        first.count_in(&METER);
        first.append(output);
        assert_eq!(sum(), first.own_bytes());
        assert!(sum() > 500_000);
        first.clear();
        assert!(
            sum() <= KEPT_BYTES + KEPT_SHARED * size_of::<Shared>(),
            "{}",
            sum()
        );
        drop(first);
        assert_eq!(sum(), 0);
    }

    #[test]
    fn a_client_that_reads_slowly_does_not_hold_what_it_has_read() {
        let mut output = Output::new();
        for _ in 0..1_000 {
            output.push_raw(&[0; 10_000]);
            output.advance(9_990);
        }
        assert_eq!(output.len_bytes(), 10_000);
        assert!(
            output.memory_bytes() <= 100_000,
            "{}",
            output.memory_bytes()
        );
    }
}
