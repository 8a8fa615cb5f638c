//! `CONFIG`: what the server was told to be, and telling it otherwise.

use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result};
use crate::config::options::{self, OptionId};
use crate::config::{Origin, Scope, Setting};
use crate::server::Server;
use crate::settings;
use crate::spec::{Group, Locks, Spec, flags};
use crate::{clock, logging, process};

/// The family.
pub const COMMANDS: &[Command] = &[CONFIG];

const BASE: Spec = Spec {
    group: Group::Server,
    ..Spec::EMPTY
};

const GET: Command = Spec {
    name: "GET",
    usage: "parameter...",
    summary: "Returns the effective values of configuration parameters.",
    since: "2.0.0",
    complexity: "O(N) when N is the number of configuration parameters provided",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    history: &[(
        "7.0.0",
        "Added the ability to pass multiple pattern parameters in one call",
    )],
    ..BASE
}
.run(get);

fn get(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let patterns: Vec<&[u8]> = args.from(2).iter().collect();
    let found = cx.server.settings.config.matching(&patterns);
    let out = cx.reply.map(found.len());
    for (name, value) in found {
        out.bulk(&name);
        out.bulk(&value);
    }
    Ok(Outcome::Done)
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Returns helpful text about the different subcommands.",
    since: "5.0.0",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(help);

fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help(
        "CONFIG",
        &[
            "GET <pattern>",
            "    Return parameters matching the glob-like <pattern> and their values.",
            "SET <directive> <value>",
            "    Set the configuration <directive> to <value>.",
            "RESETSTAT",
            "    Reset statistics reported by the INFO command.",
            "REWRITE",
            "    Rewrite the configuration file.",
        ],
    )
}

const RESETSTAT: Command = Spec {
    name: "RESETSTAT",
    summary: "Resets the server's statistics.",
    since: "2.0.0",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    // Hits and misses are counted in the shards.
    locks: Locks::OneAtATime,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..BASE
}
.run(resetstat);

fn resetstat(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let server = cx.server;
    server.stats.reset();
    server.rates.reset();
    server.lazyfree.reset_freed();
    server.persist.status.reset();
    server.persist.snapshots.reset();
    cx.db.reset_lookups();
    cx.reply.ok()
}

const REWRITE: Command = Spec {
    name: "REWRITE",
    summary: "Persists the effective configuration to file.",
    since: "2.8.0",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..BASE
}
.run(rewrite);

fn rewrite(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    if let Err(error) = cx.server.rewrite_config(Scope::NotDefault) {
        tracing::warn!("CONFIG REWRITE failed: {error}");
        return Err(Error::Text(error.to_string()));
    }
    tracing::info!("CONFIG REWRITE executed with success.");
    cx.reply.ok()
}

const SET: Command = Spec {
    name: "SET",
    usage: "data(parameter value)...",
    summary: "Sets configuration parameters in-flight.",
    since: "2.0.0",
    complexity: "O(N) when N is the number of configuration parameters provided",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    history: &[(
        "7.0.0",
        "Added the ability to set multiple parameters in one call.",
    )],
    ..BASE
}
.run(set);

fn set(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let words: Vec<&[u8]> = args.from(2).iter().collect();
    let (pairs, []) = words.as_chunks::<2>() else {
        return Err(Error::Syntax);
    };
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|[name, value]| (*name, *value)).collect();
    let server = cx.server;
    let is_local = settings::is_local(cx.client);
    let setting = Setting {
        origin: if is_local {
            Origin::Local
        } else {
            Origin::Remote
        },
        is_loading: server.gates.is_loading(),
    };
    let config = &server.settings.config;
    config
        .set(&pairs, setting, &mut |changed| apply(server, changed))
        .map_err(|error| Error::Text(error.text(shown)))?;
    cx.reply.ok()
}

const CONFIG: Command = Spec {
    name: "CONFIG",
    usage: "arity -2;",
    summary: "A container for server configuration commands.",
    since: "2.0.0",
    complexity: "Depends on subcommand.",
    ..BASE
}
.container(&[GET, HELP, RESETSTAT, REWRITE, SET]);

/// What makes a new value happen; what only has to be read when it is needed has no line here.
type Effect = fn(&'static Server) -> std::result::Result<(), String>;

/// Those that may fail stand first, so that nothing has to be taken back.
const EFFECTS: &[(&[OptionId], Effect)] = &[
    (&[options::MAXCLIENTS.id], reserve_files),
    (&[options::APPENDONLY.id], turn_log),
    (&[options::BIND.id], |server| {
        let is_done = server.listening.renew();
        is_done
            .then_some(())
            .ok_or_else(|| "Failed to bind to specified addresses.".to_owned())
    }),
    (&[options::PORT.id], |server| {
        let is_done = server.listening.renew();
        is_done
            .then_some(())
            .ok_or_else(|| "Unable to listen on this port. Check server logs.".to_owned())
    }),
    (&[options::LOGLEVEL.id], |server| {
        logging::set_level(server.settings.config.get(options::LOGLEVEL));
        Ok(())
    }),
    (&[options::MAXMEMORY_POLICY.id], |server| {
        server.keyspace.note_policy_change(clock::now_ms());
        Ok(())
    }),
    (
        &[options::MAXMEMORY.id, options::MAXMEMORY_POLICY.id],
        evict,
    ),
    (&[options::REQUIREPASS.id], |server| {
        let password = server.settings.config.bytes(options::REQUIREPASS);
        server.acl.set_default_password(&password);
        Ok(())
    }),
    (&[options::AOF_TIMESTAMP_ENABLED.id], |server| {
        let is_stamped = server.settings.config.get(options::AOF_TIMESTAMP_ENABLED);
        server.log.set_stamped(is_stamped);
        Ok(())
    }),
    // The new pace begins now, not after the old one's pause.
    (&[options::HZ.id], |server| {
        server.chores.ring();
        Ok(())
    }),
];

fn apply(
    server: &'static Server,
    changed: &[OptionId],
) -> std::result::Result<(), (OptionId, String)> {
    for (ids, effect) in EFFECTS {
        if let Some(&id) = changed.iter().find(|id| ids.contains(id)) {
            effect(server).map_err(|reason| {
                let name = id.spec().name;
                tracing::warn!(
                    "Failed applying new configuration. Possibly related to new {name} setting. \
                     Restoring previous settings."
                );
                (id, reason)
            })?;
        }
    }
    Ok(())
}

fn reserve_files(server: &'static Server) -> std::result::Result<(), String> {
    let wanted = u64::from(server.settings.config.get(options::MAXCLIENTS));
    let fitting = process::reserve_files(wanted);
    if fitting < wanted {
        return Err(format!(
            "The operating system is not able to handle the specified number of clients, try with {fitting}"
        ));
    }
    server
        .settings
        .limit_clients(usize::try_from(fitting).unwrap_or(usize::MAX));
    Ok(())
}

fn turn_log(server: &'static Server) -> std::result::Result<(), String> {
    if !server.settings.config.get(options::APPENDONLY) {
        server.persist.turn_off(server);
        return Ok(());
    }
    server.persist.turn_on(server).map_err(|error| {
        tracing::warn!("Can't turn the append only file on: {error}");
        "Unable to turn on AOF. Check server logs.".to_owned()
    })
}

/// What is over the limit goes at once, in the background.
fn evict(server: &'static Server) -> std::result::Result<(), String> {
    let limit = server.settings.memory_limit();
    let used = server.accounts().used_bytes();
    if limit > 0 && limit < used {
        tracing::warn!(
            "WARNING: the new maxmemory value set via CONFIG SET ({limit}) is smaller than the \
             current memory usage ({used}). This will result in key eviction and/or the inability \
             to accept new write commands depending on the maxmemory-policy."
        );
        server.chores.ring();
    }
    Ok(())
}
