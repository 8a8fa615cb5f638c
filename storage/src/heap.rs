//! Where entry blocks come from.
#![expect(unsafe_code, reason = "memory is handed out by hand")]
use std::alloc::{Layout, alloc as take, dealloc, handle_alloc_error};
use std::ptr::NonNull;

pub(crate) fn alloc(size: usize) -> NonNull<u8> {
    let layout = layout(size);
    // SAFETY: the size is not zero.
    NonNull::new(unsafe { take(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}
pub(crate) unsafe fn free(block: NonNull<u8>, size: usize) {
    // SAFETY: see above.
    unsafe { dealloc(block.as_ptr(), layout(size)) }
}
fn layout(size: usize) -> Layout {
    Layout::from_size_align(class_bytes(size), 8).expect("small")
}
pub(crate) fn class_bytes(size: usize) -> usize {
    if size <= 128 {
        (size + 7) & !7
    } else {
        crate::memory::class_bytes(size)
    }
}
