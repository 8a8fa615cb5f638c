//! Lists: node by node.

use super::Rest;
use crate::rdb::draft::Draft;
use crate::rdb::format::container;
use crate::value::List;
use crate::value::list::Node;

pub(super) fn begin(list: &List, out: &mut Draft) -> Option<Rest> {
    if let Some(packed) = list.as_listpack() {
        out.count(1);
        out.length(container::PACKED);
        out.text(packed.as_bytes());
        return None;
    }
    out.count(list.nodes().len());
    Some(Rest::Nodes(0))
}

pub(super) fn go_on(list: &List, from: usize, full: usize, out: &mut Draft) -> Option<Rest> {
    let nodes = list.nodes();
    let count = nodes.len();
    for (at, node) in nodes.enumerate().skip(from) {
        write(node, out);
        if out.bytes.len() >= full && at + 1 < count {
            return Some(Rest::Nodes(at + 1));
        }
    }
    None
}

fn write(node: &Node, out: &mut Draft) {
    out.length(match node.is_plain() {
        true => container::PLAIN,
        false => container::PACKED,
    });
    match node {
        Node::Packed { listpack, .. } => out.text(listpack.as_bytes()),
        Node::Plain(element) => out.text(element),
        Node::Squeezed {
            size_bytes, lzf, ..
        } => out.compressed(lzf, *size_bytes as usize),
    }
}
