//! The command line, in the grammar of redis-server.
//!
//! `keytag-server [/path/to/redis.conf] [--option value …] [-]`: flags are turned into lines that follow
//! those of the file and of standard input, so they win, and are complained about in the same words.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use protocol::split_line;

use super::load::{Loader, StartupError, read_file, read_standard_input};
use super::{Config, REDIS_VERSION, system};
use protocol::quote;

/// What a command line asks for.
#[derive(Debug)]
pub enum Startup {
    /// A server.
    Run(Box<Config>),
    /// A text on standard output, and the end.
    Print {
        /// The text, with its line ends.
        text: String,
        /// The code the process ends with.
        exit_code: u8,
    },
}

/// Reads the command line, and the files it names, into a configuration.
///
/// `args` begins with the name of the program. `dir` is entered when it is met, so relative paths that
/// follow it are read from there, as in Redis.
///
/// # Errors
/// What Redis would refuse to start with; the text is the [`std::fmt::Display`] of the error, for
/// standard error, and the exit code is 1.
pub fn from_command_line(args: Vec<OsString>) -> Result<Startup, StartupError> {
    let args: Vec<Vec<u8>> = args.into_iter().map(OsStringExt::into_vec).collect();
    let (program, args) = args
        .split_first()
        .map_or((&b""[..], &[][..]), |(program, args)| {
            (program.as_slice(), args)
        });
    if let Some(answer) = answer_switch(program, args) {
        return answer;
    }
    let plan = Plan::of(args);
    let mut config = Config::new();
    config.file = plan.file.as_deref().map(absolute);
    let mut text = Vec::new();
    if let Some(file) = &config.file {
        text = read_file(file)?;
    }
    if plan.reads_standard_input {
        text.extend_from_slice(&read_standard_input()?);
    }
    if !plan.lines.is_empty() {
        text.push(b'\n');
        text.extend_from_slice(&plan.lines);
    }
    let mut loader = Loader::new(&config);
    loader.load(&text)?;
    config.directives = loader.finish()?;
    Ok(Startup::Run(Box::new(config)))
}

/// Answers what is no start: these count as the first argument only.
fn answer_switch(program: &[u8], args: &[Vec<u8>]) -> Option<Result<Startup, StartupError>> {
    let print = |text, exit_code| Some(Ok(Startup::Print { text, exit_code }));
    match args.first()?.as_slice() {
        b"-v" | b"--version" => print(version_line(), 0),
        b"-h" | b"--help" => Some(Err(StartupError::Usage(usage(program)))),
        b"--test-memory" => {
            // Redis fills memory with patterns here. The kernel's memtest= and memtester do it better.
            Some(Err(StartupError::Usage(
                "This server has no memory test. Use memtester instead.\n".to_owned(),
            )))
        }
        b"--check-system" => {
            let (text, is_fine) = system::check();
            print(text, u8::from(!is_fine))
        }
        _ => None,
    }
}

/// The answer to `--version`; scripts and libraries read what follows `v=`.
pub fn version_line() -> String {
    let commit = env!("KEYTAG_COMMIT");
    let build = build_id();
    format!(
        "Redis server v={REDIS_VERSION} sha={commit}:0 malloc=jemalloc-5.3.0 bits=64 build={build}\n"
    )
}

/// 16 hexadecimal digits that differ between builds of different sources.
pub fn build_id() -> String {
    const SOURCE: &str = concat!(env!("CARGO_PKG_VERSION"), "-", env!("KEYTAG_COMMIT"));
    // FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/).
    let hash = SOURCE
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{hash:016x}")
}

fn usage(program: &[u8]) -> String {
    let name = Path::new(std::ffi::OsStr::from_bytes(program)).file_name();
    let name = name.map_or("keytag-server".into(), |name| {
        name.to_string_lossy().into_owned()
    });
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    let mut command = Command::new("keytag-server")
        .about("A cache server that speaks Redis' protocol.")
        .override_usage(format!("{name} [/path/to/redis.conf] [--option value …] [-]"))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(switch("version", "Prints the version").short('v'))
        .arg(switch("help", "Prints this").short('h'))
        .arg(switch("check-system", "Tells what of this machine is in the way of a server"))
        .after_help(format!(
            "Every directive of redis.conf is an option, and `-` reads more of them from standard input.\n\n\
             Examples:\n  \
             {name} --port 7777\n  \
             {name} /etc/redis.conf --loglevel verbose\n  \
             {name} --save 900 1 --save 300 10 --maxmemory 256mb --maxmemory-policy allkeys-lru\n  \
             echo 'maxmemory 128mb' | {name} -"
        ));
    command.render_help().to_string()
}

/// What a command line says, in its parts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    file: Option<Vec<u8>>,
    reads_standard_input: bool,
    /// The flags as lines of a file.
    lines: Vec<u8>,
}

impl Plan {
    fn of(args: &[Vec<u8>]) -> Self {
        let mut plan = Self::default();
        // Right after the bare name of an option anything is its value, also what looks like an option.
        let mut wants_value = false;
        for (index, arg) in args.iter().enumerate() {
            let is_last = index + 1 == args.len();
            if index == 0 && !arg.starts_with(b"-") {
                plan.file = Some(arg.clone());
            } else if arg == b"-" && (index == 0 || is_last) {
                plan.reads_standard_input = true;
            } else if !wants_value && let Some(option) = arg.strip_prefix(b"--") {
                let next = args.get(index + 1).map(Vec::as_slice);
                wants_value = plan.begin_line(option, next);
            } else {
                quote(arg, &mut plan.lines);
                plan.lines.push(b' ');
                wants_value = false;
            }
        }
        plan
    }

    /// Begins a line with an option, which may come with its values; tells whether it needs one.
    fn begin_line(&mut self, option: &[u8], next: Option<&[u8]>) -> bool {
        if !self.lines.is_empty() {
            self.lines.push(b'\n');
        }
        self.lines.extend_from_slice(option);
        self.lines.push(b' ');
        let has_value = split_line(option).is_none_or(|words| words.args().len() > 1);
        // A bare --save turns saving off, since the option knows no other way on a command line.
        let ends_here = next.is_none_or(|next| next.starts_with(b"--"));
        if ends_here && option.eq_ignore_ascii_case(b"save") {
            self.lines.extend_from_slice(b"\"\"");
            return false;
        }
        !has_value
    }
}

/// The path seen from the root, without `../` at its beginning.
fn absolute(path: &[u8]) -> PathBuf {
    let mut rest = Path::new(std::ffi::OsStr::from_bytes(path));
    // Without a working directory a relative path stays what it is.
    let mut base = std::env::current_dir().unwrap_or_default();
    while let Ok(inner) = rest.strip_prefix("..") {
        base.pop();
        rest = inner;
    }
    base.join(rest)
}

#[cfg(test)]
mod tests;
