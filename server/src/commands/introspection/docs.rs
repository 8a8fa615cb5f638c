//! What `COMMAND DOCS` answers: the properties of a command for people.

use protocol::{Encoder, Mark};

use super::info::set_of_words;
use crate::command::table::Entry;
use crate::spec::usage::{Argument, Arguments, Repeats, Type, arguments};
use crate::spec::{Flags, Spec};

/// Writes the name of a command and the map of its documentation.
pub(super) fn write(out: &mut Encoder<'_>, entry: &Entry) {
    out.bulk(entry.full_name.as_bytes());
    let mut fields = Fields::new(out);
    write_spec(&mut fields, &entry.command.spec);
    let subcommands = &entry.subcommands;
    if !subcommands.is_empty() {
        let out = fields.value("subcommands");
        out.map(subcommands.len());
        super::in_order(subcommands.values()).for_each(|sub| write(out, sub));
    }
    fields.finish();
}

fn write_spec(fields: &mut Fields<'_, '_>, spec: &Spec) {
    fields.text("summary", spec.summary);
    fields.text("since", spec.since);
    fields.text("group", spec.group.name());
    if !spec.complexity.is_empty() {
        fields.text("complexity", spec.complexity);
    }
    let doc_flags = [
        spec.deprecated.map(|_| "deprecated"),
        spec.flags.contains(Flags::SYSCMD).then_some("syscmd"),
    ];
    if doc_flags.iter().any(Option::is_some) {
        set_of_words(fields.value("doc_flags"), doc_flags.into_iter().flatten());
    }
    if let Some((since, replacement)) = spec.deprecated {
        fields.text("deprecated_since", since);
        fields.text("replaced_by", replacement);
    }
    if !spec.history.is_empty() {
        write_history(fields.value("history"), spec.history);
    }
    if arguments(spec.usage).next().is_some() {
        write_arguments(fields.value("arguments"), arguments(spec.usage));
    }
}

fn write_history(out: &mut Encoder<'_>, history: &[(&str, &str)]) {
    out.set(history.len());
    for (version, change) in history {
        out.array(2);
        out.bulk(version.as_bytes());
        out.bulk(change.as_bytes());
    }
}

fn write_arguments(out: &mut Encoder<'_>, arguments: Arguments) {
    out.array(arguments.clone().count());
    arguments.for_each(|argument| write_argument(out, &argument));
}

fn write_argument(out: &mut Encoder<'_>, argument: &Argument) {
    let mut fields = Fields::new(out);
    fields.text("name", &argument.name());
    fields.text("type", argument.kind.name());
    if let Some(text) = argument.display_text() {
        fields.text("display_text", &text);
    }
    if let Some(index) = argument.key_spec {
        fields
            .value("key_spec_index")
            .integer(i64::try_from(index).unwrap_or(i64::MAX));
    }
    let texts = [
        ("token", argument.token),
        ("since", argument.since),
        ("deprecated_since", argument.deprecated_since),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            fields.text(name, text);
        }
    }
    write_argument_flags(&mut fields, argument);
    if matches!(argument.kind, Type::OneOf | Type::Block) {
        write_arguments(fields.value("arguments"), argument.arguments());
    }
    fields.finish();
}

fn write_argument_flags(fields: &mut Fields<'_, '_>, argument: &Argument) {
    let flags = [
        argument.is_optional.then_some("optional"),
        (argument.repeats != Repeats::Once).then_some("multiple"),
        (argument.repeats == Repeats::WithToken).then_some("multiple_token"),
    ];
    if flags.iter().any(Option::is_some) {
        set_of_words(fields.value("flags"), flags.into_iter().flatten());
    }
}

/// A map whose fields are counted while they are written, since most of them may be missing.
struct Fields<'out, 'buf> {
    out: &'out mut Encoder<'buf>,
    start: Mark,
    count: usize,
}

impl<'out, 'buf> Fields<'out, 'buf> {
    fn new(out: &'out mut Encoder<'buf>) -> Fields<'out, 'buf> {
        let start = out.mark();
        Fields {
            out,
            start,
            count: 0,
        }
    }

    /// A field whose value is written next.
    fn value(&mut self, name: &str) -> &mut Encoder<'buf> {
        self.count += 1;
        self.out.bulk(name.as_bytes());
        self.out
    }

    fn text(&mut self, name: &str, text: &str) {
        self.value(name).bulk(text.as_bytes());
    }

    fn finish(self) {
        self.out.map_at(self.start, self.count);
    }
}
