//! What a command puts into the log, if not its own words.

use storage::aof::record;

/// Records that take the place of the request.
///
/// By default a command that changed something is logged as it was sent. A handler replaces that where
/// replaying the request would give something else: relative times, random choices, options
/// that Redis does not know.
#[derive(Debug, Default)]
pub struct Effects {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    is_replaced: bool,
}

impl Effects {
    /// Logs these words instead of the request. Called again, adds a record.
    pub fn replace<W: AsRef<[u8]>>(&mut self, words: impl IntoIterator<Item = W>) {
        self.is_replaced = true;
        let words: Vec<W> = words.into_iter().collect();
        protocol::encode_request(words.iter().map(AsRef::as_ref), &mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// Logs nothing of the request: what [`Effects::replace`] is given stands alone, if there is any.
    pub fn forget_request(&mut self) {
        self.is_replaced = true;
    }

    /// Logs words that only this server understands, in lines that Redis skips.
    pub fn annotate<W: AsRef<[u8]>>(&mut self, words: impl IntoIterator<Item = W>) {
        self.is_replaced = true;
        let words: Vec<W> = words.into_iter().collect();
        record::write_annotation(words.iter().map(AsRef::as_ref), &mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// Lets the next [`Effects::replace`] and what was annotated before it be one record.
    pub fn join_next(&mut self) {
        self.ends.pop();
    }

    /// Whether the request itself is not to be logged.
    pub fn is_replaced(&self) -> bool {
        self.is_replaced
    }

    /// The records.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let spans: Vec<(usize, usize)> = starts.zip(self.ends.iter().copied()).collect();
        spans
            .into_iter()
            .map(|(start, end)| &self.bytes[start..end])
    }

    /// Forgets everything, for the next command.
    pub fn clear(&mut self) {
        if self.is_replaced {
            *self = Effects::default();
        }
    }
}
