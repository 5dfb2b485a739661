//! Runs Dafny, Boogie, Why3 and Solidity's SMTChecker on the programs in `tests/generators/`, and collects each obligation
//! that they write.
//!
//! Must never: change what a tool wrote, but for what stands behind its first query.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The seconds after which Dafny's and Boogie's own solver gives up: without, it may go on for ever.
const TIME_LIMIT: &str = "/timeLimit:20";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    Dafny,
    Boogie,
    Why3,
    Solidity,
}

impl Tool {
    pub const ALL: [Tool; 4] = [Tool::Dafny, Tool::Boogie, Tool::Why3, Tool::Solidity];

    fn programs(self) -> PathBuf {
        let folder = match self {
            Tool::Dafny => "dafny",
            Tool::Boogie => "boogie",
            Tool::Why3 => "why3",
            Tool::Solidity => "solidity",
        };
        root().join("tests/generators").join(folder)
    }
}

/// One query that a tool wrote.
#[derive(Debug)]
pub struct Obligation {
    pub tool: Tool,
    /// The part of a program that it is of: a method, a procedure, a goal, a contract with an engine.
    pub part: String,
    pub name: String,
    pub script: String,
}

impl Obligation {
    fn new(tool: Tool, program: &str, file: &Path) -> Obligation {
        let name = format!("{program}/{}", file.file_stem().unwrap().to_string_lossy());
        let part = name.trim_end_matches(|last: char| last.is_ascii_digit()).to_owned();
        let script = first_query(std::fs::read_to_string(file).unwrap());
        Obligation { tool, part, name, script }
    }

    /// Whether what it is of is false: then one of its obligations at least does not hold. A method of Dafny that is false
    /// still says something that is well formed.
    pub fn is_of_a_false_part(&self) -> bool {
        self.part.to_lowercase().contains("false") && !self.part.contains("CheckWellformed")
    }

    /// Whether `sat` means that it holds: of the system of Horn clauses that a safe contract makes.
    pub fn is_horn(&self) -> bool {
        self.tool == Tool::Solidity && self.part.contains("-chc-")
    }
}

/// Where a method does not hold, Boogie asks again in the same scope, for more errors: the obligation is the first query. The
/// `(pop)` and `(reset)` behind a query that is the only one are left to the normaliser.
fn first_query(script: String) -> String {
    let query = "\n(check-sat)\n";
    match script.match_indices(query).map(|(at, _)| at).collect::<Vec<_>>()[..] {
        [first, _, ..] => script[..first + query.len()].to_owned(),
        [] | [_] => script,
    }
}

/// Why a tool cannot be run here, for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CannotRun(String);

/// Every obligation of a tool's programs, in order. `folder` is empty.
///
/// # Errors
/// Why the tool cannot be run here.
pub fn obligations(tool: Tool, folder: &Path) -> Result<Vec<Obligation>, CannotRun> {
    match tool {
        Tool::Dafny => of_each(tool, folder, |program, out| {
            let limits = ["/compile:0", TIME_LIMIT, "/proverLog:@PROC@.smt2"];
            Command::new("dafny").args(limits).arg(program).current_dir(out).output()
        }),
        Tool::Boogie => of_each(tool, folder, |program, out| {
            Command::new("boogie").args([TIME_LIMIT, "/proverLog:@PROC@.smt2"]).arg(program).current_dir(out).output()
        }),
        Tool::Why3 => {
            let data = Command::new("why3").arg("--print-datadir").output().map_err(|error| missing("why3", &error))?;
            let driver = Path::new(String::from_utf8_lossy(&data.stdout).trim()).join("drivers/z3_471.drv");
            of_each(tool, folder, |program, out| {
                Command::new("why3")
                    .arg("prove")
                    .arg("-D")
                    .arg(&driver)
                    .args(["-a", "split_vc", "-o"])
                    .args([out, program])
                    .output()
            })
        }
        Tool::Solidity => of_solidity(folder),
    }
}

/// What a tool writes about each program, which has a folder of its own: procedures of two programs may share a name.
fn of_each(
    tool: Tool,
    folder: &Path,
    run: impl Fn(&Path, &Path) -> std::io::Result<std::process::Output>,
) -> Result<Vec<Obligation>, CannotRun> {
    let mut obligations = Vec::new();
    for program in files_in(&tool.programs()) {
        let name = program.file_stem().unwrap().to_str().unwrap();
        let out = folder.join(name);
        std::fs::create_dir(&out).unwrap();
        let output = run(&program, &out).map_err(|error| missing(&format!("{tool:?}").to_lowercase(), &error))?;
        let written = files_in(&out);
        // Dafny and Boogie end with an error where a program is false, as ours are on purpose.
        if written.is_empty() {
            return Err(CannotRun(format!(
                "this version wrote nothing about {}: {}",
                program.display(),
                said(&output)
            )));
        }
        obligations.extend(written.iter().map(|file| Obligation::new(tool, name, file)));
    }
    Ok(obligations)
}

/// `POP_SOLC` names another folder of the npm package `solc` than the one that `make setup` fetches.
fn of_solidity(folder: &Path) -> Result<Vec<Obligation>, CannotRun> {
    let module = std::env::var_os("POP_SOLC").map_or_else(|| root().join(".solc/node_modules/solc"), PathBuf::from);
    if !module.is_dir() {
        return Err(CannotRun(format!("npm's package solc is not in {} (make setup fetches it)", module.display())));
    }
    let mut node = Command::new("node");
    node.arg(root().join("tests/generators/solidity.js")).arg(&module).arg(Tool::Solidity.programs()).arg(folder);
    let output = node.output().map_err(|error| missing("node", &error))?;
    if !output.status.success() {
        return Err(CannotRun(format!("node: {}", said(&output))));
    }
    Ok(files_in(folder).iter().map(|file| Obligation::new(Tool::Solidity, "solidity", file)).collect())
}

fn missing(program: &str, error: &std::io::Error) -> CannotRun {
    CannotRun(match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no {program} on the PATH"),
        _ => format!("{program}: {error}"),
    })
}

/// In one line, as what is not run is told.
fn said(output: &std::process::Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(500).collect()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
