//! What texts single options refuse beyond their kind.

use super::value::Refusal;

/// Refuses nothing.
pub fn anything(_: &[u8]) -> Result<(), Refusal> {
    Ok(())
}

/// `dbfilename` is a name in the working directory.
pub fn dbfilename(text: &[u8]) -> Result<(), Refusal> {
    if is_path(text) {
        return Err("dbfilename can't be a path, just a filename".into());
    }
    Ok(())
}

/// `appendfilename` is a name in the append-only directory.
pub fn appendfilename(text: &[u8]) -> Result<(), Refusal> {
    if text.is_empty() {
        return Err("appendfilename can't be empty".into());
    }
    if is_path(text) {
        return Err("appendfilename can't be a path, just a filename".into());
    }
    Ok(())
}

/// `appenddirname` is a name in the working directory.
pub fn appenddirname(text: &[u8]) -> Result<(), Refusal> {
    if text.is_empty() {
        return Err("appenddirname can't be empty".into());
    }
    if is_path(text) {
        return Err("appenddirname can't be a path, just a dirname".into());
    }
    Ok(())
}

fn is_path(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'/' | b'\\'))
}

/// `cluster-announce-hostname` is a host name of less than 256 bytes.
pub fn hostname(text: &[u8]) -> Result<(), Refusal> {
    if text.len() >= 256 {
        return Err("Hostnames must be less than 256 characters".into());
    }
    if !text
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
    {
        return Err("Hostnames may only contain alphanumeric characters, hyphens or dots".into());
    }
    Ok(())
}

/// `cluster-announce-human-nodename` has none of the characters that divide nodes.conf.
pub fn human_nodename(text: &[u8]) -> Result<(), Refusal> {
    if text
        .iter()
        .any(|byte| b"\0!#$%&()*+:;<>?@[]^{|}~".contains(byte))
    {
        return Err("Announced human node name contained invalid character".into());
    }
    Ok(())
}

/// `locale-collate` names a locale that is always there or installed; an empty one is the environment's.
pub fn locale(text: &[u8]) -> Result<(), Refusal> {
    let is_built_in = matches!(text, b"" | b"C" | b"POSIX" | b"C.UTF-8" | b"C.utf8");
    let is_installed = || {
        let name = std::str::from_utf8(text).is_ok_and(|name| !name.contains(['/', '.']));
        name && std::path::Path::new("/usr/lib/locale")
            .join(String::from_utf8_lossy(text).as_ref())
            .is_dir()
    };
    if !is_built_in && !is_installed() {
        return Err("Invalid locale name".into());
    }
    Ok(())
}

/// `proc-title-template` is text with `{variables}`, `{{` for a brace, and is not blank.
pub fn proc_title_template(template: &[u8]) -> Result<(), Refusal> {
    const INVALID: &str = "template format is invalid or contains unknown variables";
    let mut rest = template;
    let mut has_text = false;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'{' {
            has_text |= byte != b' ';
        } else if let Some(after) = rest.strip_prefix(b"{") {
            has_text = true;
            rest = after;
        } else {
            let end = rest
                .iter()
                .position(|&byte| byte == b'}')
                .ok_or(Refusal::from(INVALID))?;
            let (name, after) = rest.split_at(end);
            has_text |= is_never_blank(name).ok_or(Refusal::from(INVALID))?;
            rest = after.get(1..).unwrap_or_default();
        }
    }
    if has_text {
        Ok(())
    } else {
        Err(INVALID.into())
    }
}

/// Whether a variable always stands for some text; `None` if there is no such variable.
fn is_never_blank(variable: &[u8]) -> Option<bool> {
    match variable {
        // Redis asks whether there is a socket and a file. Without them its title would be blank, ours
        // would be the name of the program: nothing to refuse.
        b"listen-addr" | b"port" | b"tls-port" | b"unixsocket" | b"config-file" => Some(true),
        b"title" | b"server-mode" => Some(false),
        _ => None,
    }
}
