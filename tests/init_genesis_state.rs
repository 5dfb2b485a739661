//! `pop init-genesis-state` and `pop key` as an operator meets them: what they write, what they refuse, and that a
//! refusal leaves nothing behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const VALIDATORS: &str = include_str!("../config/validators.json");

/// A fresh folder with a validators file, and `pop` run in it.
struct Folder(TempDir);

impl Folder {
    fn new(validators: &str) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path().join("config")).unwrap();
        fs::write(folder.path().join("config/validators.json"), validators).unwrap();
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn pop(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pop")).args(arguments).current_dir(self.path()).output().unwrap()
    }

    fn init(&self, more: &[&str]) -> Output {
        let guide =
            ["init-genesis-state", "--validators", "config/validators.json", "--output", "data/genesis_state.json"];
        self.pop(&[&guide, more].concat())
    }

    fn genesis(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.path().join("data/genesis_state.json")).unwrap()).unwrap()
    }

    /// Runs it, and expects exit code 3, this text, and an untouched folder.
    fn refuses(&self, more: &[&str], text: &str) {
        let before = self.files();
        let output = self.init(more);
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(text), "{text:?} is not in: {message}");
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), [].as_slice()), "{message}");
        assert_eq!(self.files(), before, "a refusal leaves nothing behind");
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        fn walk(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else {
                    found.push((path.display().to_string(), fs::read(&path).unwrap()));
                }
            }
        }
        let mut found = Vec::new();
        walk(self.path(), &mut found);
        found.sort();
        found
    }
}

fn succeeds(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_guides_file_makes_a_genesis_and_four_private_keys() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(VALIDATORS);
    let said = succeeds(&folder.init(&[]));
    let genesis = folder.genesis();
    for field in ["chain_id", "genesis_block_hash", "initial_state_root"] {
        assert!(said.contains(genesis[field].as_str().unwrap()), "{field} is printed: {said}");
    }
    assert_eq!(genesis["parameters"]["reward_pool"], 1_000_000);
    assert_eq!(genesis["validators"].as_array().unwrap().len(), 4);
    for number in 1..=4 {
        let path = folder.path().join(format!("data/keys/node_{number}.key"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let key: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!(key["public_key"], genesis["validators"][number - 1]["public_key"]);
        assert!(folder.path().join(format!("data/keys/node_{number}.key.born")).exists(), "it never signed");
    }
}

#[test]
fn an_existing_genesis_needs_force_and_its_keys_are_reused() {
    let folder = Folder::new(VALIDATORS);
    succeeds(&folder.init(&[]));
    let first = folder.genesis();
    folder.refuses(&[], "exists already");
    let born = folder.path().join("data/keys/node_1.key.born");
    fs::remove_file(&born).unwrap();
    let said = succeeds(&folder.init(&["--force"]));
    assert!(born.exists(), "it never signed on the new chain");
    assert!(said.contains("existing key, reused"), "{said}");
    let second = folder.genesis();
    assert_eq!(first["validators"], second["validators"]);
    assert_ne!(first["chain_id"], second["chain_id"]);
}

#[test]
fn a_key_made_elsewhere_goes_into_the_genesis_and_no_other_is_made() {
    let elsewhere = Folder::new("");
    let said = succeeds(&elsewhere.pop(&["key", "new", "--node-id", "node_1"]));
    let entry = &said[said.find("    {").unwrap()..];
    let shown = succeeds(&elsewhere.pop(&["key", "show", "--node-id", "node_1"]));
    assert!(entry.contains(shown.trim()), "{entry}");
    let folder = Folder::new(&format!("{{\"validators\": [{entry}]}}"));
    succeeds(&folder.init(&[]));
    assert_eq!(folder.genesis()["validators"][0]["public_key"], shown.trim());
    assert!(!folder.path().join("data/keys").exists());
    let again = elsewhere.pop(&["key", "new", "--node-id", "node_1"]);
    assert_eq!(again.status.code(), Some(3), "a key is never overwritten");
}

#[test]
fn bad_validators_files_are_refused_with_a_reason() {
    let with = |from: &str, to: &str| Folder::new(&VALIDATORS.replacen(from, to, 1));
    with("node_2", "node_1").refuses(&[], "two validators are named node_1");
    with("10000", "999").refuses(&[], "Insufficient stake: node_1 has 999 tokens, the minimum is 1000");
    with("10000", "0").refuses(&[], "Insufficient stake");
    with("10000", "-5").refuses(&[], "line 5");
    with("10000", "18446744073709551615").refuses(&[], "together exceed");
    with("\"stake\"", "\"steak\"").refuses(&[], "unknown field `steak`");
    with("node_1", "../node_1").refuses(&[], "is not a node id");
    with("\"stake\"", "\"public_key\": \"00ff\", \"stake\"").refuses(&[], "expected 64 hexadecimal digits");
    Folder::new("{\"validators\": []}").refuses(&[], "at least one validator");
    Folder::new("").refuses(&[], "EOF");
    Folder::new(VALIDATORS).refuses(&["--minimum-stake", "20000"], "the minimum is 20000");
    Folder::new(VALIDATORS).refuses(&["--minimum-stake", "0"], "minimum_stake is 0");
}

#[test]
fn a_damaged_or_open_key_stops_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(VALIDATORS);
    succeeds(&folder.pop(&["key", "new", "--node-id", "node_3"]));
    let path = folder.path().join("data/keys/node_3.key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    folder.refuses(&[], "chmod 600");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "{}").unwrap();
    folder.refuses(&[], "damaged");
}

#[test]
fn keys_made_for_a_genesis_that_cannot_be_written_are_taken_away() {
    let folder = Folder::new(VALIDATORS);
    // A directory stands where the genesis should go, and --force replaces files only.
    fs::create_dir_all(folder.path().join("data/genesis_state.json")).unwrap();
    folder.refuses(&["--force"], "cannot replace");
    assert_eq!(fs::read_dir(folder.path().join("data/keys")).unwrap().count(), 0);
}

#[test]
fn parameters_from_a_file_replace_defaults_and_unknown_ones_are_refused() {
    let folder = Folder::new(VALIDATORS);
    let path = folder.path().join("parameters.json");
    fs::write(&path, r#"{"block": {"proofs_max": 50}, "reward_pool": 5}"#).unwrap();
    succeeds(&folder.init(&["--parameters", "parameters.json", "--reward-pool", "7"]));
    let parameters = &folder.genesis()["parameters"];
    assert_eq!((&parameters["block"]["proofs_max"], &parameters["reward_pool"]), (&50.into(), &7.into()));
    for (text, expected) in [
        (r#"{"block": {"proof_max": 50}}"#, "unknown field `proof_max`"),
        (r#"{"verifier": {"soft": {"cpu_ms": 999999}}}"#, "soft"),
        (r#"{"solver_pin": {}}"#, "measured"),
        ("7", "JSON object"),
    ] {
        fs::write(&path, text).unwrap();
        folder.refuses(&["--force", "--parameters", "parameters.json"], expected);
    }
}
