//! `INFO`: everything the server knows about itself, a section at a time.

mod clients;
mod commands;
mod cpu;
mod keyspace;
mod memory;
mod persistence;
mod server;
mod stats;
mod storage;

use std::fmt::{Display, Write as _};

use crate::command::{Args, Command, Ctx, Result};
use crate::spec::{Group, Locks, Spec, acl, flags};

/// The family.
pub const COMMANDS: &[Command] = &[INFO];

const INFO: Command = Spec {
    name: "INFO",
    usage: "[section...]",
    summary: "Returns information and statistics about the server.",
    since: "1.0.0",
    flags: flags!(LOADING | STALE),
    acl: acl!(DANGEROUS),
    group: Group::Server,
    locks: Locks::OneAtATime,
    tips: &[
        "nondeterministic_output",
        "request_policy:all_shards",
        "response_policy:special",
    ],
    history: &[(
        "7.0.0",
        "Added support for taking multiple section arguments.",
    )],
    ..Spec::EMPTY
}
.run(info);

fn info(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let mut text = String::new();
    for section in SECTIONS.iter().filter(|section| section.is_asked_for(args)) {
        if !text.is_empty() {
            text.push_str("\r\n");
        }
        let mut fields = Fields { text: &mut text };
        fields.line(format_args!("# {}", section.title));
        (section.print)(cx, &mut fields);
    }
    cx.reply.verbatim("txt", text.as_bytes())
}

/// When a section is shown although nobody has named it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Always, as by `INFO` and `INFO default`.
    ByDefault,
    /// By `INFO all` and `INFO everything`.
    WithAll,
}

/// A section: the name it is asked for by, its title, and what prints its fields.
struct Section {
    name: &'static str,
    title: &'static str,
    shown: Shown,
    print: fn(&mut Ctx<'_>, &mut Fields<'_>),
}

/// All sections, in the order they are printed.
const SECTIONS: &[Section] = &[
    Section {
        name: "server",
        title: "Server",
        shown: Shown::ByDefault,
        print: server::print,
    },
    Section {
        name: "clients",
        title: "Clients",
        shown: Shown::ByDefault,
        print: clients::print,
    },
    Section {
        name: "memory",
        title: "Memory",
        shown: Shown::ByDefault,
        print: memory::print,
    },
    Section {
        name: "persistence",
        title: "Persistence",
        shown: Shown::ByDefault,
        print: persistence::print,
    },
    Section {
        name: "stats",
        title: "Stats",
        shown: Shown::ByDefault,
        print: stats::print,
    },
    Section {
        name: "replication",
        title: "Replication",
        shown: Shown::ByDefault,
        print: server::print_replication,
    },
    Section {
        name: "cpu",
        title: "CPU",
        shown: Shown::ByDefault,
        print: cpu::print,
    },
    Section {
        name: "modules",
        title: "Modules",
        shown: Shown::ByDefault,
        print: |_, _| {},
    },
    Section {
        name: "commandstats",
        title: "Commandstats",
        shown: Shown::WithAll,
        print: commands::print_counts,
    },
    Section {
        name: "errorstats",
        title: "Errorstats",
        shown: Shown::ByDefault,
        print: commands::print_errors,
    },
    Section {
        name: "latencystats",
        title: "Latencystats",
        shown: Shown::WithAll,
        print: commands::print_latencies,
    },
    Section {
        name: "cluster",
        title: "Cluster",
        shown: Shown::ByDefault,
        print: server::print_cluster,
    },
    Section {
        name: "tags",
        title: "Tags",
        shown: Shown::ByDefault,
        print: keyspace::print_tags,
    },
    Section {
        name: "storage",
        title: "Storage",
        shown: Shown::ByDefault,
        print: storage::print,
    },
    // Last, because some readers take everything behind its title for databases.
    Section {
        name: "keyspace",
        title: "Keyspace",
        shown: Shown::ByDefault,
        print: keyspace::print,
    },
];

impl Section {
    fn is_asked_for(&self, args: &Args<'_>) -> bool {
        if args.len() < 2 {
            return self.shown == Shown::ByDefault;
        }
        args.from(1).iter().any(|word| {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            is(self.name)
                || is("all")
                || is("everything")
                || is("default") && self.shown == Shown::ByDefault
                || is("module_list") && self.name == "modules"
        })
    }
}

/// Where the fields of a section are printed.
struct Fields<'a> {
    text: &'a mut String,
}

impl Fields<'_> {
    /// One field.
    fn put(&mut self, name: &str, value: impl Display) {
        self.line(format_args!("{name}:{value}"));
    }

    /// A fact as 1 or 0.
    fn flag(&mut self, name: &str, is_on: bool) {
        self.put(name, u8::from(is_on));
    }

    /// A number with two digits behind the point.
    fn ratio(&mut self, name: &str, value: f64) {
        self.put(name, format_args!("{value:.2}"));
    }

    /// Bytes, and the same for people in a second field.
    fn bytes(&mut self, name: &str, bytes: usize) {
        self.put(name, bytes);
        self.put(&format!("{name}_human"), crate::memory::human(bytes));
    }

    /// What does not exist here and is therefore none.
    fn none(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.put(name, 0));
    }

    fn line(&mut self, line: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{line}\r\n");
    }
}
