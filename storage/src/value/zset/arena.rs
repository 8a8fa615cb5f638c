//! Numbered places for the nodes of a tree.
//!
//! Places come in chunks, so that no step depends on how many there are, and a chunk without a node
//! gives its memory back.

use crate::memory::class_bytes;

const CHUNK: usize = 64;

/// Nodes by number. A number is that of another node once its own has been removed.
#[derive(Clone, Debug)]
pub(super) struct Arena<T> {
    chunks: Vec<Chunk<T>>,
    /// Chunks that have room, each once.
    open: Vec<u32>,
    chunk_bytes: usize,
}

#[derive(Clone, Debug)]
struct Chunk<T> {
    nodes: Vec<Option<T>>,
    /// A bit for each place that is taken.
    taken: u64,
    is_open: bool,
}

impl<T> Chunk<T> {
    fn bytes(&self) -> usize {
        class_bytes(self.nodes.capacity() * size_of::<Option<T>>())
    }
}

impl<T> Default for Arena<T> {
    fn default() -> Arena<T> {
        Arena {
            chunks: Vec::new(),
            open: Vec::new(),
            chunk_bytes: 0,
        }
    }
}

impl<T> Arena<T> {
    /// Bytes of the places, in allocator classes; what nodes hold themselves is not counted.
    pub(super) fn heap_bytes(&self) -> usize {
        self.chunk_bytes
            + class_bytes(self.chunks.capacity() * size_of::<Chunk<T>>())
            + class_bytes(self.open.capacity() * size_of::<u32>())
    }

    /// Adds a node; gives its number.
    pub(super) fn add(&mut self, node: T) -> u32 {
        let number = self.open_chunk();
        let chunk = &mut self.chunks[number as usize];
        let place = chunk.taken.trailing_ones() as usize;
        let before = chunk.bytes();
        if place == chunk.nodes.len() {
            chunk.nodes.push(Some(node));
        } else {
            chunk.nodes[place] = Some(node);
        }
        chunk.taken |= 1 << place;
        self.chunk_bytes += chunk.bytes() - before;
        if chunk.taken == u64::MAX {
            chunk.is_open = false;
            self.open.pop();
        }
        number * CHUNK as u32 + place as u32
    }

    /// The last of the chunks that have room.
    fn open_chunk(&mut self) -> u32 {
        if let Some(&last) = self.open.last() {
            return last;
        }
        let number = self.chunks.len() as u32;
        self.chunks.push(Chunk {
            nodes: Vec::new(),
            taken: 0,
            is_open: true,
        });
        self.open.push(number);
        number
    }

    /// Takes a node out.
    pub(super) fn remove(&mut self, at: u32) -> T {
        let (number, place) = (at as usize / CHUNK, at as usize % CHUNK);
        let chunk = &mut self.chunks[number];
        let node = chunk.nodes[place]
            .take()
            .expect("a number names a node until that is removed");
        chunk.taken &= !(1 << place);
        if chunk.taken == 0 {
            self.chunk_bytes -= chunk.bytes();
            chunk.nodes = Vec::new();
        }
        if !chunk.is_open {
            chunk.is_open = true;
            self.open.push(number as u32);
        }
        node
    }

    #[inline]
    pub(super) fn get(&self, at: u32) -> &T {
        self.chunks[at as usize / CHUNK].nodes[at as usize % CHUNK]
            .as_ref()
            .expect("a number names a node until that is removed")
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> &mut T {
        self.chunks[at as usize / CHUNK].nodes[at as usize % CHUNK]
            .as_mut()
            .expect("a number names a node until that is removed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_nodes_and_empty_chunks_are_freed() {
        let mut arena = Arena::default();
        let numbers: Vec<u32> = (0..1000u64).map(|node| arena.add(Box::new(node))).collect();
        let full = arena.chunk_bytes;
        for &at in numbers.iter().filter(|&&at| at % 100 != 7) {
            assert_eq!(*arena.remove(at), u64::from(at));
        }
        assert!(arena.chunk_bytes < full);
        assert_eq!(**arena.get(107), 107);
        **arena.get_mut(207) = 0;
        let again: Vec<u32> = (0..2000u64).map(|node| arena.add(Box::new(node))).collect();
        for (node, &at) in again.iter().enumerate() {
            assert_eq!(**arena.get(at), node as u64);
        }
        assert_eq!((**arena.get(107), **arena.get(207)), (107, 0));
        let counted: usize = arena.chunks.iter().map(Chunk::bytes).sum();
        assert_eq!(arena.chunk_bytes, counted);
    }
}
