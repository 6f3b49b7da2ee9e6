//! The fixtures are what they say: every case complete and right by a second road, the example
//! made again byte for byte and of the shape its README claims, the presets runnable on it.

pub(crate) mod cases;
mod example;
mod log;
mod presets;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A path below the package's folder.
pub(crate) fn path(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// The text of a file, which must be there.
pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// Runs the generator as its README says. It is built first, so that no old one answers.
fn generate(arguments: &[&str]) -> Output {
    let test = std::env::current_exe().expect("the test knows where it is");
    let target = test
        .ancestors()
        .nth(3)
        .expect("it lies in target/debug/deps");
    Command::new(env!("CARGO"))
        .current_dir(path("."))
        .args([
            "run",
            "--quiet",
            "--locked",
            "--example",
            "generate",
            "--target-dir",
        ])
        .arg(target)
        .arg("--")
        .args(arguments)
        .output()
        .expect("cargo runs")
}
