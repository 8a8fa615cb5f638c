//! The grammar of [`Spec::usage`](super::Spec::usage): one line from which the arity of a command
//! follows, and the `arguments` of `COMMAND DOCS`.
//!
//! ```text
//! key value [condition(NX|XX)@2.6.12] [GET@6.2.0] [expiration(EX seconds:integer@2.6.12 | …)]
//! ```
//!
//! Arguments are separated by spaces, and each is one of
//!
//! | written | is |
//! |---|---|
//! | `name` | a string; `key` alone is a key, found by key spec 0 |
//! | `name:type` | `string`, `integer`, `double`, `pattern`, `unix-time` or `key` |
//! | `name:key#1` | with the index of its key spec (`key` alone means `key#0`) |
//! | `TOKEN` | the literal word, a pure token; it is named by its lower case |
//! | `name=TOKEN` | a pure token of another name (`""` is the empty word) |
//! | `TOKEN name:type` | a value after its word |
//! | `name(a b)` | a block: `a`, then `b` |
//! | `name(a\|b)` | one of them |
//! | `TOKEN name(a b)` | a block, or one of several, after its word |
//! | `TOKEN(a b)` | the same, named by the token's lower case |
//! | `[argument]` | an optional argument |
//!
//! and may carry, in this order, what differs from the usual: `<text>` the text to display instead of
//! the name (before the type), `...` it repeats, `@1.2.3` since that version, `!1.2.3` deprecated
//! since that version. `[TOKEN name]...` repeats together with its token, `[TOKEN name...]` without.
//! An upper-case word takes the name after it as its value; a pure token that stands before another
//! argument is written `name=TOKEN`.
//!
//! The arity is the number of words of the shortest request, negative if longer ones exist. Where
//! Redis declares another one than its own documentation implies, `arity -2;` in front says so.
//!
//! Parsing allocates nothing, and nested arguments are only scanned over until they are asked for.

use std::borrow::Cow;

/// Type of an argument, in the words of `COMMAND DOCS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Any bytes.
    String,
    /// A 64-bit integer.
    Integer,
    /// A floating-point number.
    Double,
    /// The name of a key.
    Key,
    /// A glob-style pattern.
    Pattern,
    /// A point in time, in seconds or milliseconds since 1970.
    UnixTime,
    /// A literal word.
    PureToken,
    /// One of the nested arguments.
    OneOf,
    /// All of the nested arguments, in order.
    Block,
}

impl Type {
    /// As `COMMAND DOCS` names it.
    pub fn name(self) -> &'static str {
        match self {
            Type::String => "string",
            Type::Integer => "integer",
            Type::Double => "double",
            Type::Key => "key",
            Type::Pattern => "pattern",
            Type::UnixTime => "unix-time",
            Type::PureToken => "pure-token",
            Type::OneOf => "oneof",
            Type::Block => "block",
        }
    }

    /// The type of a value; tokens and groups are told by their form.
    fn of_value(name: &str) -> Option<Type> {
        [
            Type::String,
            Type::Integer,
            Type::Double,
            Type::Key,
            Type::Pattern,
            Type::UnixTime,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }
}

/// How often an argument stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Once.
    Once,
    /// Any number of times, after one token if it has one (`multiple`).
    Many,
    /// Any number of times, each after the token (`multiple_token`).
    WithToken,
}

/// One argument of a usage line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    word: &'static str,
    nested: &'static str,
    display: Option<&'static str>,
    /// What it is.
    pub kind: Type,
    /// Index of the key spec that finds it.
    pub key_spec: Option<usize>,
    /// The word before the value, or the pure token itself.
    pub token: Option<&'static str>,
    /// First version that has it, if later than the command.
    pub since: Option<&'static str>,
    /// First version that advises against it.
    pub deprecated_since: Option<&'static str>,
    /// May be left out.
    pub is_optional: bool,
    /// May stand several times.
    pub repeats: Repeats,
}

impl Argument {
    /// Its name, in lower case.
    pub fn name(&self) -> Cow<'static, str> {
        if self.word.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(self.word.to_ascii_lowercase())
        } else {
            Cow::Borrowed(self.word)
        }
    }

    /// The text that stands for it in a synopsis; groups have none.
    pub fn display_text(&self) -> Option<Cow<'static, str>> {
        match self.kind {
            Type::OneOf | Type::Block => None,
            _ => Some(self.display.map_or_else(|| self.name(), Cow::Borrowed)),
        }
    }

    /// What the group consists of, or its alternatives; nothing if it is no group.
    pub fn arguments(&self) -> Arguments {
        Arguments { rest: self.nested }
    }

    /// How many words it takes at least, and whether it may take more.
    fn width(&self) -> Width {
        let inner = match self.kind {
            Type::Block => Width::of_sequence(self.arguments()),
            Type::OneOf => Width::of_alternatives(self.arguments()),
            Type::PureToken => Width {
                min: 0,
                fixed: true,
            },
            _ => Width {
                min: 1,
                fixed: true,
            },
        };
        Width {
            min: if self.is_optional {
                0
            } else {
                inner.min + i32::from(self.token.is_some())
            },
            fixed: inner.fixed && !self.is_optional && self.repeats == Repeats::Once,
        }
    }
}

/// The arguments of a usage line.
pub fn arguments(usage: &'static str) -> Arguments {
    Arguments {
        rest: split_arity(usage).1,
    }
}

/// The arity of a command in Redis' sense: how many words its requests have, `words_in_name` of them
/// its name (2 for subcommands); negative if they may have more.
pub fn arity(usage: &'static str, words_in_name: usize) -> i32 {
    if let (Some(declared), _) = split_arity(usage) {
        return declared;
    }
    let width = Width::of_sequence(arguments(usage));
    let words = width.min + i32::try_from(words_in_name).unwrap_or(i32::MAX);
    if width.fixed { words } else { -words }
}

/// Splits `arity -2; key …` into the number and the rest.
fn split_arity(usage: &'static str) -> (Option<i32>, &'static str) {
    let declared = usage.strip_prefix("arity ").and_then(|rest| {
        let (number, rest) = rest.split_once(';')?;
        Some((number.parse().ok()?, rest))
    });
    match declared {
        Some((number, rest)) => (Some(number), rest),
        None => (None, usage),
    }
}

/// Number of words that arguments take.
#[derive(Clone, Copy)]
struct Width {
    min: i32,
    fixed: bool,
}

impl Width {
    fn of_sequence(arguments: Arguments) -> Width {
        arguments.map(|argument| argument.width()).fold(
            Width {
                min: 0,
                fixed: true,
            },
            |sum, width| Width {
                min: sum.min + width.min,
                fixed: sum.fixed && width.fixed,
            },
        )
    }

    fn of_alternatives(arguments: Arguments) -> Width {
        arguments
            .map(|argument| argument.width())
            .reduce(|least, width| Width {
                min: least.min.min(width.min),
                fixed: least.fixed && width.fixed && least.min == width.min,
            })
            .unwrap_or(Width {
                min: 0,
                fixed: true,
            })
    }
}

/// Iterator over arguments that stand beside each other.
#[derive(Clone, Debug)]
pub struct Arguments {
    rest: &'static str,
}

impl Iterator for Arguments {
    type Item = Argument;

    fn next(&mut self) -> Option<Argument> {
        self.rest = self.rest.trim_start_matches([' ', '|']);
        if let Some(rest) = self.rest.strip_prefix('[') {
            let (inside, rest) = split_closed(rest);
            self.rest = rest;
            return Some(self.finish_optional(Arguments { rest: inside }.next()?));
        }
        if self.rest.is_empty() {
            return None;
        }
        let first = self.word();
        let argument = parse_word(first);
        if argument.word.len() < first.len() || argument.kind != Type::PureToken {
            return Some(argument);
        }
        let after = self.rest.trim_start_matches(' ');
        if !after.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Some(argument);
        }
        self.rest = after;
        Some(Argument {
            token: Some(first),
            ..parse_word(self.word())
        })
    }
}

impl Arguments {
    /// Takes the characters up to a space or bar outside of parentheses.
    fn word(&mut self) -> &'static str {
        let mut depth = 0usize;
        let end = self.rest.bytes().position(|byte| {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && matches!(byte, b' ' | b'|')
        });
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    /// Applies what the brackets and the dots behind them mean.
    fn finish_optional(&mut self, argument: Argument) -> Argument {
        let mut argument = Argument {
            is_optional: true,
            ..argument
        };
        if let Some(rest) = self.rest.strip_prefix("...") {
            self.rest = rest;
            argument.repeats = Repeats::WithToken;
        }
        argument
    }
}

/// Splits at the bracket or parenthesis that closes the one already read.
fn split_closed(text: &'static str) -> (&'static str, &'static str) {
    let mut depth = 1usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[..at], &text[at + 1..]);
        }
    }
    (text, "")
}

/// Splits before the first of the bytes `ends`, which are ASCII.
fn split_before(text: &'static str, ends: &[u8]) -> (&'static str, &'static str) {
    let end = text.bytes().position(|byte| ends.contains(&byte));
    text.split_at(end.unwrap_or(text.len()))
}

/// Reads a word with its suffixes, without a token before it.
fn parse_word(word: &'static str) -> Argument {
    let (name, mut rest) = split_before(word, b"(<:=@!.");
    let literal = !name.bytes().any(|byte| byte.is_ascii_lowercase());
    let mut argument = Argument {
        word: name,
        nested: "",
        display: None,
        kind: match (literal, name) {
            (true, _) => Type::PureToken,
            (false, "key") => Type::Key,
            (false, _) => Type::String,
        },
        key_spec: (name == "key").then_some(0),
        token: literal.then_some(name),
        since: None,
        deprecated_since: None,
        is_optional: false,
        repeats: Repeats::Once,
    };
    // The mark is ASCII, or text that a misspelt usage has there.
    while let Some(mark) = rest.chars().next() {
        rest = argument.read_suffix(mark, &rest[mark.len_utf8()..]);
    }
    argument
}

impl Argument {
    /// Reads the suffix that begins with `mark`; gives what follows it.
    fn read_suffix(&mut self, mark: char, text: &'static str) -> &'static str {
        match mark {
            '(' => {
                let (nested, rest) = split_closed(text);
                self.kind = if has_alternatives(nested) {
                    Type::OneOf
                } else {
                    Type::Block
                };
                self.nested = nested;
                rest
            }
            '<' => {
                let (display, rest) = text.split_once('>').unwrap_or((text, ""));
                self.display = Some(display);
                rest
            }
            ':' => {
                let (kind, rest) = split_before(text, b".@!");
                self.read_type(kind);
                rest
            }
            '=' => {
                let (token, rest) = split_before(text, b"@!");
                self.kind = Type::PureToken;
                self.token = Some(if token == "\"\"" { "" } else { token });
                rest
            }
            '.' => {
                self.repeats = Repeats::Many;
                text.trim_start_matches('.')
            }
            '@' => {
                let (version, rest) = split_before(text, b"!");
                self.since = Some(version);
                rest
            }
            _ => {
                self.deprecated_since = Some(text);
                ""
            }
        }
    }

    /// Reads `type` or `type#key-spec`.
    fn read_type(&mut self, text: &'static str) {
        let (name, index) = match text.split_once('#') {
            Some((name, index)) => (name, index.parse().ok()),
            None => (text, None),
        };
        let kind = Type::of_value(name);
        debug_assert!(kind.is_some(), "no argument type is called {name}");
        self.kind = kind.unwrap_or(Type::String);
        self.key_spec = index.or((self.kind == Type::Key).then_some(0));
    }
}

/// Whether a bar stands in `nested` outside of inner groups.
fn has_alternatives(nested: &str) -> bool {
    let mut depth = 0usize;
    nested.bytes().any(|byte| {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && byte == b'|'
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arity_follows_from_the_usage() {
        // Words in the name, usage, arity as Redis 7.4 declares it.
        let cases = [
            (1, "", 1),
            (1, "key", 2),
            (1, "key value", 3),
            (1, "key...", -2),
            (1, "[message]", -1),
            (1, "data(key value)...", -3),
            (1, "key seconds:integer [condition(NX|XX|GT|LT)@7.0.0]", -3),
            (1, "key [expiration(EX seconds:integer | PERSIST)]", -2),
            (1, "key BY unit(M|KM)", 4),
            (1, "key LIMIT(offset:integer count:integer)", 5),
            (
                1,
                "from(FROMMEMBER member | FROMLONLAT(x:double y:double))",
                -3,
            ),
            (
                1,
                "key1:key key2:key [LEN] [MINMATCHLEN min-match-len:integer]",
                -3,
            ),
            (1, "[GET pattern]... value", -2),
            (2, "", 2),
            (2, "key", 3),
            (2, "action(ON|OFF|SKIP)", 3),
            (2, "timeout:integer [mode(WRITE|ALL)@6.2.0]", -3),
            (
                2,
                "arity -3; filter(old-format<ip:port> | new-format([ID id])...)",
                -3,
            ),
            (1, "arity -2;", -2),
        ];
        for (words, usage, expected) in cases {
            assert_eq!(arity(usage, words), expected, "{usage:?}");
        }
    }

    fn only(usage: &'static str) -> Argument {
        let mut found = arguments(usage);
        let argument = found.next().expect("an argument");
        assert_eq!(found.next(), None, "{usage:?} has one argument");
        argument
    }

    #[test]
    fn a_name_is_a_string_but_for_key() {
        assert_eq!(
            (only("value").kind, only("value").key_spec),
            (Type::String, None)
        );
        assert_eq!(
            (only("key").kind, only("key").key_spec),
            (Type::Key, Some(0))
        );
        assert_eq!(only("a:key").key_spec, Some(0));
        assert_eq!(
            (only("p:pattern#1").kind, only("p:pattern#1").key_spec),
            (Type::Pattern, Some(1))
        );
        assert_eq!(only("pattern:pattern").key_spec, None);
        assert_eq!(only("t:unix-time").kind, Type::UnixTime);
    }

    #[test]
    fn an_upper_case_word_is_a_token_or_introduces_a_value() {
        let token = only("KEEPTTL@6.0.0");
        assert_eq!(
            (token.kind, token.name().as_ref()),
            (Type::PureToken, "keepttl")
        );
        assert_eq!((token.token, token.since), (Some("KEEPTTL"), Some("6.0.0")));
        let value = only("EX seconds:integer");
        assert_eq!(
            (value.kind, value.token, value.name().as_ref()),
            (Type::Integer, Some("EX"), "seconds")
        );
        let named = only("change=CH");
        assert_eq!(
            (named.kind, named.token, named.name().as_ref()),
            (Type::PureToken, Some("CH"), "change")
        );
        assert_eq!(only("equal==").token, Some("="));
        assert_eq!(only("empty-string=\"\"").token, Some(""));
        assert_eq!(arguments("WITHDIST WITHHASH").count(), 2);
        assert_eq!(arguments("nx=NX value").count(), 2);
    }

    #[test]
    fn suffixes_are_read_in_order() {
        let argument = only("[KEYS keys<key>:key#1...@3.0.6!7.0.0]");
        assert_eq!(argument.name(), "keys");
        assert_eq!(argument.display_text().as_deref(), Some("key"));
        assert_eq!((argument.kind, argument.key_spec), (Type::Key, Some(1)));
        assert_eq!(
            (argument.token, argument.repeats),
            (Some("KEYS"), Repeats::Many)
        );
        assert_eq!(
            (argument.since, argument.deprecated_since),
            (Some("3.0.6"), Some("7.0.0"))
        );
        assert!(argument.is_optional);
    }

    #[test]
    fn dots_behind_brackets_repeat_the_token() {
        assert_eq!(only("[GET pattern]...").repeats, Repeats::WithToken);
        assert_eq!(only("[GET pattern...]").repeats, Repeats::Many);
        assert_eq!(only("[GET pattern]").repeats, Repeats::Once);
    }

    #[test]
    fn groups_nest() {
        let group = only("[trim(strategy(MAXLEN|MINID@6.2.0) threshold [LIMIT count:integer])]");
        assert_eq!((group.kind, group.display_text()), (Type::Block, None));
        let parts: Vec<_> = group.arguments().collect();
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[0].kind, Type::OneOf);
        let names: Vec<_> = parts[0]
            .arguments()
            .map(|argument| argument.name())
            .collect();
        assert_eq!(names, ["maxlen", "minid"]);
        assert!(parts[2].is_optional);
        let limit = only("LIMIT(offset:integer count:integer)");
        assert_eq!(
            (limit.name().as_ref(), limit.token),
            ("limit", Some("LIMIT"))
        );
        assert_eq!((limit.kind, limit.arguments().count()), (Type::Block, 2));
    }

    #[test]
    fn unbalanced_text_ends() {
        for usage in [
            "[", "(", "a(", "a(b|", "[a", "a)", "]", "a<b", "|", "A ", "arity 2",
        ] {
            assert!(arguments(usage).take(10).count() < 10, "{usage:?}");
        }
    }
}
