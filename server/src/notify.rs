//! Keyspace notifications: what happened to keys, as messages on channels.
//!
//! They are published while the shards of the keys are still locked, so that those about a key come in the order
//! of its changes, and before the reply of the command that they are about.

use storage::db::{Event, Listeners};

use crate::config::KeyspaceEvents;

/// Which events are to be collected for `notify-keyspace-events`.
#[inline]
pub fn listeners(wanted: KeyspaceEvents) -> Listeners {
    if !wanted.intersects(CHANNELS) {
        return Listeners::default();
    }
    Listeners {
        of_changes: wanted.intersects(KeyspaceEvents::ALL),
        of_creations: wanted.contains(KeyspaceEvents::NEW),
        of_misses: wanted.contains(KeyspaceEvents::KEY_MISS),
        has_copies: false,
    }
}

const CHANNELS: KeyspaceEvents = KeyspaceEvents::KEYSPACE.union(KeyspaceEvents::KEYEVENT);

/// Hands the messages about an event to `publish`, as (channel, message): first to the channel of the key,
/// then to that of the event.
pub fn messages(
    wanted: KeyspaceEvents,
    db: usize,
    event: Event,
    key: &[u8],
    mut publish: impl FnMut(&[u8], &[u8]),
) {
    if !wanted.intersects(class(event)) {
        return;
    }
    let name = event.name.as_bytes();
    if wanted.contains(KeyspaceEvents::KEYSPACE) {
        publish(&channel("__keyspace@", db, key), name);
    }
    if wanted.contains(KeyspaceEvents::KEYEVENT) {
        publish(&channel("__keyevent@", db, name), key);
    }
}

fn channel(prefix: &str, db: usize, name: &[u8]) -> Vec<u8> {
    let mut channel = format!("{prefix}{db}__:").into_bytes();
    channel.extend_from_slice(name);
    channel
}

/// The flag of an event's class.
fn class(event: Event) -> KeyspaceEvents {
    match event.class {
        b'g' => KeyspaceEvents::GENERIC,
        b'$' => KeyspaceEvents::STRING,
        b'l' => KeyspaceEvents::LIST,
        b's' => KeyspaceEvents::SET,
        b'h' => KeyspaceEvents::HASH,
        b'z' => KeyspaceEvents::ZSET,
        b'x' => KeyspaceEvents::EXPIRED,
        b'e' => KeyspaceEvents::EVICTED,
        b't' => KeyspaceEvents::STREAM,
        b'm' => KeyspaceEvents::KEY_MISS,
        b'n' => KeyspaceEvents::NEW,
        _ => KeyspaceEvents::empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(wanted: KeyspaceEvents, event: Event) -> Vec<String> {
        let mut said = Vec::new();
        messages(wanted, 3, event, b"k", |channel, message| {
            let texts = [channel, message].map(String::from_utf8_lossy);
            said.push(texts.join(" "));
        });
        said
    }

    #[test]
    fn an_event_goes_to_the_channels_that_are_wanted() {
        let all = KeyspaceEvents::all();
        let both = ["__keyspace@3__:k del", "__keyevent@3__:del k"];
        assert_eq!(said(all, Event::DEL), both);
        assert_eq!(said(all - KeyspaceEvents::KEYEVENT, Event::DEL), both[..1]);
        assert_eq!(said(all - KeyspaceEvents::KEYSPACE, Event::DEL), both[1..]);
        assert!(said(all - KeyspaceEvents::GENERIC, Event::DEL).is_empty());
        assert!(said(all, Event::UNSAID).is_empty());
    }

    #[test]
    fn nothing_is_collected_without_a_channel() {
        let events = KeyspaceEvents::all() - CHANNELS;
        assert_eq!(listeners(events), Listeners::default());
        assert_eq!(listeners(CHANNELS), Listeners::default());
        let created = listeners(KeyspaceEvents::NEW | KeyspaceEvents::KEYEVENT);
        assert!(created.of_creations && !created.of_changes && !created.of_misses);
    }
}
