//! A user's project for tests of `pop check`: its folder, and the user's own directories beside it.

// Each test uses a part of it.
#![allow(dead_code)]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A project's folder, and a user's directories beside it.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub fn new(files: &[(&str, &str)]) -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.project()).unwrap();
        files.iter().for_each(|(name, text)| place.write(name, text));
        place
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Beside the project.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn project(&self) -> PathBuf {
        self.path().join("project")
    }

    /// The cache's files.
    pub fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path().join("cache/proof-of-proof/check")).into_iter().flatten();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "segment")).collect()
    }

    /// `pop check` in the project's folder; nothing of the developer's own environment changes what it does.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
        command.arg("check").args(arguments).current_dir(self.project()).stdin(Stdio::null());
        command.env("XDG_CACHE_HOME", self.path().join("cache")).env("XDG_DATA_HOME", self.path().join("data"));
        command.env_remove("GITHUB_ACTIONS").env_remove("POP_NODE").stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn check(&self, arguments: &[&str]) -> (i32, String, String) {
        ended(self.command(arguments).output().unwrap())
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let (_, out, error) = self.check(&[arguments, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("no document: {out}{error}"))
    }
}

/// The exit code, and what was printed.
pub fn ended(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

/// The last line without its time.
pub fn sum(text: &str) -> &str {
    text.lines().last().unwrap_or_default().rsplit_once(", in ").expect("the sum ends with the time").0
}
