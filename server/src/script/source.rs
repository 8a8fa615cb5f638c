//! A script's text and what its first line says of it.

use super::{Sha, sha_of};

bitflags::bitflags! {
    /// What a script says of itself.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ScriptFlags: u32 {
        /// It never writes.
        const NO_WRITES = 1 << 0;
        /// It may run when memory is short.
        const ALLOW_OOM = 1 << 1;
        /// It may run on a replica with old data.
        const ALLOW_STALE = 1 << 2;
        /// It does not run in a cluster.
        const NO_CLUSTER = 1 << 3;
        /// Its keys may lie in several slots.
        const ALLOW_CROSS_SLOT_KEYS = 1 << 4;
    }
}

impl ScriptFlags {
    const NAMES: [(&'static str, ScriptFlags); 5] = [
        ("no-writes", ScriptFlags::NO_WRITES),
        ("allow-oom", ScriptFlags::ALLOW_OOM),
        ("allow-stale", ScriptFlags::ALLOW_STALE),
        ("no-cluster", ScriptFlags::NO_CLUSTER),
        ("allow-cross-slot-keys", ScriptFlags::ALLOW_CROSS_SLOT_KEYS),
    ];

    /// The names of these flags.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        ScriptFlags::NAMES
            .iter()
            .filter(move |(_, flag)| self.contains(*flag))
            .map(|(name, _)| *name)
    }

    /// The flag of that name.
    pub fn named(name: &str) -> Option<ScriptFlags> {
        let mut names = ScriptFlags::NAMES.iter();
        names.find(|(known, _)| *known == name).map(|(_, it)| *it)
    }
}

/// A script.
#[derive(Debug)]
pub struct Source {
    /// What it is called by.
    pub sha: Sha,
    /// As it was sent.
    pub text: Vec<u8>,
    /// Where the Lua begins: behind the first line, if that is a shebang.
    body_at: usize,
    /// What the first line says; `None` without one, which leaves a script what it could do in old versions.
    pub flags: Option<ScriptFlags>,
}

impl Source {
    /// Reads the first line of a script.
    ///
    /// # Errors
    /// The text of the error, if that line is not as it must be.
    pub fn parse(text: &[u8]) -> Result<Source, String> {
        let mut source = Source {
            sha: sha_of(text),
            text: text.to_vec(),
            body_at: 0,
            flags: None,
        };
        if !text.starts_with(b"#!") {
            return Ok(source);
        }
        let end = text.iter().position(|&byte| byte == b'\n');
        let Some(end) = end else {
            return Err("Invalid script shebang".to_owned());
        };
        let line = String::from_utf8_lossy(&text[..end]).into_owned();
        let mut words = line.split_ascii_whitespace();
        let engine = words.next().unwrap_or_default();
        if engine != "#!lua" {
            return Err(format!("Unexpected engine in script shebang: {engine}"));
        }
        let mut flags = ScriptFlags::empty();
        for word in words {
            let Some(names) = word.strip_prefix("flags=") else {
                return Err(format!("Unknown lua shebang option: {word}"));
            };
            for name in names.split(',').filter(|name| !name.is_empty()) {
                let flag = ScriptFlags::named(name);
                flags |=
                    flag.ok_or_else(|| format!("Unexpected flag in script shebang: {name}"))?;
            }
        }
        // The line end stays, so that lines are counted from the shebang.
        source.body_at = end;
        source.flags = Some(flags);
        Ok(source)
    }

    /// The Lua.
    pub fn body(&self) -> &[u8] {
        &self.text[self.body_at..]
    }
}
