//! Users in files: `user` lines of a configuration, and `aclfile`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::come_in;
use crate::support::server::free_port;
use crate::support::{Client, Kind, Server, tools};

const OPEN: &str = "user default on nopass ~* &* +@all\n";

/// What a program says, without times and numbers, before it gives up on these files.
fn refusal(program: &Path, conf: &str, users: Option<&str>) -> (Option<i32>, Vec<String>) {
    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join("redis.conf"), conf).expect("written");
    if let Some(users) = users {
        fs::write(directory.path().join("users.acl"), users).expect("written");
    }
    let port = free_port().to_string();
    let mut command = Command::new(program);
    command
        .args(["redis.conf", "--port", &port, "--save", ""])
        .current_dir(directory.path());
    let finished = tools::run(&mut command, Duration::from_secs(10));
    let lines = finished.output.lines().filter_map(|line| {
        // A line of the log at warning level, or one that says what is wrong with the configuration.
        match line.split_once(" # ") {
            Some((_, text)) if text.contains("ACL") => Some(text.to_owned()),
            Some(_) => None,
            None => {
                (line.starts_with(">>>") || line.starts_with("Error in")).then(|| line.to_owned())
            }
        }
    });
    (finished.status.code(), lines.collect())
}

fn assert_same_refusal(conf: &str, users: Option<&str>) {
    let ours = refusal(&tools::keytag(), conf, users);
    let theirs = refusal(tools::oracle(), conf, users);
    assert_eq!(theirs.0, Some(1), "Redis refuses {conf:?} {users:?}");
    assert!(!theirs.1.is_empty(), "{conf:?} {users:?}");
    assert_eq!(ours, theirs, "{conf:?} {users:?}");
}

#[test]
fn user_lines_that_are_wrong_are_refused_at_start() {
    for line in [
        "user a nosuch",
        "user a on\nuser a off",
        "user default on\nuser default off",
        "user a +nosuch",
        "user a +@nosuch",
        "user a +nosuch nosuch",
        "user a (+get",
        "user a on >x ~y (+get ~x",
        "user a (+get ~x) (nosuch)",
        "user a (+get ~x (nosuch)",
        "user a ( ~x  ~* ) nosuch",
        "user \"a b\" on",
        "user a on >x <y",
        "user a on >x on nosuch",
        "user a ~x ~* ~y",
        "user a on #abc",
        "USER a on ) x",
        "user a on\nuser b on nosuch",
        "user a +config|get|x",
    ] {
        assert_same_refusal(line, None);
    }
}

#[test]
fn an_acl_file_that_is_wrong_is_refused_at_start() {
    for users in [
        "usr a\n",
        "user\n",
        "USER a on\n",
        "# a comment\n",
        "user a on\nuser a off\n",
        "user a nosuch +nosuch off bad\n",
        "user a +nosuch +nosuch2\n",
        "user \"a b\" on\n",
        "user a (+get\n",
        "user a (+get\nuser b nosuch\nuser c\ton\n",
        "  user   a   on  \n\r\n",
        "user a on\tx\n",
        "user a \"on\"\n",
        "\n\nuser a ~* ~x\n",
        "user a ( on )\n",
        "user a #abc\n",
    ] {
        assert_same_refusal("aclfile users.acl", Some(users));
    }
    assert_same_refusal("aclfile nosuch.acl", None);
    assert_same_refusal("aclfile nosuch/users.acl", None);
    assert_same_refusal("aclfile users.acl\nuser a on", Some(OPEN));
}

/// Starts both with that configuration and compares what they say of their users.
fn users_of(conf: &str, users: &str) -> Vec<String> {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let directory = TempDir::new().expect("a directory");
        let (config, file) = (
            directory.path().join("redis.conf"),
            directory.path().join("users.acl"),
        );
        let conf = conf.replace("FILE", &file.to_string_lossy());
        fs::write(&config, conf).expect("written");
        fs::write(&file, users).expect("written");
        let server = Server::start(kind, &[config.to_str().expect("a path")]);
        listed(&mut enter(&server))
    });
    assert_eq!(ours, theirs, "{conf:?} {users:?}");
    ours
}

fn enter(server: &Server) -> Client {
    let mut client = server.connect();
    if client.line("PING").is_error() {
        client.line("AUTH root pw");
    }
    client
}

fn listed(client: &mut Client) -> Vec<String> {
    let list = client.line("ACL LIST");
    list.items().iter().map(|line| line.text()).collect()
}

#[test]
fn users_come_from_the_configuration() {
    let pw = "#30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4";
    assert_eq!(
        users_of(
            "user a on >pw ~k* (%R~r +get)\nUSER b\nacl-pubsub-default allchannels",
            ""
        ),
        [
            &format!("user a on sanitize-payload {pw} ~k* &* -@all (%R~r &* -@all +get)")[..],
            "user b off sanitize-payload &* -@all",
            "user default on nopass sanitize-payload ~* &* +@all",
        ]
    );
    // What the lines say of the default user holds, whatever its password.
    users_of("requirepass x\nuser default on nopass +@all", "");
    users_of(
        "user default on >x ~* &* +@all\nrequirepass y\nuser root on >pw +@all",
        "",
    );
    users_of("requirepass x\nuser root on >pw +@all", "");
    users_of("user a \"(~x\" \"+get)\" +select|0 -@all +@read", "");
}

#[test]
fn users_come_from_a_file_of_their_own() {
    for users in [
        OPEN,
        "",
        "\n  \n",
        "user a on >pw ~x ( ~a  +get )\n",
        "user a on >x\ty  \r\nuser b  on\n",
        "user a on \t\nuser root on >pw +@all\nuser default off",
    ] {
        users_of("aclfile FILE", users);
    }
    users_of("aclfile FILE\nrequirepass x", "user a on\n");
    users_of(
        "requirepass x\naclfile FILE",
        "user default on >y +@all\nuser root on >pw +@all\n",
    );
    users_of("aclfile \"\"\nuser a on", "");
}

/// A server with an `aclfile` of that text.
fn with_file(kind: Kind, directory: &TempDir, users: &str) -> Server {
    let file = directory.path().join("users.acl");
    fs::write(&file, users).expect("written");
    Server::start(kind, &["--aclfile", file.to_str().expect("a path")])
}

#[test]
fn loading_changes_all_users_or_none() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let directory = TempDir::new().expect("a directory");
        let file = directory.path().join("users.acl");
        let old = "user a on >pw ~* +@all\nuser b on >pw +@all\nuser c on >pw +@all\n";
        let server = with_file(kind, &directory, &format!("{OPEN}{old}"));
        let mut admin = server.connect();
        let mut clients = ["a", "b", "c"].map(|user| come_in(&server, user));
        let before = listed(&mut admin);
        assert_eq!(before.len(), 4);

        let shown = file.to_string_lossy();
        fs::write(
            &file,
            format!("{OPEN}user a on bad\nuser b +nosuch\nuser b\n"),
        )
        .expect("written");
        assert_eq!(
            admin.line("ACL LOAD").to_string(),
            format!(
                "(error) ERR {shown}:2: Syntax error. {shown}:3: Error in applying operation '+nosuch': \
                 Unknown command or category name in ACL. WARNING: Duplicate user 'b' found on line 4. \
                 WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
            ),
            "{kind:?}"
        );
        assert_eq!(listed(&mut admin), before);

        fs::write(
            &file,
            "user a on >other ~k -@all +get\nuser c on >pw +@all\nuser d on\n",
        )
        .expect("written");
        assert_eq!(admin.line("ACL LOAD").to_string(), "OK");
        let users: Vec<String> = listed(&mut admin);
        assert_eq!(users.len(), 4);
        assert!(
            users.contains(
                &OPEN
                    .replace("nopass", "nopass sanitize-payload")
                    .trim()
                    .to_owned()
            )
        );
        let [a, b, c] = &mut clients;
        assert_eq!(
            a.line("PING").to_string(),
            "(error) NOPERM User a has no permissions to run the 'ping' command"
        );
        assert!(b.is_closed(), "{kind:?}");
        assert_eq!(c.line("ACL WHOAMI").text(), "c");

        // The default user changes for those who are connected, too.
        fs::write(&file, "user default on nopass +@all -ping\nuser c on\n").expect("written");
        assert_eq!(c.line("ACL LOAD").to_string(), "OK");
        assert!(
            admin.line("PING").to_string().contains("NOPERM"),
            "{kind:?}"
        );
        assert!(a.is_closed());
        fs::remove_file(&file).expect("it was there");
        let missing = admin.line("ACL LOAD").to_string();
        assert_eq!(
            missing,
            format!(
                "(error) ERR Error loading ACLs, opening file '{shown}': No such file or directory"
            )
        );
    }
}

#[test]
fn what_is_saved_is_loaded_again() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let directory = TempDir::new().expect("a directory");
        let mut server = with_file(kind, &directory, OPEN);
        let mut admin = server.connect();
        admin.line(
            "ACL SETUSER a on >x %R~r* ~w (&c* +publish -@all) (+get ~k) -config +config|get",
        );
        admin.line("ACL SETUSER b reset nopass allkeys allchannels +@all -@dangerous skip-sanitize-payload");
        let before = listed(&mut admin);
        assert_eq!(admin.line("ACL SAVE").to_string(), "OK");
        let file = fs::read_to_string(directory.path().join("users.acl")).expect("a file");
        assert_eq!(
            file,
            before
                .iter()
                .map(|line| format!("{line}\n"))
                .collect::<String>()
        );
        admin.line("ACL DELUSER a b");
        admin.line("ACL SETUSER default -get");
        assert_eq!(admin.line("ACL LOAD").to_string(), "OK");
        assert_eq!(listed(&mut admin), before, "{kind:?}");
        server.restart();
        assert_eq!(listed(&mut server.connect()), before, "{kind:?}");
        // Nothing else is left beside it.
        let names = fs::read_dir(directory.path()).expect("a directory").count();
        assert_eq!(names, 1, "{kind:?}");
    }
}

#[test]
fn a_file_that_cannot_be_saved_stays_as_it_is() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let directory = TempDir::new().expect("a directory");
        let server = with_file(kind, &directory, OPEN);
        let mut admin = server.connect();
        fs::remove_file(directory.path().join("users.acl")).expect("it was there");
        fs::remove_dir(directory.path()).expect("it is empty");
        assert_eq!(
            admin.line("ACL SAVE").to_string(),
            "(error) ERR There was an error trying to save the ACLs. Please check the server logs for more information",
            "{kind:?}"
        );
        fs::create_dir(directory.path()).expect("a directory again");
    }
}

#[test]
fn config_rewrite_writes_the_users() {
    let conf = "# users\nuser q on >x ~a\n# more\nsave \"\"\nrequirepass foo\nuser r\n";
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("redis.conf");
        fs::write(&path, conf).expect("written");
        let mut server = Server::start(kind, &[path.to_str().expect("a path")]);
        let mut admin = server.connect();
        admin.line("AUTH foo");
        admin.line("ACL DELUSER q");
        admin.line("ACL SETUSER n on >y (~x &z +get) allchannels");
        admin.line("ACL SETUSER z");
        let before = listed(&mut admin);
        assert_eq!(admin.line("CONFIG REWRITE").to_string(), "OK");
        let text = fs::read_to_string(&path).expect("a file");
        server.restart();
        let mut admin = server.connect();
        admin.line("AUTH foo");
        assert_eq!(listed(&mut admin), before, "{kind:?}");
        let lines = text.lines();
        let lines = lines.filter(|line| line.starts_with("user") || line.starts_with("# "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 7, "{ours:?}");
}

#[test]
fn users_of_a_file_of_their_own_are_not_in_the_configuration() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let directory = TempDir::new().expect("a directory");
        let (path, file) = (
            directory.path().join("redis.conf"),
            directory.path().join("users.acl"),
        );
        fs::write(&path, format!("aclfile {}\n", file.display())).expect("written");
        fs::write(&file, OPEN).expect("written");
        let server = Server::start(kind, &[path.to_str().expect("a path")]);
        let mut admin = server.connect();
        admin.line("ACL SETUSER a on");
        assert_eq!(admin.line("CONFIG REWRITE").to_string(), "OK");
        let text = fs::read_to_string(&path).expect("a file");
        assert!(!text.contains("\nuser "), "{kind:?} {text}");
        assert!(text.contains("aclfile"));
    }
}
