//! `LATENCY`: events that took long, and how long commands take.

mod doctor;
mod graph;

use crate::clock;
use crate::command::error::shown;
use crate::command::table::Entry;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::latency::Event;
use crate::server::Server;
use crate::spec::{Group, Spec, flags};
use crate::stats::CommandStats;

/// The family.
pub const COMMANDS: &[Command] = &[LATENCY];

const BASE: Spec = Spec {
    group: Group::Server,
    ..Spec::EMPTY
};

const DOCTOR: Command = Spec {
    name: "DOCTOR",
    summary: "Returns a human-readable latency analysis report.",
    since: "2.8.13",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    tips: &[
        "nondeterministic_output",
        "request_policy:all_nodes",
        "response_policy:special",
    ],
    ..BASE
}
.run(doctor);

fn doctor(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let server = cx.server;
    let now_seconds = clock::now_ms() / 1000;
    let report = doctor::report(&server.latency.all(), &server.settings.config, now_seconds);
    cx.reply.verbatim("txt", report.as_bytes())
}

const GRAPH: Command = Spec {
    name: "GRAPH",
    usage: "event",
    summary: "Returns a latency graph for an event.",
    since: "2.8.13",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    tips: &[
        "nondeterministic_output",
        "request_policy:all_nodes",
        "response_policy:special",
    ],
    ..BASE
}
.run(graph);

fn graph(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let name = args.word(2)?;
    let event = Event::named(name);
    let series = event.and_then(|event| Some((event, cx.server.latency.get(event)?)));
    let Some((event, series)) = series else {
        return Err(Error::NoLatencySamples(shown(name)));
    };
    let text = graph::draw(event, &series, clock::now_ms() / 1000);
    cx.reply.verbatim("txt", text.as_bytes())
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Returns helpful text about the different subcommands.",
    since: "2.8.13",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(help);

fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help(
        "LATENCY",
        &[
            "DOCTOR",
            "    Return a human readable latency analysis report.",
            "GRAPH <event>",
            "    Return an ASCII latency graph for the <event> class.",
            "HISTORY <event>",
            "    Return time-latency samples for the <event> class.",
            "LATEST",
            "    Return the latest latency samples for all events.",
            "RESET [<event> ...]",
            "    Reset latency data of one or more <event> classes.",
            "    (default: reset all data for all event classes)",
            "HISTOGRAM [COMMAND ...]",
            "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
            "    If no commands are specified then all histograms are replied.",
        ],
    )
}

const HISTOGRAM: Command = Spec {
    name: "HISTOGRAM",
    usage: "[command...]",
    summary: "Returns the cumulative distribution of latencies of a subset or all commands.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of commands with latency information being retrieved.",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    tips: &[
        "nondeterministic_output",
        "request_policy:all_nodes",
        "response_policy:special",
    ],
    ..BASE
}
.run(histogram);

fn histogram(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let server = cx.server;
    let all = server.stats.commands();
    let ids: Vec<usize> = match args.len() {
        2 => (0..all.len()).collect(),
        _ => args
            .from(2)
            .iter()
            .flat_map(|name| ids_of(server, name))
            .collect(),
    };
    let names = server.commands.full_names();
    let known = |id: usize| Some((names.get(id)?, all.get(id).filter(|it| it.has_latencies())?));
    let shown: Vec<(&String, &CommandStats)> = ids.into_iter().filter_map(known).collect();
    let out = cx.reply.map(shown.len());
    for (name, stats) in shown {
        let lines = stats.cumulative_us();
        out.bulk(name.as_bytes());
        out.map(2);
        out.bulk(b"calls");
        out.integer(stats.timed_calls().cast_signed());
        out.bulk(b"histogram_usec");
        out.map(lines.len());
        for (usec, calls) in lines {
            out.integer(usec.cast_signed());
            out.integer(calls.cast_signed());
        }
    }
    Ok(Outcome::Done)
}

/// The places in the statistics of the commands behind a name: `get`, `config|get`, or `config` with all
/// that belongs to it.
fn ids_of(server: &'static Server, name: &[u8]) -> Vec<usize> {
    let mut words = name.splitn(2, |&byte| byte == b'|');
    let found = server.commands.find(words.next().unwrap_or_default());
    let entry = match (found, words.next()) {
        (Some(entry), Some(sub)) => entry
            .subcommands
            .get(&String::from_utf8_lossy(sub).to_ascii_lowercase()),
        (found, _) => found,
    };
    let Some(entry) = entry else {
        return Vec::new();
    };
    let mut ids: Vec<usize> = entry
        .subcommands
        .values()
        .map(|sub: &Entry| sub.id)
        .collect();
    ids.sort_unstable();
    ids.insert(0, entry.id);
    ids
}

const HISTORY: Command = Spec {
    name: "HISTORY",
    usage: "event",
    summary: "Returns timestamp-latency samples for an event.",
    since: "2.8.13",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    tips: &[
        "nondeterministic_output",
        "request_policy:all_nodes",
        "response_policy:special",
    ],
    ..BASE
}
.run(history);

fn history(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let event = Event::named(args.word(2)?);
    let series = event
        .and_then(|event| cx.server.latency.get(event))
        .unwrap_or_default();
    let out = cx.reply.array(series.samples.len());
    for sample in series.samples {
        out.array(2);
        out.integer(sample.at_seconds);
        out.integer(sample.latency_ms.cast_signed());
    }
    Ok(Outcome::Done)
}

const LATEST: Command = Spec {
    name: "LATEST",
    summary: "Returns the latest latency samples for all events.",
    since: "2.8.13",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    tips: &[
        "nondeterministic_output",
        "request_policy:all_nodes",
        "response_policy:special",
    ],
    ..BASE
}
.run(latest);

fn latest(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let all = cx.server.latency.all();
    let out = cx.reply.array(all.len());
    for (event, series) in all {
        let (at_seconds, latency_ms) = series
            .samples
            .last()
            .map_or((0, 0), |it| (it.at_seconds, it.latency_ms));
        out.array(4);
        out.bulk(event.name().as_bytes());
        out.integer(at_seconds);
        out.integer(latency_ms.cast_signed());
        out.integer(series.worst_ms.cast_signed());
    }
    Ok(Outcome::Done)
}

const RESET: Command = Spec {
    name: "RESET",
    usage: "[event...]",
    summary: "Resets the latency data for one or more events.",
    since: "2.8.13",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
    ..BASE
}
.run(reset);

fn reset(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let latency = &cx.server.latency;
    let forgotten = match args.len() {
        2 => latency.forget_all(),
        _ => {
            let events = args.from(2).iter().filter_map(Event::named);
            events.filter(|event| latency.forget(*event)).count()
        }
    };
    cx.reply.count(forgotten)
}

const LATENCY: Command = Spec {
    name: "LATENCY",
    usage: "arity -2;",
    summary: "A container for latency diagnostics commands.",
    since: "2.8.13",
    complexity: "Depends on subcommand.",
    ..BASE
}
.container(&[DOCTOR, GRAPH, HELP, HISTOGRAM, HISTORY, LATEST, RESET]);
