//! One set of permissions: commands, and the keys and channels they may name.

use protocol::Args;

use super::allowed::Allowed;
use super::catalogue::Catalogue;
use super::patterns::{Access, Channels, Keys, Naming, Patterns};
use super::rule::{Basis, RuleError, c_text, has_space};
use crate::command::table::Entry;
use crate::spec::{self, Flags, KeyPositions};

/// What is allowed together.
#[derive(Clone, Debug)]
pub struct Selector {
    /// Commands.
    pub commands: Allowed,
    /// Keys they may name.
    pub keys: Keys,
    /// Channels they may name.
    pub channels: Channels,
}

/// Why a request is not allowed, the graver the further down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The command is not.
    Command,
    /// A key is not, or not to be used so.
    Key,
    /// A name and password that do not go together.
    Auth,
    /// A channel is not.
    Channel,
}

/// What of a request is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denied {
    /// Why.
    pub reason: Reason,
    /// The argument that is the key or channel.
    pub index: usize,
}

impl Denied {
    /// The command itself.
    pub const COMMAND: Denied = Denied {
        reason: Reason::Command,
        index: 0,
    };
}

/// A request, as far as selectors ask for it.
pub struct Asked<'a> {
    entry: &'a Entry,
    args: Args<'a>,
    /// Its keys, once a selector has asked.
    keys: Option<KeyPositions>,
}

impl<'a> Asked<'a> {
    /// A request.
    pub fn new(entry: &'a Entry, args: &Args<'a>) -> Asked<'a> {
        Asked {
            entry,
            args: *args,
            keys: None,
        }
    }

    /// A request whose keys cannot be found has none: its handler will refuse it.
    fn keys(&mut self) -> &KeyPositions {
        let spec = &self.entry.command.spec;
        self.keys
            .get_or_insert_with(|| spec.keys_of(self.args).unwrap_or_default())
    }
}

impl Selector {
    /// One that allows nothing, but for the channels that users are given from the start.
    pub fn new(basis: &Basis<'_>) -> Selector {
        Selector {
            commands: Allowed::nothing(basis.catalogue),
            keys: Keys::NONE,
            channels: match basis.gives_all_channels {
                true => Patterns::All,
                false => Patterns::NONE,
            },
        }
    }

    /// Whether it allows everything.
    pub fn is_everything(&self) -> bool {
        self.commands.is_everything() && self.keys.is_all() && self.channels.is_all()
    }

    /// Whether it allows a request.
    pub fn check(&self, asked: &mut Asked<'_>) -> Result<(), Denied> {
        let (entry, args) = (asked.entry, asked.args);
        if !entry.flags().contains(Flags::NO_AUTH) && !self.commands.allows(entry.id, args.get(1)) {
            return Err(Denied::COMMAND);
        }
        if !self.keys.is_all() && entry.command.spec.has_keys() {
            self.check_keys(args, asked.keys())?;
        }
        if !self.channels.is_all() && entry.flags().contains(Flags::PUBSUB) {
            self.check_channels(entry, args)?;
        }
        Ok(())
    }

    fn check_keys(&self, args: Args<'_>, keys: &KeyPositions) -> Result<(), Denied> {
        let is_denied = |key: &&spec::keys::KeyPosition| {
            let name = args.get(key.index).unwrap_or_default();
            !self.keys.allow(name, Access::needed(key.flags))
        };
        match keys.iter().find(is_denied) {
            Some(key) => Err(Denied {
                reason: Reason::Key,
                index: key.index,
            }),
            None => Ok(()),
        }
    }

    fn check_channels(&self, entry: &Entry, args: Args<'_>) -> Result<(), Denied> {
        let (naming, count) = match entry.full_name.as_str() {
            "publish" | "spublish" => (Naming::Literal, 1),
            "subscribe" | "ssubscribe" => (Naming::Literal, usize::MAX),
            "psubscribe" => (Naming::Pattern, usize::MAX),
            // Whoever has subscribed may go.
            _ => return Ok(()),
        };
        let named = args.iter().enumerate().skip(1).take(count);
        for (index, channel) in named {
            if !self.channels.allow(channel, naming) {
                let reason = Reason::Channel;
                return Err(Denied { reason, index });
            }
        }
        Ok(())
    }

    /// Changes it as a rule says.
    ///
    /// # Errors
    /// If the rule is none, or makes no sense here; then nothing has changed.
    pub fn apply(&mut self, rule: &[u8], catalogue: &Catalogue) -> Result<(), RuleError> {
        match c_text(rule).to_ascii_lowercase().as_slice() {
            b"allkeys" | b"~*" => self.keys = Patterns::All,
            b"resetkeys" => self.keys = Patterns::NONE,
            b"allchannels" | b"&*" => self.channels = Patterns::All,
            b"resetchannels" => self.channels = Patterns::NONE,
            b"allcommands" | b"+@all" => self.commands.set_all(true),
            b"nocommands" | b"-@all" => self.commands.set_all(false),
            [b'~', ..] => self.add_keys(&rule[1..], Access::all())?,
            [b'%', ..] => {
                let keys = restricted(&rule[1..]);
                // Redis says first that it makes no sense, and then that it is no rule.
                let (access, pattern) = keys.unwrap_or((Access::all(), b" "));
                self.add_keys(pattern, access)?;
            }
            [b'&', ..] => self.add_channels(&rule[1..])?,
            [b'+', name @ ..] => self.set_commands(name, true, catalogue)?,
            [b'-', name @ ..] => self.set_commands(name, false, catalogue)?,
            _ => return Err(RuleError::Syntax),
        }
        Ok(())
    }

    fn add_keys(&mut self, pattern: &[u8], access: Access) -> Result<(), RuleError> {
        if self.keys.is_all() {
            return Err(RuleError::KeysAfterAll);
        }
        if has_space(pattern) {
            return Err(RuleError::Syntax);
        }
        self.keys.add(pattern, access);
        Ok(())
    }

    fn add_channels(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        if self.channels.is_all() {
            return Err(RuleError::ChannelsAfterAll);
        }
        if has_space(pattern) {
            return Err(RuleError::Syntax);
        }
        self.channels.add(pattern);
        Ok(())
    }

    /// `+get`, `-config|get`, `+select|0`, `-@read`: `name` is in lower case.
    fn set_commands(
        &mut self,
        name: &[u8],
        is_allowed: bool,
        catalogue: &Catalogue,
    ) -> Result<(), RuleError> {
        if let [b'@', category @ ..] = name {
            let category = spec::Acl::named(category).ok_or(RuleError::Unknown)?;
            let commands = catalogue.of_category(category);
            self.commands
                .set_category(catalogue, name, commands, is_allowed);
            return Ok(());
        }
        if let Some(id) = catalogue.find(name) {
            self.commands.set(catalogue, id, is_allowed);
            return Ok(());
        }
        let bar = name.iter().rposition(|&byte| byte == b'|');
        match bar.map(|bar| (&name[..bar], &name[bar + 1..])) {
            Some((command, first)) if is_allowed => self.allow_first(command, first, catalogue),
            _ => Err(RuleError::Unknown),
        }
    }

    /// `+select|0`
    fn allow_first(
        &mut self,
        command: &[u8],
        first: &[u8],
        catalogue: &Catalogue,
    ) -> Result<(), RuleError> {
        let id = catalogue.find(command).ok_or(RuleError::Unknown)?;
        if catalogue.is_subcommand(id) {
            return Err(RuleError::FirstArgOfSubcommand);
        }
        if !first.is_empty() && !catalogue.subcommands(id).is_empty() {
            return Err(RuleError::Unknown);
        }
        // A space would end the rule where it is read again (7.4.1 takes it, and crashes when it prints it).
        if first.is_empty() || has_space(first) {
            return Err(RuleError::Syntax);
        }
        tracing::warn!(
            "Deprecation warning: Allowing a first arg of an otherwise blocked command is a misuse of \
             ACL and may get disabled in the future (offender: +{}|{})",
            catalogue.name(id),
            String::from_utf8_lossy(first)
        );
        self.commands.allow_first_arg(catalogue, id, first);
        Ok(())
    }

    /// As `ACL LIST` prints it: `~* resetchannels -@all +get`.
    pub fn describe(&self) -> Vec<u8> {
        let mut text = self.keys.describe();
        if !text.is_empty() {
            text.push(b' ');
        }
        if !self.channels.is_all() {
            text.extend_from_slice(b"resetchannels ");
        }
        let channels = self.channels.describe();
        text.extend_from_slice(&channels);
        if !channels.is_empty() {
            text.push(b' ');
        }
        text.extend_from_slice(&self.commands.describe());
        text
    }
}

/// `%RW~pattern` behind its percent sign; `None` if it says neither or something twice.
///
/// As in Redis the pattern may be missing with its tilde. That it says nothing at all (`%~pattern`) is
/// refused from 7.4.2 on; 7.4.1 crashes when it prints such a rule.
fn restricted(rule: &[u8]) -> Option<(Access, &[u8])> {
    let end = rule.iter().position(|&byte| byte == b'~');
    let (letters, pattern) = match end {
        Some(end) => (&rule[..end], &rule[end + 1..]),
        None => (rule, &[][..]),
    };
    let mut access = Access::empty();
    for letter in letters {
        let new = match letter.to_ascii_uppercase() {
            b'R' => Access::READ,
            b'W' => Access::WRITE,
            _ => return None,
        };
        if access.contains(new) {
            return None;
        }
        access |= new;
    }
    (!access.is_empty()).then_some((access, pattern))
}
