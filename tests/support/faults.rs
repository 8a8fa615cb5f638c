//! A disk that fails when a test says so, for Keytag and for Redis alike: `faults.c` stands between them and the system.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::tools::root;

/// What fails, of one server.
pub(crate) struct Faults {
    home: TempDir,
}

impl Faults {
    /// Nothing fails yet.
    pub(crate) fn none() -> Faults {
        let faults = Faults {
            home: TempDir::new().expect("a temporary directory"),
        };
        faults.clear();
        faults
    }

    /// From now on these calls fail: one to a line, as `faults.c` says.
    pub(crate) fn set(&self, rules: &str) {
        // Replaced as a whole: no call sees half of them.
        let new = self.home.path().join("new");
        std::fs::write(&new, rules).expect("rules are written");
        std::fs::rename(new, self.file()).expect("rules are in place");
    }

    /// The disk is well again.
    pub(crate) fn clear(&self) {
        self.set("");
    }

    /// What a server has to be started with.
    pub(crate) fn environment(&self) -> Vec<(String, PathBuf)> {
        vec![
            ("LD_PRELOAD".to_owned(), library().to_owned()),
            ("KEYTAG_FAULTS".to_owned(), self.file()),
        ]
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("rules")
    }
}

/// `faults.c`, compiled on first use.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.so");
        // Another run of the tests may be loading it.
        let new = path.with_extension(std::process::id().to_string());
        let output = Command::new("cc")
            .args([
                "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O1", "-o",
            ])
            .arg(&new)
            .arg(root().join("tests/support/faults.c"))
            .output()
            .expect("a C compiler");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        std::fs::rename(&new, &path).expect("the library is in place");
        path
    })
}
