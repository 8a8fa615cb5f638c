//! The entrypoint of the image, run with stand-ins for the programs it calls.
//!
//! No container engine is needed: the script sees only arguments, a user and a directory.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::tools::{self, root};

/// A directory to run in, with programs on the path that tell how they were called.
struct Container {
    home: TempDir,
}

impl Container {
    fn new() -> Container {
        let container = Container {
            home: TempDir::new().expect("a temporary directory"),
        };
        let home = container.home.path();
        fs::set_permissions(home, fs::Permissions::from_mode(0o755)).expect("permitted");
        for folder in ["bin", "data"] {
            fs::create_dir(home.join(folder)).expect("a directory");
        }
        let tell = "#!/bin/sh\necho \"$(basename \"$0\") $*\"; echo \"umask $(umask)\"; echo \"user $FAKE_USER\"\n";
        container.program("redis-server", tell);
        container.program("keytag-server", tell);
        container.program("redis-cli", tell);
        container
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.home.path().join("bin").join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permitted");
    }

    fn data(&self) -> std::path::PathBuf {
        self.home.path().join("data")
    }

    /// Pretends to be this user; `setpriv` only changes what `id` says, `chown` tells.
    fn run_as(&self, user: u32, arguments: &[&str]) -> String {
        self.program("id", "#!/bin/sh\necho \"$FAKE_USER\"\n");
        self.program(
            "chown",
            &format!(
                "#!/bin/sh\necho \"chown $*\" >>{}/chowned\n",
                self.home.path().display()
            ),
        );
        let setpriv =
            "#!/bin/sh\necho \"setpriv $1 $2 $3 $4 $5 $6\"\nshift 6\nFAKE_USER=999 exec \"$@\"\n";
        self.program("setpriv", setpriv);
        // The stand-in for the user that the image has.
        self.program(
            "find",
            &format!(
                "#!/bin/sh\necho \"find $*\" >>{}/chowned\n",
                self.home.path().display()
            ),
        );
        self.run(user, arguments)
    }

    fn run(&self, user: u32, arguments: &[&str]) -> String {
        let path = format!(
            "{}:{}",
            self.home.path().join("bin").display(),
            std::env::var("PATH").expect("a path")
        );
        let mut command = Command::new("sh");
        command
            .args(["-c", "umask 0022; exec \"$0\" \"$@\""])
            .arg(root().join("scripts/docker-entrypoint.sh"))
            .args(arguments)
            .env("PATH", path)
            .env("FAKE_USER", user.to_string())
            .current_dir(self.data());
        let finished = tools::run(&mut command, Duration::from_secs(10));
        assert!(finished.status.success(), "{}", finished.output);
        finished.output
    }

    fn chowned(&self) -> String {
        fs::read_to_string(self.home.path().join("chowned")).unwrap_or_default()
    }
}

const APPLICATION: &[&str] = &[
    "redis-server",
    "--appendonly",
    "yes",
    "--maxmemory",
    "256mb",
    "--maxmemory-policy",
    "allkeys-lru",
];

#[test]
fn root_becomes_redis_and_the_data_its_own() {
    let container = Container::new();
    let output = container.run_as(0, APPLICATION);
    assert!(
        output.starts_with("setpriv --reuid redis --regid redis --clear-groups --no-new-privs"),
        "{output}"
    );
    let options = APPLICATION[1..].join(" ");
    assert!(
        output.contains(&format!("redis-server --protected-mode no {options}\n")),
        "{output}"
    );
    assert!(output.contains("user 999"), "{output}");
    assert_eq!(
        container.chowned(),
        "find . ! -user redis -exec chown redis {} +\n"
    );
}

#[test]
fn another_user_stays_who_it_is() {
    let container = Container::new();
    let output = container.run_as(1234, APPLICATION);
    assert!(
        !output.contains("setpriv") && output.contains("user 1234"),
        "{output}"
    );
    assert_eq!(container.chowned(), "");
}

#[test]
fn options_alone_and_configurations_mean_the_server() {
    let container = Container::new();
    let started = |arguments: &[&str]| {
        container
            .run_as(999, arguments)
            .lines()
            .next()
            .map(str::to_owned)
    };
    assert_eq!(
        started(&["--port", "1"]).as_deref(),
        Some("redis-server --protected-mode no --port 1")
    );
    assert_eq!(
        started(&["redis-server"]).as_deref(),
        Some("redis-server --protected-mode no")
    );
    assert_eq!(
        started(&["keytag-server"]).as_deref(),
        Some("keytag-server --protected-mode no")
    );
    fs::write(container.data().join("own.conf"), "port 1\n").expect("written");
    assert_eq!(
        started(&["own.conf", "--port", "2"]).as_deref(),
        Some("redis-server own.conf --protected-mode no --port 2")
    );
    fs::write(
        container.data().join("own.conf"),
        "port 1\nprotected-mode yes\n",
    )
    .expect("written");
    assert_eq!(
        started(&["redis-server", "own.conf"]).as_deref(),
        Some("redis-server own.conf")
    );
}

#[test]
fn any_other_command_is_run_as_it_is() {
    let container = Container::new();
    let output = container.run_as(0, &["redis-cli", "ping"]);
    assert!(
        output.starts_with("redis-cli ping\n") && output.contains("user 0"),
        "{output}"
    );
    assert_eq!(container.chowned(), "");
}

#[test]
fn what_is_written_is_readable_to_nobody_else() {
    let output = Container::new().run_as(999, &["redis-server"]);
    assert!(output.contains("umask 0077"), "{output}");
}

#[test]
fn real_programs_drop_root() {
    if !nix::unistd::geteuid().is_root() {
        println!("only root can become another user");
        return;
    }
    let container = Container::new();
    container.program(
        "redis-server",
        "#!/bin/sh\n/usr/bin/id -u -n; touch written\n",
    );
    let file = container.data().join("old");
    fs::write(&file, "data").expect("written");
    chown(&file, Some(12_345), Some(12_345)).expect("root may");
    chown(container.data(), Some(0), Some(0)).expect("root may");
    // `redis` need not exist here: `nobody` takes its place. The stand-in for `id` is not there, so
    // the second round of the script sees who it really is.
    let setpriv = "#!/bin/sh\nshift 6\nexec /usr/bin/setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs \"$@\"\n";
    container.program("setpriv", setpriv);
    container.program(
        "find",
        "#!/bin/sh\nexec /usr/bin/find . '!' -user nobody -exec /bin/chown nobody '{}' +\n",
    );
    let output = container.run(0, &["redis-server"]);
    assert!(output.contains("nobody"), "{output}");
    let owner = |name: &str| {
        fs::metadata(container.data().join(name))
            .expect("there")
            .uid()
    };
    assert_eq!(
        owner("old"),
        owner("written"),
        "both belong to the user of the server"
    );
    assert_eq!(
        fs::metadata(container.data().join("written"))
            .expect("there")
            .mode()
            & 0o777,
        0o600
    );
}

#[test]
fn the_image_and_the_compose_file_fit_together() {
    let read = |name: &str| {
        fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let dockerfile = read("Dockerfile");
    for line in [
        "EXPOSE 6379",
        "VOLUME /data",
        "WORKDIR /data",
        "ENTRYPOINT [\"docker-entrypoint.sh\"]",
        "CMD [\"redis-server\"]",
    ] {
        assert!(
            dockerfile.lines().any(|found| found == line),
            "Dockerfile: {line}"
        );
    }
    assert!(dockerfile.contains("HEALTHCHECK") && dockerfile.contains("redis-tools"));
    assert!(Path::new(&root().join("scripts/docker-entrypoint.sh")).exists());
    let compose = read("compose.yaml");
    assert!(
        compose.contains(&APPLICATION.join(" ")),
        "the application's line"
    );
    assert!(compose.contains("redis-cli") && compose.contains("ping") && compose.contains("/data"));
}
