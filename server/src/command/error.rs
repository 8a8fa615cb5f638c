//! Every error text of the server, one variant each.
//!
//! The words are part of the interface: clients match on them. A variant's text is what stands
//! behind the `-` on the wire.

use protocol::Args;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // What is wrong with the arguments.
    #[error("WRONGTYPE Operation against a key holding the wrong kind of value")]
    WrongType,
    #[error("ERR The specified keys must contain string values")]
    NotStrings,
    #[error("ERR syntax error")]
    Syntax,
    #[error("ERR value is not an integer or out of range")]
    NotInteger,
    #[error("ERR value is out of range, value must between {0} and {1}")]
    NotBetween(i64, i64),
    #[error("ERR value is out of range, must be positive")]
    NotPositive,
    #[error("ERR value is not a valid float")]
    NotFloat,
    #[error("ERR value is NaN or Infinity")]
    NanOrInfinity,
    #[error("ERR Number of keys can't be greater than number of args")]
    TooManyNumkeys,
    #[error("ERR LIMIT can't be negative")]
    NegativeLimit,
    #[error("ERR hash value is not an integer")]
    HashNotInteger,
    #[error("ERR hash value is not a float")]
    HashNotFloat,
    #[error("ERR invalid expire time, must be >= 0")]
    NegativeExpire,
    #[error("ERR Mandatory argument FIELDS is missing or not at the right position")]
    NoFieldsWord,
    #[error("ERR Parameter `numFields` should be greater than 0")]
    NumfieldsNotPositive,
    #[error("ERR Number of fields must be a positive integer")]
    FieldCountNotPositive,
    #[error("ERR The `numfields` parameter must match the number of arguments")]
    NumfieldsMismatch,
    #[error("ERR wrong number of arguments for '{0}' command")]
    WrongArity(String),
    #[error("ERR unknown command '{name}', with args beginning with: {args}")]
    UnknownCommand { name: String, args: String },
    #[error("ERR unknown subcommand '{sub}'. Try {command} HELP.")]
    UnknownSubcommand { sub: String, command: String },
    #[error("ERR timeout is not a float or out of range")]
    TimeoutNotFloat,
    #[error("NOSCRIPT No matching script. Please use EVAL.")]
    NoScript,
    #[error(
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
    )]
    Busy,
    #[error(
        "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
    )]
    BusyFunction,
    #[error(
        "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
    )]
    Unkillable,
    #[error("NOTBUSY No scripts in execution right now.")]
    NotBusy,
    #[error(
        "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"
    )]
    ScriptNeedsMemory,
    #[error("ERR Can not execute a script with write flag using *_ro command.")]
    ScriptMayWrite,
    #[error("ERR Function not found")]
    NoFunction,
    #[error("ERR Bad number of keys provided")]
    BadKeyCount,
    #[error("ERR Library not found")]
    NoLibrary,
    #[error("ERR Library '{0}' already exists")]
    LibraryExists(String),
    #[error("ERR Unknown option given: {0}")]
    UnknownLoadOption(String),
    #[error("ERR Unknown argument {0}")]
    UnknownListArgument(String),
    #[error("ERR library name argument was not given")]
    NoLibraryName,
    #[error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")]
    FunctionFlushOption,
    #[error("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")]
    RestorePolicy,
    #[error("ERR DUMP payload version or checksum are wrong")]
    PayloadFooter,
    #[error("ERR given type is not a function")]
    PayloadNoFunction,
    #[error("ERR Pre-GA function format not supported")]
    PayloadPreRelease,
    #[error("ERR Failed loading library payload")]
    PayloadText,
    #[error("ERR Number of keys can't be greater than number of args")]
    MoreKeysThanArguments,
    #[error("ERR Number of keys can't be negative")]
    NegativeKeyCount,
    #[error("ERR no such key")]
    NoSuchKey,
    #[error("BUSYKEY Target key name already exists.")]
    BusyKey,
    #[error("ERR Invalid TTL value, must be >= 0")]
    InvalidTtl,
    #[error("ERR Invalid IDLETIME value, must be >= 0")]
    InvalidIdleTime,
    #[error("ERR Invalid FREQ value, must be >= 0 and <= 255")]
    InvalidFrequency,
    #[error("ERR DUMP payload version or checksum are wrong")]
    DumpFooter,
    #[error("ERR When using MIGRATE KEYS option, the key argument must be set to the empty string")]
    MigrateKeyAndKeys,
    #[error("IOERR error or timeout connecting to the client")]
    MigrateConnecting,
    #[error("IOERR error or timeout writing to target instance")]
    MigrateWriting,
    #[error("IOERR error or timeout reading to target instance")]
    MigrateReading,
    #[error("ERR Target instance replied with error: {0}")]
    MigrateRefused(String),
    #[error("ERR Bad data format")]
    BadDataFormat,
    #[error("ERR invalid expire time in '{0}' command")]
    InvalidExpire(String),
    #[error("ERR Unsupported option {0}")]
    UnsupportedOption(String),
    #[error("ERR NX and XX, GT or LT options at the same time are not compatible")]
    NxWithOthers,
    #[error("ERR GT and LT options at the same time are not compatible")]
    GtWithLt,
    #[error("ERR source and destination objects are the same")]
    SameObject,
    #[error("ERR invalid cursor")]
    InvalidCursor,
    #[error("ERR NOVALUES option can only be used in HSCAN")]
    NoValuesOutsideHscan,
    #[error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
    )]
    NotLfu,
    #[error(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
    )]
    IsLfu,
    #[error(
        "ERR A GDSF maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime it will take some time until it is known again."
    )]
    IsGdsf,
    #[error("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")]
    NoLogToWaitFor,
    #[error("ERR increment or decrement would overflow")]
    IncrementOverflow,
    #[error("ERR decrement would overflow")]
    DecrementOverflow,
    #[error("ERR increment would produce NaN or Infinity")]
    NotFinite,
    #[error("ERR index out of range")]
    IndexOutOfRange,
    #[error(
        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"
    )]
    RankZero,
    #[error("ERR COUNT can't be negative")]
    CountNegative,
    #[error("ERR MAXLEN can't be negative")]
    MaxlenNegative,
    #[error("ERR numkeys should be greater than 0")]
    NumkeysNotPositive,
    #[error("ERR count should be greater than 0")]
    CountNotPositive,
    #[error("ERR bit offset is not an integer or out of range")]
    BitOffset,
    #[error("ERR bit is not an integer or out of range")]
    NotBit,
    #[error("ERR The bit argument must be 1 or 0.")]
    BitArgument,
    #[error("ERR BITOP NOT must be called with a single source key.")]
    BitopNot,
    #[error(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
    )]
    BitfieldType,
    #[error("ERR Invalid OVERFLOW type specified")]
    OverflowType,
    #[error("ERR BITFIELD_RO only supports the GET subcommand")]
    BitfieldReadOnly,
    #[error("WRONGTYPE Key is not a valid HyperLogLog string value.")]
    NotHyperLogLog,
    #[error("INVALIDOBJ Corrupted HLL object detected")]
    CorruptedHyperLogLog,
    #[error("ERR The specified key does not exist")]
    NoKeyToDebug,
    #[error("ERR HLL encoding is not sparse")]
    NotSparse,
    #[error("ERR Unknown PFDEBUG subcommand '{0}'")]
    UnknownPfdebug(String),
    #[error("TESTFAILED Sparse and dense registers differ")]
    RegistersDiffer,
    #[error("TESTFAILED Too big error")]
    CountTooFarOff,
    #[error("ERR One or more scores can't be converted into double")]
    SortNotFloat,
    #[error("ERR offset is out of range")]
    OffsetOutOfRange,
    #[error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")]
    StringTooLong,
    #[error("ERR If you want both the length and indexes, please just use IDX.")]
    LcsLenAndIdx,
    #[error("ERR String too long for LCS")]
    LcsStringTooLong,
    #[error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")]
    LcsTooLarge,

    // What is wrong with sorted sets and places.
    #[error("ERR XX and NX options at the same time are not compatible")]
    XxWithNx,
    #[error("ERR GT, LT, and/or NX options at the same time are not compatible")]
    GtLtNx,
    #[error("ERR INCR option supports a single increment-element pair")]
    IncrOfSeveral,
    #[error("ERR resulting score is not a number (NaN)")]
    ScoreIsNan,
    #[error("ERR min or max is not a float")]
    NoScoreRange,
    #[error("ERR min or max not valid string range item")]
    NoLexRange,
    #[error(
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
    )]
    LimitByRank,
    #[error("ERR syntax error, WITHSCORES not supported in combination with BYLEX")]
    ScoresByLex,
    #[error("ERR at least 1 input key is needed for '{0}' command")]
    NoInputKeys(&'static str),
    #[error("ERR weight value is not a float")]
    WeightNotFloat,
    #[error("ERR value is out of range")]
    OutOfRange,
    #[error("ERR reply exceeds maximum allowed size (512 MB)")]
    ReplyTooLong,
    #[error("ERR LIMIT can't be negative")]
    LimitNegative,
    #[error("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}")]
    NoPlace { longitude: f64, latitude: f64 },
    #[error("ERR unsupported unit provided. please use M, KM, FT, MI")]
    NoUnit,
    #[error("ERR need numeric radius")]
    RadiusNotFloat,
    #[error("ERR radius cannot be negative")]
    RadiusNegative,
    #[error("ERR need numeric width")]
    WidthNotFloat,
    #[error("ERR need numeric height")]
    HeightNotFloat,
    #[error("ERR height or width cannot be negative")]
    BoxNegative,
    #[error("ERR could not decode requested zset member")]
    NoSuchPlace,
    #[error("ERR COUNT must be > 0")]
    CountNotAboveZero,
    #[error("ERR the ANY argument requires COUNT argument")]
    AnyWithoutCount,
    #[error("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {0}")]
    NoCenter(String),
    #[error("ERR exactly one of BYRADIUS and BYBOX can be specified for {0}")]
    NoExtent(String),
    #[error("ERR {0} is not compatible with WITHDIST, WITHHASH and WITHCOORD options")]
    StoreWithOptions(&'static str),

    #[error("ERR {0} option of SORT denied due to insufficient ACL permissions.")]
    SortDenied(&'static str),

    // What is wrong with tags.
    #[error("ERR numtags should be greater than 0")]
    NumtagsNotPositive,
    #[error("ERR tag is empty")]
    TagEmpty,
    #[error("ERR tag exceeds maximum allowed length (1024)")]
    TagTooLong,
    #[error("ERR too many tags for key (max {0})")]
    TooManyTags(usize),

    // What is wrong about streams.
    #[error("ERR Invalid stream ID specified as stream command argument")]
    StreamId,
    #[error("ERR invalid start ID for the interval")]
    StreamRangeStart,
    #[error("ERR invalid end ID for the interval")]
    StreamRangeEnd,
    #[error("ERR The ID specified in XADD must be greater than 0-0")]
    StreamIdZero,
    #[error("ERR The ID specified in XADD is equal or smaller than the target stream top item")]
    StreamIdTooSmall,
    #[error("ERR The stream has exhausted the last possible ID, unable to add more items")]
    StreamExhausted,
    #[error("ERR Elements are too large to be stored")]
    StreamEntryTooLarge,
    #[error("ERR the stream last element ID is 0-0")]
    StreamNoLastId,
    #[error("ERR syntax error, MAXLEN and MINID options at the same time are not compatible")]
    TrimStrategies,
    #[error("ERR The MAXLEN argument must be >= 0.")]
    TrimMaxlen,
    #[error("ERR The LIMIT argument must be >= 0.")]
    TrimLimit,
    #[error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")]
    TrimLimitAlone,
    #[error("ERR syntax error, LIMIT cannot be used without the special ~ option")]
    TrimLimitExact,
    #[error("ERR syntax error, XTRIM must be called with a trimming strategy")]
    TrimStrategy,
    #[error("ERR entries_added must be positive")]
    EntriesAdded,
    #[error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")]
    SetIdBelowGiven,
    #[error("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")]
    SetIdBelowDeleted,
    #[error("ERR The ID specified in XSETID is smaller than the target stream top item")]
    SetIdBelowTop,
    #[error("ERR The entries_added specified in XSETID is smaller than the target stream length")]
    EntriesAddedBelowLength,
    #[error("NOGROUP No such key '{key}' or consumer group '{group}'")]
    NoGroup { key: String, group: String },
    #[error(
        "NOGROUP No such key '{key}' or consumer group '{group}' in XREADGROUP with GROUP option"
    )]
    NoGroupToRead { key: String, group: String },
    #[error("NOGROUP No such consumer group '{group}' for key name '{key}'")]
    NoGroupIn { key: String, group: String },
    #[error("BUSYGROUP Consumer Group name already exists")]
    BusyGroup,
    #[error(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."
    )]
    GroupWithoutKey,
    #[error("ERR value for ENTRIESREAD must be positive or -1")]
    EntriesRead,
    #[error(
        "ERR Unbalanced '{0}' list of streams: for each stream key an ID or '{1}' must be specified."
    )]
    UnbalancedStreams(&'static str, char),
    #[error("ERR The {0} option is only supported by XREADGROUP. You called XREAD instead.")]
    OutsideGroup(&'static str),
    #[error("ERR Missing GROUP option for XREADGROUP")]
    GroupMissing,
    #[error(
        "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
    )]
    NewOutsideGroup,
    #[error(
        "ERR The {0} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The {0} ID would just return an empty result set."
    )]
    MeaninglessInGroup(char),
    #[error("ERR Invalid min-idle-time argument for {0}")]
    MinIdle(&'static str),
    #[error("ERR Invalid {0} option argument for XCLAIM")]
    ClaimOption(&'static str),
    #[error("ERR Unrecognized XCLAIM option '{0}'")]
    UnrecognizedClaim(String),
    #[error("ERR COUNT must be > 0")]
    ClaimCount,
    #[error("ERR Insufficient memory, failed allocating transient memory, COUNT too high.")]
    ClaimCountTooHigh,

    #[error("ERR DB index is out of range")]
    DbOutOfRange,

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
    #[error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
    )]
    HelloNoAuth,
    #[error("NOPERM User {user} has no permissions to run the '{command}' command")]
    CommandDenied { user: String, command: String },
    #[error("NOPERM No permissions to access a key")]
    KeyDenied,
    #[error("NOPERM No permissions to access a channel")]
    ChannelDenied,
    #[error(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: {0}"
    )]
    DeniedSince(&'static str),
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

    // What `HELLO`, `AUTH`, `SELECT`, `CLIENT` and `MONITOR` find wrong.
    #[error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
    )]
    AuthWithoutPassword,
    #[error("WRONGPASS invalid username-password pair or user is disabled.")]
    WrongPassword,
    #[error("ERR Protocol version is not an integer or out of range")]
    HelloVersion,
    #[error("NOPROTO unsupported protocol version")]
    NoProto,
    #[error("ERR Syntax error in HELLO option '{0}'")]
    HelloOption(String),
    #[error("ERR value is out of range, value must between -2147483648 and 2147483647")]
    NotInt32,
    #[error("ERR Client names cannot contain spaces, newlines or special characters.")]
    ClientName,
    #[error("ERR {0} cannot contain spaces, newlines or special characters.")]
    ClientAttribute(String),
    #[error("ERR Unrecognized option '{0}'")]
    UnrecognizedOption(String),
    #[error("ERR unknown subcommand or wrong number of arguments for '{sub}'. Try {command} HELP.")]
    SubcommandSyntax { sub: String, command: &'static str },
    #[error("ERR Unknown client type '{0}'")]
    ClientType(String),
    #[error("ERR Invalid client ID")]
    ClientId,
    #[error("ERR client-id should be greater than 0")]
    ClientIdNotPositive,
    #[error("ERR maxage is not an integer or out of range")]
    MaxAge,
    #[error("ERR maxage should be greater than 0")]
    MaxAgeNotPositive,
    #[error("ERR No such client")]
    NoSuchClient,
    #[error("ERR No such user '{0}'")]
    NoSuchUser(String),
    #[error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")]
    UnblockReason,
    #[error("ERR CLIENT PAUSE mode must be WRITE or ALL")]
    PauseMode,
    #[error("ERR A client can only redirect to a single other client")]
    RedirectTwice,
    #[error("ERR The client ID you want redirect to does not exist")]
    RedirectNobody,
    #[error("ERR PREFIX option requires BCAST mode to be enabled")]
    PrefixWithoutBcast,
    #[error(
        "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode."
    )]
    SwitchBcast,
    #[error("ERR OPTIN and OPTOUT are not compatible with BCAST")]
    BcastWithOption,
    #[error("ERR You can't specify both OPTIN mode and OPTOUT mode")]
    OptinWithOptout,
    #[error(
        "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode."
    )]
    SwitchOption,
    #[error(
        "ERR Prefix '{0}' overlaps with an existing prefix '{1}'. Prefixes for a single client must not overlap."
    )]
    PrefixExists(String, String),
    #[error(
        "ERR Prefix '{0}' overlaps with another provided prefix '{1}'. Prefixes for a single client must not overlap."
    )]
    PrefixTwice(String, String),
    #[error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
    )]
    CachingWithoutTracking,
    #[error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")]
    CachingYes,
    #[error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")]
    CachingNo,
    #[error("ERR timeout is not an integer or out of range")]
    TimeoutNotInteger,
    #[error("ERR timeout is negative")]
    TimeoutNegative,
    #[error("ERR timeout is out of range")]
    TimeoutOutOfRange,
    #[error("ERR MONITOR isn't allowed for DENY BLOCKING client")]
    MonitorDenied,
    #[error("ERR Replica can't interact with the keyspace")]
    ReplicaKeyspace,
    #[error(
        "ERR Can't execute '{0}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
    )]
    SubscriberContext(&'static str),

    // What `ACL` finds wrong.
    #[error("ERR Error in ACL SETUSER modifier '{rule}': {reason}")]
    AclRule { rule: String, reason: String },
    #[error("ERR Unmatched parenthesis in acl selector starting at '{0}'.")]
    AclSelector(String),
    #[error("ERR Usernames can't contain spaces or null characters")]
    UserName,
    #[error("ERR The 'default' user cannot be removed")]
    DefaultUser,
    #[error("ERR User '{0}' not found")]
    UserNotFound(String),
    #[error("ERR Command '{0}' not found")]
    CommandNotFound(String),
    #[error("ERR Unknown category '{0}'")]
    UnknownCategory(String),
    #[error(
        "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to {0}"
    )]
    GenpassBits(usize),
    #[error(
        "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration."
    )]
    NoAclFile,
    #[error(
        "ERR There was an error trying to save the ACLs. Please check the server logs for more information"
    )]
    AclSave,

    // What the commands of the server as a whole find wrong.
    #[error("ERR invalid first DB index")]
    InvalidFirstDb,
    #[error("ERR invalid second DB index")]
    InvalidSecondDb,
    #[error("ERR Out of range database")]
    OutOfRangeDatabase,
    #[error("ERR No shutdown in progress.")]
    NoShutdown,
    #[error("ERR Errors trying to SHUTDOWN. Check logs.")]
    ShutdownFailed,
    #[error("ERR Background save already in progress")]
    SaveRunning,
    #[error(
        "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible."
    )]
    SaveBesideRewrite,
    #[error("ERR")]
    SaveFailed,
    #[error("ERR Background append only file rewriting already in progress")]
    RewriteRunning,
    #[error(
        "ERR Can't execute an AOF background rewriting. Please check the server logs for more information."
    )]
    RewriteFailed,
    #[error("ERR count should be greater than or equal to -1")]
    SlowlogCount,
    #[error("ERR No samples available for event '{0}'")]
    NoLatencySamples(String),
    #[error("ERR Error purging dirty pages")]
    PurgeFailed,
    #[error("ERR RESP2 is not supported by this command")]
    NeedsResp3,
    #[error(
        "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
    )]
    ProtocolType,
    #[error("ERR OOM in dictTryExpand")]
    PopulateTooLarge,
    #[error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")]
    ReloadOption,
    #[error("ERR Error trying to load the RDB dump, check server logs.")]
    ReloadFailed,
    #[error("ERR Error trying to load the AOF files, check server logs.")]
    ReloadLogFailed,
    #[error("ERR argument must be a memory value bigger than 1 and smaller than 4gb")]
    PackedThreshold,
    #[error("ERR Not a listpack encoded object.")]
    NotListpack,
    #[error("ERR Not a quicklist encoded object.")]
    NotQuicklist,
    #[error("ERR The value stored at the specified key is not represented using an hash table")]
    NotHashTable,

    // What the server cannot do now.
    #[error("OOM command not allowed when used memory > 'maxmemory'.")]
    OutOfMemory,
    #[error("LOADING Redis is loading the dataset in memory")]
    Loading,
    #[error(
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error."
    )]
    SnapshotFailed,
    #[error("MISCONF Errors writing to the AOF file: {0}")]
    LogBroken(String),
    #[error(
        "ERR {0} command not allowed. If the {1} option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."
    )]
    Protected(&'static str, &'static str),

    /// A text that depends on too much to be a variant: an option's own complaint, a nested error.
    #[error("{0}")]
    Text(String),
}

impl Error {
    /// What is said to a subcommand that does not exist or has the wrong number of words.
    pub fn subcommand_syntax(args: &Args<'_>, command: &'static str) -> Error {
        let sub = shown_up_to(args.get(1).unwrap_or_default(), 128);
        Error::SubcommandSyntax { sub, command }
    }

    /// The first word, as `INFO errorstats` counts it: `ERR` if none ends soon enough (`afterErrorReply`,
    /// networking.c).
    pub fn prefix(text: &str) -> &str {
        let end = text.bytes().take(LONGEST_PREFIX).position(|it| it == b' ');
        end.map_or("ERR", |end| &text[..end])
    }

    /// The text as it goes over the wire, with what [`shown`] has put into it as it was sent.
    pub fn reply_text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for letter in self.to_string().chars() {
            match u8::try_from(u32::from(letter).wrapping_sub(SHOWN_FROM)) {
                Ok(byte) => text.push(byte),
                Err(_) => text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        text
    }
}

/// A longer first word is none, as in Redis.
const LONGEST_PREFIX: usize = 31;

/// Bytes of a request that are not ASCII stand in error texts as letters of a plane for private use,
/// from here on: a text is a `String`, but what a client sent need not be UTF-8.
const SHOWN_FROM: u32 = 0x10_FE00;

impl From<storage::value::hll::Corrupted> for Error {
    fn from(_: storage::value::hll::Corrupted) -> Error {
        Error::CorruptedHyperLogLog
    }
}

impl From<storage::db::WrongType> for Error {
    fn from(_: storage::db::WrongType) -> Error {
        Error::WrongType
    }
}

/// A word of a request for an error text: Redis prints it with `%s`, which ends at a NUL.
pub fn shown(word: &[u8]) -> String {
    shown_up_to(word, usize::MAX)
}

/// The first `limit` bytes of [`shown`] (`%.128s`).
pub fn shown_up_to(word: &[u8], limit: usize) -> String {
    let bytes = word.iter().take_while(|&&byte| byte != 0).take(limit);
    bytes
        .map(|&byte| match byte {
            0..0x80 => char::from(byte),
            _ => {
                char::from_u32(SHOWN_FROM + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sent_is_said_back_byte_for_byte() {
        let word: Vec<u8> = (1..=255).collect();
        let text = Error::UnsupportedOption(shown(&word)).reply_text();
        assert_eq!(text, [b"ERR Unsupported option ", &word[..]].concat());
        assert_eq!(Error::Text("é €".to_owned()).reply_text(), "é €".as_bytes());
        assert_eq!(
            (shown(b"a\0b"), shown_up_to(b"abc", 2)),
            ("a".to_owned(), "ab".to_owned())
        );
    }
}
