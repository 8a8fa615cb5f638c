//! Bytes of a connection that have been read and not executed.

use protocol::Tally;

/// What is left of reads: half requests, and what waits behind a command that waits.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// How many bytes at the front are done with.
    done: usize,
    tally: Tally,
}

impl Inbox {
    /// Nothing yet; memory will be counted there.
    pub fn new(tally: Tally) -> Inbox {
        Inbox {
            tally,
            ..Inbox::default()
        }
    }

    /// What is to be executed.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(self.done..).unwrap_or_default()
    }

    /// How many bytes that is.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.done
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory held beyond that.
    pub fn free_bytes(&self) -> usize {
        self.memory_bytes() - self.len()
    }

    fn memory_bytes(&self) -> usize {
        self.tally.block_bytes(self.bytes.capacity())
    }

    fn count(&mut self) {
        self.tally.put(self.memory_bytes());
    }

    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.count();
    }

    /// Where more bytes are to be read to, with room for `least`, and for the rest of a word of which `missing`
    /// bytes have not come.
    ///
    /// Room grows with what has arrived, not with what was announced: twofold at most, so that reading
    /// a long word costs a copy of each byte on average, and a client that announces 512 MB and sends
    /// nothing costs nothing.
    pub fn room(&mut self, least: usize, missing: usize) -> &mut Vec<u8> {
        let wanted = missing.min(self.len()).max(least);
        if self.bytes.capacity() - self.bytes.len() < wanted.min(least / 2).max(1) {
            // Counted before it is taken, as replies are: it is no data, not even for a moment.
            let coming = self.bytes.len() + wanted;
            self.tally.put(self.tally.block_bytes(coming));
            self.bytes.reserve_exact(wanted);
            self.count();
        }
        &mut self.bytes
    }

    /// Takes bytes off the front. Memory goes back once nothing is left, and what is done with is given
    /// up once it is the larger part: so each byte is moved once on average, however small the steps.
    pub fn consume(&mut self, count: usize) {
        self.done += count;
        if self.done >= self.bytes.len() {
            (self.bytes, self.done) = (Vec::new(), 0);
        } else if self.done > self.bytes.len() / 2 {
            self.bytes.drain(..self.done);
            self.done = 0;
            self.bytes.shrink_to(2 * self.bytes.len());
        }
        self.count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_the_order_they_went_in() {
        let all: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
        let mut inbox = Inbox::default();
        let mut seen = Vec::new();
        for chunk in all.chunks(37) {
            inbox.push(chunk);
            let take = inbox.len().min(31);
            seen.extend_from_slice(&inbox.as_slice()[..take]);
            inbox.consume(take);
        }
        seen.extend_from_slice(inbox.as_slice());
        assert!(seen == all);
    }

    #[test]
    fn nothing_is_held_once_everything_is_done() {
        let mut inbox = Inbox::default();
        inbox.push(&[0; 1_000_000]);
        inbox.consume(999_999);
        assert_eq!(inbox.as_slice(), [0]);
        assert!(inbox.free_bytes() < 10);
        inbox.consume(1);
        assert_eq!((inbox.len(), inbox.free_bytes()), (0, 0));
    }

    #[test]
    fn room_grows_with_what_has_come() {
        let mut inbox = Inbox::default();
        inbox.push(b"*1\r\n$536870912\r\n");
        let room = inbox.room(64 * 1024, 512 * 1024 * 1024);
        assert!(room.capacity() < 200 * 1024, "{}", room.capacity());
        inbox.push(&vec![0; 10_000_000]);
        let room = inbox.room(64 * 1024, 500 * 1024 * 1024);
        assert!(room.capacity() < 25_000_000, "{}", room.capacity());
    }
}
