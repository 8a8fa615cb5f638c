//! From a configuration to a running server, and to its end.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::LocalSet;

use crate::acl::{self, Acl};
use crate::command::Table;
use crate::commands::FAMILIES;
use crate::config::{Config, REDIS_VERSION, ShutdownFlags, StartupError, options};
use crate::net::listening;
use crate::net::threads::Threads;
use crate::server::Server;
use crate::{cron, logging, persist, process};

/// Runs the server until it is told to stop.
pub fn run(config: Config) -> ExitCode {
    let commands = commands(&config).and_then(|commands| {
        let acl = Acl::new(&commands);
        check_users(&config, &acl)?;
        Ok((commands, acl))
    });
    let (commands, acl) = match commands {
        Ok(commands) => commands,
        Err(error) => {
            eprint!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(complaint) = prepare(&config) {
        eprintln!("{complaint}");
        return ExitCode::FAILURE;
    }
    let io_threads = config.get(options::IO_THREADS);
    let server = Server::new(config, commands, acl, io_threads);
    match serve(server, io_threads) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::warn!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The table of commands, renamed as the configuration says.
fn commands(config: &Config) -> Result<Table, StartupError> {
    let directives = config.directives();
    let mut commands = Table::new(FAMILIES);
    for rename in &directives.renames {
        if let [old, new] = rename.arguments.as_slice() {
            commands
                .rename(old, new)
                .map_err(|reason| StartupError::at(rename, reason))?;
        }
    }
    Ok(commands)
}

/// Looks whether the `user` lines of the configuration can be read.
fn check_users(config: &Config, acl: &Acl) -> Result<(), StartupError> {
    let lines = &config.directives().users;
    for (index, line) in lines.iter().enumerate() {
        let name = line.arguments.first();
        let is_duplicate = lines[..index].iter().any(|it| it.arguments.first() == name);
        let checked = match is_duplicate {
            true => Err(acl::LineError {
                word: name.cloned().unwrap_or_default(),
                error: acl::RuleError::Duplicate,
            }),
            false => acl.check_line(&line.arguments),
        };
        checked.map_err(|acl::LineError { word, error }| {
            let word = String::from_utf8_lossy(&word);
            StartupError::at(line, format!("Error in user declaration '{word}': {error}"))
        })?;
    }
    Ok(())
}

/// Makes the users that the configuration, or a file of their own, describes.
fn load_users(server: &Server) -> Result<(), String> {
    let config = &server.settings.config;
    let (lines, file) = (&config.directives().users, config.path(options::ACLFILE));
    let has_file = !file.as_os_str().is_empty();
    if has_file && !lines.is_empty() {
        return Err(
            "Configuring Redis with users defined in redis.conf and at the same setting an ACL \
             file path is invalid. This setup is very likely to lead to configuration errors and \
             security holes, please define either an ACL file or declare users directly in your \
             redis.conf, but not both."
                .to_owned(),
        );
    }
    server
        .acl
        .set_default_password(&config.bytes(options::REQUIREPASS));
    let basis = server.acl.basis(server.settings.gives_all_channels());
    for line in lines {
        server
            .acl
            .declare(&line.arguments, &basis)
            .map_err(|error| {
                tracing::warn!("{error}");
                "Critical error while loading ACLs. Exiting."
            })?;
    }
    if has_file {
        let declared = server.acl.read(&file, &basis).map_err(|errors| {
            let errors = String::from_utf8_lossy(&errors);
            format!("Aborting Redis startup because of ACL errors: {errors}")
        })?;
        server.acl.replace(declared, &basis);
    }
    Ok(())
}

/// What happens before there is a server: log, working directory, background.
fn prepare(config: &Config) -> Result<(), String> {
    let dir = config.text(options::DIR);
    if !dir.is_empty() {
        std::env::set_current_dir(&dir)
            .map_err(|error| format!("Can't chdir to '{dir}': {error}"))?;
    }
    if config.get(options::DAEMONIZE) {
        process::daemonize().map_err(|error| format!("Can't go into the background: {error}"))?;
    }
    logging::set_level(config.get(options::LOGLEVEL));
    let file = config.text(options::LOGFILE).to_string();
    logging::set_file(&file).map_err(|error| format!("Can't open the log file {file}: {error}"))?;
    logging::start();
    Ok(())
}

fn announce(server: &Server) {
    let pid = std::process::id();
    let port = server.settings.config.get(options::PORT);
    tracing::info!("oO0OoO0OoO0Oo Keytag is starting oO0OoO0OoO0Oo");
    tracing::info!(
        "Redis version={REDIS_VERSION}, bits=64, commit={}, modified=0, pid={pid}, just started",
        env!("KEYTAG_COMMIT")
    );
    tracing::info!("Configuration loaded");
    if server.settings.config.get(options::ALWAYS_SHOW_LOGO) {
        println!(
            "\n    _  __          _\n   | |/ /___ _   _| |_ __ _  __ _     Keytag {} (Redis {REDIS_VERSION})\n   | ' // _ \\ | | | __/ _` |/ _` |    Port: {port}\n   | . \\  __/ |_| | || (_| | (_| |    PID: {pid}\n   |_|\\_\\___|\\__, |\\__\\__,_|\\__, |\n             |___/          |___/\n",
            env!("CARGO_PKG_VERSION")
        );
    } else {
        tracing::info!("Running mode=standalone, port={port}. PID: {pid}");
    }
    for option in server.settings.config.without_effect() {
        tracing::warn!("Option '{option}' is accepted, but has no effect yet");
    }
    tracing::info!("Server initialized");
}

fn serve(server: &'static Server, io_threads: usize) -> Result<(), String> {
    announce(server);
    load_users(server)?;
    let config = &server.settings.config;
    let fitting = process::reserve_files(config.get(options::MAXCLIENTS) as u64);
    server.settings.limit_clients(fitting as usize);
    let pid_file = pid_file(config);
    if let Some(path) = &pid_file {
        process::write_pid(path);
    }
    let sockets = listening::open(config)?;
    server.gates.set_loading(true);
    let threads = Threads::start(server, io_threads)
        .map_err(|error| format!("Can't start I/O threads: {error}"))?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let threads: &'static Threads = Box::leak(Box::new(threads));
    let startup_bytes = storage::memory::used_bytes();
    server
        .run
        .startup_bytes
        .store(startup_bytes, Ordering::Relaxed);
    let result = LocalSet::new().block_on(&runtime, async {
        let unix = config.text(options::UNIXSOCKET).to_string();
        tokio::task::spawn_local(listening::serve(server, sockets, threads));
        // From here to the end: one that comes while a stop fails is heard by the next.
        let mut signals = Signals::new().ok();
        let loaded = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let result = persist::start(server);
            let _ = loaded.0.send(result);
        });
        tokio::select! {
            result = loaded.1 => result.unwrap_or_else(|_| Err("Loading ended early".to_owned()))?,
            _ = asked_to_stop(server, signals.as_mut()) => {
                tracing::warn!("Received a request to stop while loading, exiting now");
                return Ok(());
            }
        }
        server.gates.set_loading(false);
        cron::start(server)
            .map_err(|error| format!("Can't start the background thread: {error}"))?;
        for (kind, is_open) in [
            ("tcp", config.get(options::PORT) != 0),
            ("unix", !unix.is_empty()),
        ] {
            if is_open {
                tracing::info!("Ready to accept connections {kind}");
            }
        }
        process::notify_supervisor("STATUS=Ready to accept connections\nREADY=1\n");
        stop(server, signals).await;
        Ok(())
    });
    if let Some(path) = pid_file {
        // Gone already, or never written: nothing is left to do.
        let _ = std::fs::remove_file(path);
    }
    let unix = config.text(options::UNIXSOCKET).to_string();
    if !unix.is_empty() {
        tracing::info!("Removing the unix socket file.");
        let _ = std::fs::remove_file(unix);
    }
    if result.is_ok() {
        tracing::warn!("Keytag is now ready to exit, bye bye...");
    }
    result
}

/// Ends when the server was asked to stop, and everything is written.
async fn stop(server: &'static Server, mut signals: Option<Signals>) {
    loop {
        let wish = asked_to_stop(server, signals.as_mut()).await;
        let Err(error) = persist::stop(server, wish) else {
            return;
        };
        tracing::warn!("{error}");
        server.shutdown.note_failure();
    }
}

/// The signals that the server listens to.
struct Signals {
    term: Signal,
    int: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// Ends when a signal or `SHUTDOWN` asks the server to stop; how.
async fn asked_to_stop(server: &Server, signals: Option<&mut Signals>) -> ShutdownFlags {
    let config = &server.settings.config;
    let Some(Signals { term, int, hangup }) = signals else {
        server.shutdown.requested.notified().await;
        return server.shutdown.wish();
    };
    loop {
        tokio::select! {
            _ = term.recv() => {
                tracing::warn!("Received SIGTERM scheduling shutdown...");
                return config.get(options::SHUTDOWN_ON_SIGTERM);
            }
            _ = int.recv() => {
                tracing::warn!("Received SIGINT scheduling shutdown...");
                return config.get(options::SHUTDOWN_ON_SIGINT);
            }
            // Redis ignores it: a terminal that closes takes no server with it.
            _ = hangup.recv() => {}
            () = server.shutdown.requested.notified() => return server.shutdown.wish(),
        }
    }
}

/// Where the process number is written: where the configuration says, or the usual place of a daemon.
fn pid_file(config: &Config) -> Option<PathBuf> {
    let path = config.text(options::PIDFILE).to_string();
    match (path.is_empty(), config.get(options::DAEMONIZE)) {
        (false, _) => Some(PathBuf::from(path)),
        (true, true) => Some(PathBuf::from("/var/run/redis.pid")),
        (true, false) => None,
    }
}
