//! `examples/dafny/` as its reader has it: each step of its README and of its workflow, run from their text where there is Dafny.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/dafny")
}

/// A copy of the example, and a user's directories beside it.
struct Reader {
    folder: tempfile::TempDir,
}

impl Reader {
    fn new() -> Reader {
        let reader = Reader { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(reader.example()).unwrap();
        for entry in fs::read_dir(example()).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), reader.example().join(entry.file_name())).unwrap();
        }
        reader
    }

    fn example(&self) -> PathBuf {
        self.folder.path().join("example")
    }

    /// Runs a step; what it prints.
    fn take(&self, step: &str) -> String {
        let code =
            step.split_once("# ends with ").map_or(0, |(_, code)| code.trim().parse().expect("a number follows"));
        let programs = Path::new(env!("CARGO_BIN_EXE_pop")).parent().unwrap().as_os_str().to_owned();
        let path = [programs, std::env::var_os("PATH").unwrap_or_default()].join(std::ffi::OsStr::new(":"));
        let mut command = Command::new("bash");
        command.args(["-e", "-c", step]).current_dir(self.example()).stdin(Stdio::null()).env("PATH", path);
        command.env("HOME", self.folder.path()).env("GITHUB_ACTIONS", "true");
        let output = command.env_remove("XDG_CACHE_HOME").env_remove("XDG_DATA_HOME").output().unwrap();
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{step}\n{out}{error}");
        out.into_owned()
    }
}

fn has_dafny() -> bool {
    let has = Command::new("dafny").arg("/version").stdin(Stdio::null()).output().is_ok();
    if !has {
        println!("NOT RUN: examples/dafny, since there is no dafny");
    }
    has
}

#[test]
fn each_step_of_the_readme_does_what_it_says() {
    if !has_dafny() {
        return;
    }
    let text = fs::read_to_string(example().join("README.md")).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let reader = Reader::new();
    let steps: Vec<&str> = blocks.flat_map(str::lines).collect();
    steps.iter().for_each(|step| drop(reader.take(step)));
    assert_eq!(steps.len(), 8, "{steps:?}");
}

#[test]
fn the_workflows_own_steps_check_the_program() {
    if !has_dafny() {
        return;
    }
    let text = fs::read_to_string(example().join("check.yml")).unwrap();
    let workflow: Value = serde_saphyr::from_str(&text).unwrap();
    let steps = workflow["jobs"]["check"]["steps"].as_array().unwrap();
    let run = |name: &str| steps.iter().find(|step| step["name"] == name).unwrap()["run"].as_str().unwrap();
    let reader = Reader::new();
    reader.take(run("Write the obligations"));
    let text = reader.take(run("Check them"));
    assert!(text.lines().last().unwrap().starts_with("6 obligations: 6 hold, in "), "{text}");
    for report in ["junit.xml", "proofs.sarif"] {
        assert!(reader.example().join(report).is_file(), "{report}");
    }
    // What the workflow keeps from run to run is where things are.
    for line in text_of_cache(steps).lines() {
        assert!(reader.folder.path().join(line.trim_start_matches("~/")).exists(), "{line}");
    }
}

fn text_of_cache(steps: &[Value]) -> &str {
    let cache = steps.iter().find(|step| step["name"] == "Keep what is known").unwrap();
    cache["with"]["path"].as_str().unwrap()
}
