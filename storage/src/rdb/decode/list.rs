//! Lists.

use super::super::error::Error;
use super::super::format::{container, kind};
use super::super::input::Input;
use super::{listpack, ziplist};
use crate::value::list::{End, Node};
use crate::value::{Limits, List, Listpack};

/// Reads a list.
pub(super) fn read(kind: u8, input: &mut Input<'_>, limits: &Limits) -> Result<List, Error> {
    let mut list = List::of_nodes(limits);
    match kind {
        kind::LIST => {
            for _ in 0..input.count()? {
                let push = |element: &[u8]| list.push(End::Tail, element, limits);
                input.string()?.with_bytes(push);
            }
        }
        kind::LIST_ZIPLIST => append(&mut list, ziplist::read(&input.blob()?)?, limits),
        kind::LIST_QUICKLIST => {
            for _ in 0..input.count()? {
                append(&mut list, ziplist::read(&input.blob()?)?, limits);
            }
        }
        _ => {
            for _ in 0..input.count()? {
                append_node(&mut list, input, limits)?;
            }
        }
    }
    if list.is_empty() {
        return Err(Error::Empty);
    }
    list.fit(limits);
    Ok(list)
}

fn append_node(list: &mut List, input: &mut Input<'_>, limits: &Limits) -> Result<(), Error> {
    match input.length()? {
        container::PACKED => append(list, listpack(input)?, limits),
        container::PLAIN => {
            let element = input.blob()?;
            if element.is_empty() {
                return Err(Error::Malformed("Empty plain node in a list"));
            }
            list.append_node(Node::Plain(element.into()), limits);
        }
        _ => return Err(Error::Malformed("Quicklist integrity check failed.")),
    }
    Ok(())
}

/// Adds a node, or nothing if it is empty, as Redis passes over it.
fn append(list: &mut List, elements: Listpack, limits: &Limits) {
    list.append_node(Node::packed(elements), limits);
}
