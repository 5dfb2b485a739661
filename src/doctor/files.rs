//! Key and data folder: whether they exist, whose they are, and who else may read them.

use super::{Finding, Level};
use actors::config::NodeConfig;
use actors::keys;
use protocol::genesis::Genesis;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Entries of the data folder that are looked at.
const ENTRIES_MAX: usize = 1_000;

pub(super) fn look(config: &NodeConfig, genesis: &Genesis) -> Vec<Finding> {
    // SAFETY: a plain question that cannot fail.
    let me = unsafe { libc::geteuid() };
    vec![key(config, genesis, me), data(&config.data_dir, me)]
}

fn key(config: &NodeConfig, genesis: &Genesis, me: u32) -> Finding {
    let path = &config.key_file;
    let about = fs::metadata(path).ok();
    // Its error says what to do.
    if let Err(error) = keys::load_validator(path, &config.node_id, genesis) {
        let whose = about.map_or_else(String::new, |about| format!(" ({})", owner_and_mode(&about)));
        return Finding { name: "key", level: Level::Failure, text: format!("{error}{whose}"), remedy: None };
    }
    let Some(about) = about else { return Finding::ok("key", path.display().to_string()) };
    let text = format!("{}: {}'s, {}", path.display(), config.node_id, owner_and_mode(&about));
    if about.uid() != me {
        let remedy = format!(
            "start the node as {0}, or `chown` the key to the user that it runs as: now it is read as {1}",
            name_of(about.uid()),
            name_of(me)
        );
        return Finding::warning("key", text, remedy);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match fs::metadata(folder) {
        Ok(about) if about.permissions().mode() & 0o022 != 0 => Finding::warning(
            "key",
            format!("{text}; others may write to {} ({})", folder.display(), owner_and_mode(&about)),
            format!("run `chmod 700 {}`: whoever may write there may put another key in its place", folder.display()),
        ),
        _ => Finding::ok("key", text),
    }
}

fn data(folder: &Path, me: u32) -> Finding {
    let about = match fs::metadata(folder) {
        Ok(about) => about,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Finding::ok("data", format!("{} is not there yet: the first start makes it", folder.display()));
        }
        Err(error) => {
            return Finding::failure(
                "data",
                format!("{}: {error}", folder.display()),
                "let the node's user read and write it",
            );
        }
    };
    let entries = fs::read_dir(folder).into_iter().flatten().take(ENTRIES_MAX);
    let foreign = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let about = entry.metadata().ok()?;
        (about.uid() != me).then(|| (entry.file_name().to_string_lossy().into_owned(), about.uid()))
    });
    judge_data(folder, &about, me, foreign.collect())
}

fn judge_data(folder: &Path, about: &Metadata, me: u32, foreign: Vec<(String, u32)>) -> Finding {
    let place = folder.display();
    if !about.is_dir() {
        return Finding::failure("data", format!("{place} is no folder"), "move it away, or set data_dir");
    }
    let text = format!("{place}: {}", owner_and_mode(about));
    let whose = if about.uid() == me { foreign.first().cloned() } else { Some((".".to_owned(), about.uid())) };
    if let Some((name, owner)) = whose {
        let remedy = format!(
            "run as {}, or `chown -R {} {place}`: it was probably started once as somebody else",
            name_of(owner),
            name_of(me)
        );
        let text = format!("{text}; {name} in it is {}'s, and this user is {}", name_of(owner), name_of(me));
        // The administrator may write everything.
        return if me == 0 { Finding::warning("data", text, remedy) } else { Finding::failure("data", text, remedy) };
    }
    if about.permissions().mode() & 0o700 != 0o700 {
        return Finding::failure("data", text, format!("run `chmod 700 {place}`: the node cannot write there"));
    }
    if about.permissions().mode() & 0o022 != 0 {
        return Finding::warning("data", text, format!("run `chmod 700 {place}`: others may write there"));
    }
    Finding::ok("data", text)
}

fn owner_and_mode(about: &Metadata) -> String {
    format!("owner {}, mode {:04o}", name_of(about.uid()), about.permissions().mode() & 0o7777)
}

/// A user's name as the machine's own list has it, else its number.
fn name_of(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("user {uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_is_judged_by_owner_and_mode() {
        let folder = tempfile::tempdir().unwrap();
        let about = |mode: u32| {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            fs::metadata(folder.path()).unwrap()
        };
        let me = about(0o700).uid();
        let level = |mode, me, foreign: Vec<(String, u32)>| judge_data(folder.path(), &about(mode), me, foreign).level;
        assert_eq!(level(0o700, me, vec![]), Level::Ok);
        assert_eq!(level(0o755, me, vec![]), Level::Ok);
        assert_eq!(level(0o777, me, vec![]), Level::Warning);
        assert_eq!(level(0o500, me, vec![]), Level::Failure);
        assert_eq!(level(0o700, me + 1, vec![]), Level::Failure, "another user's");
        let foreign = judge_data(folder.path(), &about(0o700), me.max(1), vec![("votes.log".into(), 4_000_000_000)]);
        assert!(foreign.text.contains("is user"), "{}", foreign.text);
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(judge_data(&file, &fs::metadata(&file).unwrap(), me, vec![]).level, Level::Failure);
    }

    #[test]
    fn a_folder_that_is_not_there_is_made_at_the_first_start() {
        assert_eq!(data(Path::new("no/such/folder"), 0).level, Level::Ok);
    }
}
