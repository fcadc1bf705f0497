//! Names the commit that the program is built from: `gairat --version` says it.
#![allow(missing_docs, reason = "a build script is no library")]

use std::{env, path::Path, process::Command};

/// What `gairat --version` says where there is neither a checkout nor the variable below.
const UNKNOWN: &str = "unknown";
/// Names the commit where sources come without their history, as an archive does.
const VARIABLE: &str = "GAIRAT_COMMIT";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    let commit = env::var(VARIABLE).ok().filter(|commit| !commit.is_empty()).or_else(commit);
    println!("cargo:rustc-env={VARIABLE}={}", commit.as_deref().unwrap_or(UNKNOWN));
}

/// The commit that is checked out, if these sources are the checkout and not a copy inside of another project's.
fn commit() -> Option<String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(sources).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let root = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&root).canonicalize().ok()? != sources.canonicalize().ok()? {
        return None;
    }
    // Both change with every commit and every checkout. A path that is not there would make cargo run this at every build.
    for name in ["HEAD", "logs/HEAD"] {
        let path = sources.join(git(&["rev-parse", "--git-path", name])?);
        if path.exists() {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}
