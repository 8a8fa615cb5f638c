//! A script that runs, and what it needs of the server meanwhile.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{Args, Output, Request, RequestBuffer, Version};
use storage::db::Db;
use storage::keyspace::ShardSet;

use crate::clients::{Client, State};
use crate::clock::Stopwatch;
use crate::command::table::Entry;
use crate::command::{Calls, Ctx, Effects, Error, Reply, Result};
use crate::exec::{Unit, find_subcommand, gate, inner_lock_plan, permission, run, tell};
use crate::monitor::Caller;
use crate::script::library::Library;
use crate::script::source::ScriptFlags;
use crate::script::{Kind, Sha, Stuck, hex};
use crate::server::Server;
use crate::spec::Flags;
use crate::stats::Ending;
use crate::transaction::Local;

thread_local! {
    /// The script that runs on this thread.
    pub(super) static RUNNING: RefCell<Option<Box<Running>>> = const { RefCell::new(None) };
    static TOOLS: Cell<Option<Box<Tools>>> = const { Cell::new(None) };
}

/// What a script answers that was ended.
pub(super) const KILLED: &str = "ERR Script killed by user with SCRIPT KILL...";

/// A script that runs too long lets others be served after each such while, in microseconds.
const BETWEEN_RESTS_US: i64 = 5_000;

/// What a script does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It goes on.
    GoesOn,
    /// It lets the thread serve others for a moment.
    Rests,
    /// It ends with an error.
    Ends,
}

/// What a script is allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// What it says of itself; `None` for those that say nothing.
    pub flags: Option<ScriptFlags>,
    /// It may not write, whatever it says itself.
    pub is_read_only: bool,
}

impl Allowance {
    /// Whether it may write, and has said so: then it is not begun where nothing may be written.
    pub fn announces_writes(self) -> bool {
        self.flags.is_some() && !self.says(ScriptFlags::NO_WRITES) && !self.is_read_only
    }

    fn says(self, flag: ScriptFlags) -> bool {
        self.flags.is_some_and(|flags| flags.contains(flag))
    }
}

/// What runs.
#[derive(Clone, Debug)]
pub(super) enum Callee {
    /// A script of that hash.
    Script(Sha),
    /// That function of a library.
    Function(Arc<Library>, usize),
}

impl Callee {
    /// As errors name it: the hash in digits, or the function's name.
    pub fn name(&self) -> String {
        match self {
            Callee::Script(sha) => hex(sha),
            Callee::Function(library, index) => library.functions[*index].name.clone(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Callee::Script(_) => Kind::Script,
            Callee::Function(..) => Kind::Function,
        }
    }
}

/// What runs, and how it was called.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// What runs.
    pub callee: Callee,
    /// The request, if that is a function.
    pub request: Option<Request>,
}

/// What a script works with, and leaves for the next one of its thread.
#[derive(Default)]
pub(super) struct Tools {
    /// Of whoever has called it: only the login.
    pub local: Local,
    /// The words of a call.
    pub request: RequestBuffer,
    /// What a command replies.
    pub reply: Output,
}

/// A script that runs on this thread.
pub(super) struct Running {
    pub server: &'static Server,
    client: Arc<Client>,
    pub tools: Box<Tools>,
    db: Option<Db<'static>>,
    unit: Unit,
    calls: Calls,
    stopwatch: Stopwatch,
    /// The protocol its replies are asked for in.
    pub version: Version,
    is_read_only: bool,
    /// It may not need more memory.
    is_short_of_memory: bool,
    has_written: bool,
    identity: Identity,
    /// When it was first looked at, in microseconds since 1970.
    began_us: Option<i64>,
    /// When it has last let others be served.
    rested_us: i64,
    /// It runs longer than `busy-reply-threshold`: others are told so.
    is_too_long: bool,
}

impl Running {
    pub fn new(
        cx: &mut Ctx<'_>,
        allowance: Allowance,
        identity: Identity,
        unit: &mut Unit,
    ) -> Box<Running> {
        let server = cx.server;
        let nothing_held = server.keyspace.lock(ShardSet::NONE);
        let (index, moment) = (cx.db.index, cx.db.moment);
        let none = Db::new(&server.keyspace, nothing_held, index, moment);
        let may_grow = allowance.says(ScriptFlags::ALLOW_OOM) || cx.is_replay();
        let mut tools = TOOLS.take().unwrap_or_default();
        tools.local.login = cx.local.login.take();
        Box::new(Running {
            server,
            client: Arc::clone(cx.client),
            tools,
            db: Some(std::mem::replace(&mut cx.db, none)),
            unit: std::mem::take(unit),
            calls: Calls::new(),
            stopwatch: cx.stopwatch,
            version: Version::Resp2,
            is_read_only: allowance.is_read_only || allowance.says(ScriptFlags::NO_WRITES),
            is_short_of_memory: !may_grow && server.is_out_of_memory(),
            has_written: false,
            identity,
            began_us: None,
            rested_us: 0,
            is_too_long: false,
        })
    }

    pub fn is_killed(&self) -> bool {
        self.is_too_long && self.server.scripts.is_killed()
    }

    /// Looks how long it runs already.
    pub fn look(&mut self) -> Look {
        let mut stopwatch = self.stopwatch;
        stopwatch.lap_nanos();
        self.look_at(stopwatch.wall_us())
    }

    /// The same when the clock has been read already.
    fn look_at(&mut self, now_us: i64) -> Look {
        let ran_us = now_us - *self.began_us.get_or_insert(now_us);
        if !self.is_too_long {
            if u128::from(ran_us.unsigned_abs()) < self.server.settings.busy_threshold().as_micros()
            {
                return Look::GoesOn;
            }
            self.is_too_long = true;
            self.tell_too_long(Duration::from_micros(ran_us.unsigned_abs()));
        }
        self.server.scripts.note_written(self.has_written);
        if self.is_killed() {
            return Look::Ends;
        }
        if now_us - self.rested_us < BETWEEN_RESTS_US {
            return Look::GoesOn;
        }
        self.rested_us = now_us;
        Look::Rests
    }

    #[cold]
    fn tell_too_long(&self, ran: Duration) {
        let (name, kind) = (self.identity.callee.name(), self.identity.callee.kind());
        tracing::warn!(
            "Slow script detected: still in execution after {} milliseconds. You can try killing the script \
             using the {} KILL command. Script name is: {name}.",
            ran.as_millis(),
            match kind {
                Kind::Script => "SCRIPT",
                Kind::Function => "FUNCTION",
            }
        );
        let scripts = &self.server.scripts;
        scripts.note_written(self.has_written);
        scripts.set_stuck(Stuck {
            kind,
            name,
            request: self.identity.request.clone(),
            started: Instant::now().checked_sub(ran).unwrap_or_else(Instant::now),
        });
        self.server.gates.set_busy(true);
    }

    /// Puts everything back where it came from; the protocol that the script has asked for.
    pub fn give_back(mut self: Box<Running>, cx: &mut Ctx<'_>, unit: &mut Unit) -> Version {
        cx.local.login = self.tools.local.login.take();
        TOOLS.set(Some(self.tools));
        let index = cx.db.index;
        if let Some(db) = self.db {
            cx.db = db;
            cx.db.index = index;
        }
        // What a script selects holds for itself alone.
        cx.client.select(index);
        if self.is_too_long {
            self.server.gates.set_busy(false);
            self.server.scripts.calm_down();
        }
        *unit = self.unit;
        cx.calls.extend(self.calls);
        self.version
    }

    /// Carries out one command; the reply is left in the tools.
    pub fn call(&mut self, args: &Args<'_>) -> Result<Look> {
        let entry = find_for_script(self.server, args).ok_or_else(|| {
            Error::Text("ERR Unknown Redis command called from script".to_owned())
        })?;
        if let Err(error) = self.admit(entry, args) {
            self.calls.push((entry.id, 0, Ending::Rejected));
            return Err(error);
        }
        let Some(mut db) = self.db.take() else {
            return Err(Error::Text("ERR no keyspace".to_owned()));
        };
        db.reach(inner_lock_plan(self.server, entry.command, args));
        let mut cx = Ctx {
            server: self.server,
            client: &self.client,
            local: &mut self.tools.local,
            db,
            reply: Reply::new(&mut self.tools.reply, self.version),
            effects: Effects::default(),
            entry,
            stopwatch: self.stopwatch,
            is_in_exec: true,
            wanted: None,
            again: None,
            calls: Calls::new(),
        };
        self.stopwatch.lap_nanos();
        self.began_us.get_or_insert(self.stopwatch.wall_us());
        let (_, failed) = run(&mut cx, entry, args, &mut self.unit);
        self.db = Some(cx.db);
        let nanos = self.stopwatch.lap_nanos();
        let ending = if failed { Ending::Failed } else { Ending::Done };
        self.calls.push((entry.id, nanos, ending));
        let now_us = self.stopwatch.wall_us();
        let caller = Caller::Script(&self.client);
        let habits = &mut self.tools.local.habits;
        tell(self.server, caller, habits, (entry, args), nanos, now_us);
        Ok(self.look_at(now_us))
    }

    /// Whether it is `DEBUG`, and scripts may call that: all of it that does not load libraries itself.
    fn may_debug(&self, entry: &Entry, args: &Args<'_>) -> bool {
        let loads = |word: &[u8]| {
            [&b"reload"[..], b"loadaof"]
                .iter()
                .any(|it| word.eq_ignore_ascii_case(it))
        };
        entry.full_name == "debug"
            && self.server.settings.lets_scripts_debug()
            && !args.get(1).is_some_and(loads)
    }

    /// Whether a script may call that command now: the checks of Redis in its order (`scriptCall`, script.c).
    fn admit(&mut self, entry: &Entry, args: &Args<'_>) -> Result<()> {
        let text = |text: &str| Error::Text(text.to_owned());
        if !entry.accepts(args.len()) {
            return Err(text(
                "ERR Wrong number of args calling Redis command from script",
            ));
        }
        let flags = entry.flags();
        if flags.contains(Flags::NOSCRIPT) && !self.may_debug(entry, args) {
            return Err(text("ERR This Redis command is not allowed from script"));
        }
        let now_ms = self.db.as_ref().map_or(0, |db| db.moment.now_ms);
        let local = &mut self.tools.local;
        permission::check_called(self.server, &self.client, local, (entry, args), now_ms)?;
        if flags.intersects(Flags::WRITE | Flags::MAY_REPLICATE) && self.is_read_only {
            return Err(text(
                "ERR Write commands are not allowed from read-only scripts.",
            ));
        }
        // What has changed something already goes on, so that it is not left half done.
        if flags.contains(Flags::WRITE)
            && !self.has_written
            && !self.client.is(State::REPLAY)
            && let Some(error) = gate::disk_error(self.server)
        {
            return Err(error);
        }
        if flags.contains(Flags::DENYOOM) && self.is_short_of_memory && !self.has_written {
            return Err(Error::OutOfMemory);
        }
        self.has_written |= flags.contains(Flags::WRITE);
        Ok(())
    }
}

/// The command or subcommand that a script names.
pub(super) fn find_for_script(server: &'static Server, args: &Args<'_>) -> Option<&'static Entry> {
    let entry = server.commands.find(args.get(0)?)?;
    match args.get(1) {
        Some(sub) if !entry.subcommands.is_empty() => find_subcommand(entry, sub).ok(),
        _ => Some(entry),
    }
}
