//! Commands used wrongly, as a new user would: each says what failed, with the wrong value, ends with the exit code that
//! docs/NODE_OPERATOR_GUIDE.md lists, and leaves nothing behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const SCRIPT: &str = "(set-info :status unsat)\n(declare-const p Bool)\n(assert (and p (not p)))\n(check-sat)\n";

/// A fresh folder with the repository's configuration files, and `pop` run in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path().join("config")).unwrap();
        for name in ["validators.json", "node_1.json", "node_2.json"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
            fs::copy(from, folder.path().join("config").join(name)).unwrap();
        }
        folder.write("good.smt2", SCRIPT);
        folder
    }

    fn with_genesis() -> Folder {
        let folder = Folder::new();
        assert!(folder.pop(&["init-genesis-state"]).status.success());
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    fn pop(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env("XDG_DATA_HOME", self.path().join("user"))
            .output()
            .unwrap()
    }

    /// Expects this exit code, each of these words on standard error, and nothing on standard output.
    fn refuses(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let output = self.pop(arguments);
        let message = String::from_utf8(output.stderr).unwrap();
        for word in words {
            assert!(message.contains(word), "{arguments:?}: {word:?} is not in: {message}");
        }
        assert!(!message.contains("panicked"), "{arguments:?}: {message}");
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(code), &[][..]), "{arguments:?}: {message}");
    }

    fn does_not_start(&self, arguments: &[&str], words: &[&str]) {
        self.refuses(&[&["start-validator", "--node-id", "node_1"], arguments].concat(), 3, words);
        assert!(!self.path().join("data/node_1").exists(), "nothing was made for {arguments:?}");
    }
}

#[test]
fn numbers_out_of_range_are_named_before_anything_is_done() {
    let folder = Folder::new();
    let submit = |more: &[&str]| {
        let arguments = [&["submit-proof", "good.smt2", "--node", "localhost:1"], more].concat();
        folder.refuses(&arguments, 2, &["invalid value"]);
    };
    for timeout in ["NaN", "inf", "-1", "1e300", "soon", ""] {
        submit(&["--wait", "--timeout", timeout]);
    }
    submit(&["--nonce", "-1"]);
    submit(&["--nonce", "18446744073709551616"]);
    submit(&["--claim", "maybe"]);
    folder.refuses(&["submit-proof", "good.smt2", "--timeout", "3"], 2, &["--wait"]);
    for sequence in ["-1", "first", "18446744073709551616", "1.5"] {
        folder.refuses(&["block", sequence], 2, &["invalid value", sequence, "whole number"]);
    }
    folder.refuses(&["proof", "abc"], 2, &["abc", "6 to 64 hexadecimal digits"]);
    folder.refuses(&["proof", &"z".repeat(64)], 2, &["neither a proof's id"]);
    folder.refuses(&["init-genesis-state", "--reward-pool", "-1"], 2, &["-1", "whole number"]);
    folder.refuses(&["start-validator", "--node-id", "node_1", "--stake", "-1"], 2, &["-1", "whole number"]);
    folder.refuses(&["start-validator"], 2, &["--node-id"]);
    folder.refuses(&["start-validator", "--node-id", "../x"], 2, &["is not a node id"]);
}

#[test]
fn a_node_that_is_not_there_is_told_with_its_address() {
    let folder = Folder::new();
    // Nothing listens on port 1 of a machine that runs tests.
    let commands: [&[&str]; 4] =
        [&["status"], &["block", "1"], &["proof", &"0".repeat(64)], &["submit-proof", "good.smt2"]];
    for command in commands {
        let arguments = [command, &["--node", "localhost:1"]].concat();
        folder.refuses(&arguments, 4, &["localhost:1 does not answer at http://localhost:1", "is a validator running"]);
    }
    folder.write("config/far.json", r#"{"node_id": "far", "http": {"port": 1}, "network": {"listen_port": 9}}"#);
    let words = ["far does not answer at http://127.0.0.1:1", "pop start-validator --node-id far"];
    folder.refuses(&["status", "--node", "far"], 4, &words);
    folder.refuses(&["status", "--node", "nobody"], 3, &["no port is known for nobody", "config/nobody.json"]);
    folder.refuses(&["status", "--node", "http://localhost:1/"], 4, &["localhost:1 does not answer"]);
    folder.refuses(&["status", "--node", "https://localhost:1"], 2, &["http://HOST:PORT"]);
    for node in ["", "http://", "localhost:99999", "a b"] {
        folder.refuses(&["status", "--node", node], 2, &["neither a node id nor HOST:PORT"]);
    }
}

#[test]
fn files_that_are_no_proofs_are_named_before_a_node_is_asked() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let submit = |file: &str, words: &[&str]| {
        folder.refuses(&["submit-proof", file, "--node", "localhost:1"], 2, words);
    };
    submit("nowhere.smt2", &["cannot read nowhere.smt2", "No such file"]);
    submit("empty", &["empty names no script"]);
    folder.write("list.json", "{}");
    submit("list.json", &["list.json is not a manifest"]);
}

#[test]
fn a_genesis_that_is_not_what_it_was_is_refused() {
    let folder = Folder::with_genesis();
    let good = folder.read("data/genesis_state.json");
    let start = |genesis: &str, words: &[&str]| folder.does_not_start(&["--genesis", genesis], words);
    start("nowhere.json", &["there is no genesis at nowhere.json", "pop init-genesis-state"]);
    start("config", &["cannot read config", "not a file"]);
    for (text, words) in [
        (String::new(), "is not a genesis"),
        ("hello".to_owned(), "is not a genesis"),
        (good[..good.len() / 2].to_owned(), "EOF"),
        (good.replacen('{', "{\"colour\": 1,", 1), "unknown field `colour`"),
        (good.replacen("\"stake\": 10000", "\"stake\": 20000", 1), "the file was edited or damaged"),
    ] {
        folder.write("bad.json", text);
        start("bad.json", &["bad.json", words, "take an unchanged copy"]);
    }
}

#[test]
fn a_configuration_that_is_wrong_is_refused_by_its_key() {
    let folder = Folder::with_genesis();
    let start = |from: &str, to: &str, words: &[&str]| {
        let good = folder.read("config/node_1.json");
        assert!(good.contains(from));
        folder.write("wrong.json", good.replacen(from, to, 1));
        folder.does_not_start(&["--config", "wrong.json"], words);
    };
    start("\"stake\"", "\"colour\": 1, \"stake\"", &["unknown field `colour`", "docs/CONFIGURATION.md"]);
    start("\"timeout\": 10.0", "\"timeout\": \"10\"", &["expected a number at line"]);
    start("\"timeout\": 10.0", "\"timeout\": -1", &["consensus.timeout is -1"]);
    start("\"timeout\": 10.0", "\"timeout\": 1e9", &["consensus.timeout", "0.5 to 600 seconds"]);
    start("8001", "70000", &["70000", "a whole number up to 65535"]);
    start("8001", "0", &["network.listen_port is 0", "1 to 65535"]);
    start("\"node_3\"", "\"node_7\"", &["node_7", "not a validator of this genesis"]);
    start("localhost:8002", "nowhere", &["\"nowhere\" is not an address"]);
    start("10000", "5000", &["a stake of 5000", "the genesis binds 10000"]);
    folder.does_not_start(&["--config", "nowhere.json"], &["there is no configuration file nowhere.json"]);
    folder.does_not_start(&["--config", "config/node_2.json"], &["configures node_2, but --node-id says node_1"]);
    folder.does_not_start(&["--stake", "999"], &["Insufficient stake: node_1 has 999 tokens, the minimum is 1000"]);
    let words = ["node_9 is not a validator of this genesis"];
    folder.refuses(&["start-validator", "--node-id", "node_9"], 3, &words);
}

#[test]
fn a_missing_a_foreign_and_a_damaged_key_are_three_errors() {
    let folder = Folder::with_genesis();
    let key = |number: u8| folder.path().join(format!("data/keys/node_{number}.key"));
    fs::rename(key(1), folder.path().join("kept")).unwrap();
    folder.does_not_start(&[], &["there is no key file data/keys/node_1.key", "copy it here"]);
    fs::copy(key(2), key(1)).unwrap();
    folder.does_not_start(&[], &["is not node_1's", "Use the key file that the genesis was made with"]);
    fs::write(key(1), "{}").unwrap();
    folder.does_not_start(&[], &["data/keys/node_1.key is damaged", "restore it from its backup"]);
}

#[test]
fn a_validators_file_that_is_not_there_is_told_with_what_to_give() {
    let folder = Folder::new();
    let init = |file: &str, words: &[&str]| folder.refuses(&["init-genesis-state", "--validators", file], 3, words);
    init("nowhere.json", &["cannot read nowhere.json", "--validators names the file"]);
    folder.write("list.json", "[]");
    init("list.json", &["expected an object in braces", "the form is", "nothing was written"]);
    folder.write("half.json", r#"{"validators": [{"node_id": "a", "stake": 1000.5}]}"#);
    init("half.json", &["1000.5", "expected a whole number that is not negative"]);
    assert!(!folder.path().join("data").exists());
}
