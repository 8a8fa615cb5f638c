//! Every error text of the server, one variant each.
//!
//! The words are part of the interface: clients match on them. A variant's text is what stands
//! behind the `-` on the wire.

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // What is wrong with the arguments.
    #[error("WRONGTYPE Operation against a key holding the wrong kind of value")]
    #[expect(dead_code, reason = "strings are the only type so far")]
    WrongType,
    #[error("ERR syntax error")]
    Syntax,
    #[error("ERR value is not an integer or out of range")]
    NotInteger,
    #[error("ERR value is not a valid float")]
    NotFloat,
    #[error("ERR wrong number of arguments for '{0}' command")]
    WrongArity(String),
    #[error("ERR unknown command '{name}', with args beginning with: {args}")]
    UnknownCommand { name: String, args: String },
    #[error("ERR unknown subcommand '{sub}'. Try {command} HELP.")]
    UnknownSubcommand { sub: String, command: String },
    #[error("ERR no such key")]
    NoSuchKey,
    #[error("ERR index out of range")]
    IndexOutOfRange,
    #[error("ERR invalid expire time in '{0}' command")]
    InvalidExpire(String),
    #[error("ERR DB index is out of range")]
    DbOutOfRange,
    #[error("ERR invalid DB index")]
    InvalidDb,

    // What `COMMAND GETKEYS` finds wrong with the request it is asked about.
    #[error("ERR Invalid command specified")]
    InvalidCommand,
    #[error("ERR Invalid number of arguments specified for command")]
    InvalidArity,
    #[error("ERR The command has no key arguments")]
    NoKeyArguments,
    #[error("ERR Invalid arguments specified for command")]
    InvalidArguments,

    // What the connection may not do now.
    #[error("NOAUTH Authentication required.")]
    NoAuth,
    #[error("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")]
    HelloNoAuth,
    #[error("EXECABORT Transaction discarded because of previous errors.")]
    ExecAbort,
    #[error("EXECABORT Transaction discarded because of: {0}")]
    ExecAbortBecause(String),
    #[error("ERR Command not allowed inside a transaction")]
    NotInTransaction,

    #[error("ERR MULTI calls can not be nested")]
    NestedMulti,
    #[error("ERR EXEC without MULTI")]
    ExecWithoutMulti,
    #[error("ERR DISCARD without MULTI")]
    DiscardWithoutMulti,
    #[error("ERR WATCH inside MULTI is not allowed")]
    WatchInMulti,

    // What the server cannot do now.
    #[error("OOM command not allowed when used memory > 'maxmemory'.")]
    OutOfMemory,
    #[error("LOADING Redis is loading the dataset in memory")]
    Loading,
    #[error("MISCONF Errors writing to the AOF file: {0}")]
    LogBroken(String),
    #[error("ERR {0} command not allowed. If the {1} option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.")]
    Protected(&'static str, &'static str),

    /// A text that depends on too much to be a variant: an option's own complaint, a nested error.
    #[error("{0}")]
    Text(String),
}

impl Error {
    /// The first word, as `INFO errorstats` counts it.
    pub fn prefix(text: &str) -> &str {
        text.split(' ').next().unwrap_or(text)
    }
}
