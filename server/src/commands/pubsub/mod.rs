//! Publish and subscribe.

mod channels;
mod publish;
mod subscribe;

use crate::command::Command;
use crate::spec::{Group, Spec};

/// The family.
pub const COMMANDS: &[Command] = &[
    subscribe::PSUBSCRIBE,
    publish::PUBLISH,
    channels::PUBSUB,
    subscribe::PUNSUBSCRIBE,
    publish::SPUBLISH,
    subscribe::SSUBSCRIBE,
    subscribe::SUBSCRIBE,
    subscribe::SUNSUBSCRIBE,
    subscribe::UNSUBSCRIBE,
];

const BASE: Spec = Spec {
    group: Group::Pubsub,
    ..Spec::EMPTY
};
