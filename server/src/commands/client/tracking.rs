//! `CLIENT TRACKING` and what belongs to it: copies of keys that clients keep.

use super::BASE;
use crate::clients::State;
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Spec, flags};
use crate::tracking::{Overlap, Wish};

pub const TRACKING: Command = Spec {
    name: "TRACKING",
    usage: "status(ON|OFF) [REDIRECT client-id:integer] [PREFIX prefix]... [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
    summary: "Controls server-assisted client-side caching for the connection.",
    since: "6.0.0",
    complexity: "O(1). Some options may introduce additional complexity.",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(tracking);
fn tracking(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let wish = read_wish(cx, args)?;
    if args.is(2, "ON") {
        check_wish(cx, &wish)?;
        cx.server.tracking.enable(cx.client, &wish);
    } else if args.is(2, "OFF") {
        cx.server.tracking.disable(cx.client);
    } else {
        return Err(Error::Syntax);
    }
    cx.reply.ok()
}

fn read_wish<'a>(cx: &Ctx<'_>, args: &Args<'a>) -> Result<Wish<'a>> {
    const MODES: [(&str, State); 4] = [
        ("BCAST", State::BCAST),
        ("OPTIN", State::OPTIN),
        ("OPTOUT", State::OPTOUT),
        ("NOLOOP", State::NOLOOP),
    ];
    let mut wish = Wish {
        modes: State::empty(),
        redirect: 0,
        prefixes: Vec::new(),
    };
    let mut index = 3;
    while index < args.len() {
        let has_more = index + 1 < args.len();
        let mode = MODES.iter().find(|(name, _)| args.is(index, name));
        if has_more && args.is(index, "REDIRECT") {
            index += 1;
            wish.redirect = read_redirect(cx, args, index, wish.redirect)?;
        } else if has_more && args.is(index, "PREFIX") {
            index += 1;
            wish.prefixes.push(args.word(index)?);
        } else if let Some((_, mode)) = mode {
            wish.modes |= *mode;
        } else {
            return Err(Error::Syntax);
        }
        index += 1;
    }
    Ok(wish)
}

/// Who is told instead must be there now, though it may go later.
fn read_redirect(cx: &Ctx<'_>, args: &Args<'_>, index: usize, before: u64) -> Result<u64> {
    if before != 0 {
        return Err(Error::RedirectTwice);
    }
    let id = args.integer(index)?.cast_unsigned();
    let is_there = cx.server.clients.get(id).is_some();
    is_there.then_some(id).ok_or(Error::RedirectNobody)
}

/// Whether the wish is one that can be, here and now.
fn check_wish(cx: &Ctx<'_>, wish: &Wish<'_>) -> Result<()> {
    let state = cx.client.state();
    let is_bcast = wish.modes.contains(State::BCAST);
    if !is_bcast && !wish.prefixes.is_empty() {
        return Err(Error::PrefixWithoutBcast);
    }
    if state.contains(State::TRACKING) && state.contains(State::BCAST) != is_bcast {
        return Err(Error::SwitchBcast);
    }
    let (optin, optout) = (State::OPTIN, State::OPTOUT);
    if is_bcast && wish.modes.intersects(optin | optout) {
        return Err(Error::BcastWithOption);
    }
    if wish.modes.contains(optin | optout) {
        return Err(Error::OptinWithOptout);
    }
    if (wish.modes | state).contains(optin | optout) {
        return Err(Error::SwitchOption);
    }
    match cx.server.tracking.overlap(cx.client, &wish.prefixes) {
        Some(Overlap::WithExisting(new, old)) => Err(Error::PrefixExists(shown(&new), shown(&old))),
        Some(Overlap::WithAnother(one, other)) => {
            Err(Error::PrefixTwice(shown(&one), shown(&other)))
        }
        None => Ok(()),
    }
}

pub const CACHING: Command = Spec {
    name: "CACHING",
    usage: "mode(YES|NO)",
    summary: "Instructs the server whether to track the keys in the next request.",
    since: "6.0.0",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(caching);
fn caching(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let state = cx.client.state();
    if !state.contains(State::TRACKING) {
        return Err(Error::CachingWithoutTracking);
    }
    let (mode, refusal) = match args {
        _ if args.is(2, "YES") => (State::OPTIN, Error::CachingYes),
        _ if args.is(2, "NO") => (State::OPTOUT, Error::CachingNo),
        _ => return Err(Error::Syntax),
    };
    if !state.contains(mode) {
        return Err(refusal);
    }
    cx.client.set(State::CACHING, true);
    cx.reply.ok()
}

pub const GETREDIR: Command = Spec {
    name: "GETREDIR",
    summary: "Returns the client ID to which the connection's tracking notifications are redirected.",
    since: "6.0.0",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(getredir);
fn getredir(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.integer(redirection(cx))
}

/// Who is told instead: 0 is nobody, -1 that there is nothing to be told.
fn redirection(cx: &Ctx<'_>) -> i64 {
    match cx.client.is(State::TRACKING) {
        true => cx.client.redirection().cast_signed(),
        false => -1,
    }
}

pub const TRACKINGINFO: Command = Spec {
    name: "TRACKINGINFO",
    summary: "Returns information about server-assisted client-side caching for the connection.",
    since: "6.2.0",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(trackinginfo);
fn trackinginfo(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let flags = flag_words(cx.client.state());
    let (redirection, prefixes) = (redirection(cx), cx.client.prefixes());
    let out = cx.reply.map(3);
    out.bulk(b"flags");
    out.set(flags.len());
    flags.iter().for_each(|flag| out.bulk(flag.as_bytes()));
    out.bulk(b"redirect");
    out.integer(redirection);
    out.bulk(b"prefixes");
    out.array(prefixes.len());
    prefixes.iter().for_each(|prefix| out.bulk(prefix));
    Ok(Outcome::Done)
}

fn flag_words(state: State) -> Vec<&'static str> {
    let has = |flags: State| state.contains(flags);
    let words = [
        (has(State::TRACKING), "on"),
        (!has(State::TRACKING), "off"),
        (has(State::BCAST), "bcast"),
        (has(State::OPTIN), "optin"),
        (has(State::OPTIN | State::CACHING), "caching-yes"),
        (has(State::OPTOUT), "optout"),
        (has(State::OPTOUT | State::CACHING), "caching-no"),
        (has(State::NOLOOP), "noloop"),
        (has(State::BROKEN_REDIRECT), "broken_redirect"),
    ];
    let shown = words.into_iter().filter(|(is_shown, _)| *is_shown);
    shown.map(|(_, word)| word).collect()
}
