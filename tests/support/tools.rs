//! Programs around the server: where they are, and how they are run with a limit.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The top of the source tree.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The server under test: `KEYTAG_SERVER` if set (a release or a sanitizer build), or cargo's.
pub(crate) fn keytag() -> PathBuf {
    std::env::var_os("KEYTAG_SERVER")
        .map_or_else(|| env!("CARGO_BIN_EXE_keytag-server").into(), PathBuf::from)
}

/// A real Redis 7.4.1; prepared on first use.
pub(crate) fn oracle() -> &'static Path {
    static ORACLE: OnceLock<PathBuf> = OnceLock::new();
    ORACLE.get_or_init(|| {
        let output = Command::new(root().join("scripts/redis-7.4"))
            .output()
            .expect("scripts/redis-7.4 runs");
        let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(
            output.status.success(),
            "no oracle: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        PathBuf::from(path)
    })
}

/// What a program printed and how it ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    /// Standard output, then standard error.
    pub(crate) output: String,
}

/// Runs a program to its end.
///
/// # Panics
/// If it takes longer than `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Finished {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = collect(child.stdout.take().expect("piped"));
    let stderr = collect(child.stderr.take().expect("piped"));
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!(
                "{command:?} did not end within {limit:?}:\n{}",
                stdout.join().expect("reader")
            );
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let output = stdout.join().expect("reader") + &stderr.join().expect("reader");
    Finished { status, output }
}

fn collect(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
