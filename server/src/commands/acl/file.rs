//! `ACL LOAD` and `ACL SAVE`.

use std::path::PathBuf;

use super::{BASE, EVERYWHERE, close_clients_of, close_subscribers_of};
use crate::acl::{self, Changed};
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Result};
use crate::config::options;
use crate::spec::Spec;

pub const LOAD: Command = Spec {
    name: "LOAD",
    summary: "Reloads the rules from the configured ACL file.",
    complexity: "O(N). Where N is the number of configured users.",
    ..BASE
}
.run(load);
fn load(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let file = file(cx)?;
    let acl = &cx.server.acl;
    let basis = acl.basis(cx.server.settings.gives_all_channels());
    let declared = acl
        .read(&file, &basis)
        .map_err(|errors| Error::Text(format!("ERR {}", shown(&errors))))?;
    let replaced = acl.replace(declared, &basis);
    for user in &replaced.gone {
        close_clients_of(cx, user);
    }
    for Changed { user, before } in &replaced.changed {
        close_subscribers_of(cx, user, before);
    }
    cx.reply.ok()
}

pub const SAVE: Command = Spec {
    name: "SAVE",
    summary: "Saves the effective ACL rules in the configured ACL file.",
    complexity: "O(N). Where N is the number of configured users.",
    tips: EVERYWHERE,
    ..BASE
}
.run(save);
fn save(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let file = file(cx)?;
    let users = cx.server.acl.users();
    let lines: Vec<Vec<u8>> = users.iter().map(|user| user.describe()).collect();
    acl::save(&file, lines.iter().map(Vec::as_slice)).map_err(|error| {
        tracing::warn!("Saving the ACL file {} failed: {error}", file.display());
        Error::AclSave
    })?;
    cx.reply.ok()
}

fn file(cx: &Ctx<'_>) -> Result<PathBuf> {
    let file = cx.server.settings.config.path(options::ACLFILE);
    if file.as_os_str().is_empty() {
        Err(Error::NoAclFile)
    } else {
        Ok(file)
    }
}
