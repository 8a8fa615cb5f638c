//! Puts the commit that a binary was built from into it.

fn main() {
    println!("cargo::rerun-if-changed=.git/logs/HEAD");
    let commit = std::process::Command::new("git")
        .args(["rev-parse", "--short=8", "HEAD"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| "00000000".to_owned(), |text| text.trim().to_owned());
    println!("cargo::rustc-env=KEYTAG_COMMIT={commit}");
}
