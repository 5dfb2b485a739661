//! Disks that fail, fill, forget or go back in time, under real processes: nobody ever signs twice, nothing that was final is
//! gone without a word, and whoever stops says what to do.

mod network_support;

use network_support::audit::{Signed, agree, audit, ids, signed_by};
use network_support::faults::Faults;
use network_support::proofs::{Submitter, script};
use network_support::refusal::{CONFIGURATION, DAMAGED, refused};
use network_support::{End, Network, say, until};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ADVICE: &str = "free space, make it writable or repair the disk, then start it again";

/// Four validators, of which the last one's data are in a small file system of their own.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_one_validator_which_goes_on_when_there_is_space_again() {
    use network_support::faults::{mount_small, own_mounts};
    if let Err(why) = own_mounts() {
        return say(format_args!("NOT RUN: {why}"));
    }
    let mut network = Network::new(4);
    let mounted = mount_small(&network.nodes[3].data(""), 24 << 20);
    network.start_all();
    let submitter = Submitter::new(network.chain());
    let first = submitter.submit(&network.nodes[3]);
    network.nodes.iter_mut().for_each(|node| _ = node.await_final(&first));

    let filler = network.nodes[3].data("filler");
    fill(&filler);
    let mut proofs = vec![first];
    let filled = Instant::now();
    until("the full disk ends it", || {
        // Each has some 60 kB, so that new pages are needed.
        let padded = format!("; {}\n{}", "x".repeat(60_000), script());
        proofs.push(submitter.submit_script(&network.nodes[0], &padded));
        network.nodes[3].has_ended().then_some(())
    });
    let ended = (network.nodes[3].wait_for_end().code(), network.nodes[3].log());
    refused(&ended, CONFIGURATION, &["No space left on device", ADVICE]);
    say(format_args!("a full disk ended the validator {:?} after it was full", filled.elapsed()));
    let record = fs::read_to_string(network.nodes[3].data("last-exit")).unwrap();
    assert!(record.contains(r#""code":3"#) && record.contains("No space left on device"), "{record}");
    // Still full: the same word, however often a service manager starts it.
    let again = network.nodes[3].refuses_to_start(&[]);
    refused(&again, CONFIGURATION, &["No space left on device", ADVICE]);
    for proof in &proofs {
        network.nodes[..3].iter_mut().for_each(|node| _ = node.await_final(proof));
    }

    fs::remove_file(filler).unwrap();
    network.start_all();
    for proof in &proofs {
        network.nodes[3].await_final(proof);
    }
    agree(&mut network);
    audit(&mut network, Signed::default());
    drop(mounted);
}

/// Takes every byte that is left.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(path).unwrap();
    for size in [1 << 20, 4_096, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_disk_is_refused_and_ends_a_validator_that_runs() {
    use network_support::faults::{mount_read_only, own_mounts};
    if let Err(why) = own_mounts() {
        return say(format_args!("NOT RUN: {why}"));
    }
    let mut network = Network::running(1, json!({}));
    let submitter = Submitter::new(network.chain());
    let proof = submitter.submit(&network.nodes[0]);
    network.nodes[0].await_final(&proof);
    network.nodes[0].end(End::Kill);
    // The data, then the keys with the mark.
    for folder in [network.nodes[0].data(""), network.path("data/keys")] {
        let mounted = mount_read_only(&folder);
        network.nodes[0].start_with(&[]);
        let ended = (network.nodes[0].wait_for_end().code(), network.nodes[0].log());
        refused(&ended, CONFIGURATION, &["Read-only file system", ADVICE]);
        drop(mounted);
        fs::remove_file(network.path("node_1.log")).unwrap();
    }
    // So a system does to a disk that failed, while files on it are open.
    let faults = match Faults::of(&mut network.nodes[0]) {
        Ok(faults) => faults,
        Err(why) => return say(format_args!("NOT RUN: {why}")),
    };
    for file in ["votes.log", "state.redb"] {
        network.start_all();
        network.nodes[0].await_final(&proof);
        faults.writes_fail(file, libc::EROFS);
        let (body, _) = submitter.make();
        _ = network.nodes[0].post("/v1/proofs", &body);
        let ended = (network.nodes[0].wait_for_end().code(), network.nodes[0].log());
        refused(&ended, CONFIGURATION, &["Read-only file system", ADVICE]);
        fs::remove_file(network.path("node_1.log")).unwrap();
        assert_eq!(faults.heal().1, 1, "{file}: nothing is written after a write that failed");
    }
    network.start_all();
    network.nodes[0].await_final(&proof);
    audit(&mut network, Signed::default());
}

#[test]
fn a_failed_sync_ends_the_process_and_is_never_tried_again() {
    let mut network = Network::new(1);
    let faults = match Faults::of(&mut network.nodes[0]) {
        Ok(faults) => faults,
        Err(why) => return say(format_args!("NOT RUN: {why}")),
    };
    let submitter = Submitter::new(network.chain());
    let mut proofs = Vec::new();
    let mut signed = Signed::default();
    for file in ["votes.log", "state.redb", "votes.log"] {
        network.start_all();
        proofs.push(submitter.submit(&network.nodes[0]));
        network.nodes[0].await_final(&proofs[proofs.len() - 1]);
        let before = ids(&network.nodes[0].blocks(1));
        faults.syncs_fail(file, libc::EIO);
        let (body, _) = submitter.make();
        // Accepted or not: what was accepted is durable.
        let accepted = network.nodes[0].post("/v1/proofs", &body);
        if file == "state.redb" {
            assert!(accepted.is_none_or(|(status, _)| status >= 500), "nothing was accepted that is not durable");
        }
        let ended = (network.nodes[0].wait_for_end().code(), network.nodes[0].log());
        refused(&ended, CONFIGURATION, &["Input/output error", ADVICE]);
        fs::remove_file(network.path("node_1.log")).unwrap();
        assert_eq!(faults.heal().0, 1, "{file}: a sync that failed is not tried again");
        signed.read_log(&network, &network.nodes[0]);
        network.start_all();
        assert_eq!(ids(&network.nodes[0].blocks(1))[..before.len()], before);
        network.nodes[0].end(End::Kill);
    }
    network.start_all();
    for proof in &proofs {
        network.nodes[0].await_final(proof);
    }
    audit(&mut network, signed);
}

/// A part of what a validator keeps, put back as it was.
struct Copy {
    what: &'static str,
    files: &'static [&'static str],
    /// What tells an old log, if it is one.
    told: Option<&'static str>,
}

const MARK: &str = "the mark";
const BY_THE_MARK: &str = "the vote log is an older copy than the mark";
const BY_A_PEER: &str = "a peer shows a vote of this validator that its vote log lacks";

#[test]
fn a_copy_of_yesterday_is_noticed_and_never_signs_twice() {
    // An idle view is given up soon.
    let mut network = Network::running(4, json!({"consensus": {"idle_block_interval": 1.0}}));
    let submitter = Submitter::new(network.chain());
    let mut signed = Signed::default();
    let copies = [
        Copy { what: "the data directory", files: &["votes.log", "state.redb"], told: Some(BY_THE_MARK) },
        Copy { what: "the vote log", files: &["votes.log"], told: Some(BY_THE_MARK) },
        Copy { what: "the database", files: &["state.redb"], told: None },
        // Nothing here knows better; the others do.
        Copy { what: "the whole machine", files: &["votes.log", "state.redb", MARK], told: Some(BY_A_PEER) },
    ];
    for Copy { what, files, told } in copies {
        work(&mut network, &submitter);
        network.nodes[3].end(End::Terminate);
        let folder = tempfile::tempdir().unwrap();
        let places: Vec<(PathBuf, PathBuf)> =
            files.iter().map(|file| (place(&network, file), folder.path().join(file))).collect();
        places.iter().for_each(|(from, to)| _ = fs::copy(from, to).unwrap());
        network.start_all();
        work(&mut network, &submitter);
        let before = ids(&network.nodes[0].blocks(1));
        network.nodes.iter_mut().for_each(|node| _ = node.end(End::Kill));
        signed.read_log(&network, &network.nodes[3]);
        places.iter().for_each(|(to, from)| _ = fs::copy(from, to).unwrap());

        let said = network.nodes[3].log().len();
        if told == Some(BY_A_PEER) {
            // Nobody tells it yet, and for want of a leader it would give up a view in which it has committed long since.
            network.nodes[3].start();
            let enough = Instant::now() + Duration::from_secs(4);
            until("it had time to give up a view", || (Instant::now() >= enough).then_some(()));
            network.nodes[3].end(End::Kill);
            signed.read_log(&network, &network.nodes[3]);
        }
        let begun = Instant::now();
        network.start_all();
        say(format_args!("{what} of yesterday: it signed again {:?} after its start", begun.elapsed()));
        let said = network.nodes[3].log().split_off(said);
        for words in [BY_THE_MARK, BY_A_PEER] {
            assert_eq!(said.contains(words), told == Some(words), "{what}: {words:?} in {said}");
        }
        work(&mut network, &submitter);
        assert_eq!(agree(&mut network)[..before.len()], before, "{what}: nothing final is gone");
    }
    audit(&mut network, signed);
}

/// Proofs until the last one has signed a few blocks.
fn work(network: &mut Network, submitter: &Submitter) {
    let from = network.nodes[0].sequence() + 1;
    until("the last one signs blocks", || {
        let proof = submitter.submit(&network.nodes[0]);
        network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
        let blocks = network.nodes[0].blocks(from);
        (blocks.iter().filter(|block| signed_by(block, "node_4")).count() >= 3).then_some(())
    });
}

fn place(network: &Network, file: &str) -> PathBuf {
    if file != MARK {
        return network.nodes[3].data(file);
    }
    let chain = network.chain();
    actors::storage::beside_key::BesideKey::of(&network.path("data/keys/node_4.key"), &chain).mark
}

/// A file in which a bit flips, where, and with which code and words a start ends then.
type Stopping<'a> = (&'a Path, &'a dyn Fn(&[u8]) -> usize, i32, &'a str);

/// Whose file it is, or a bit of it, is not right.
#[test]
fn files_of_others_missing_files_and_flipped_bits_are_met_one_by_one() {
    let mut network = Network::running(4, json!({}));
    let submitter = Submitter::new(network.chain());
    let mut signed = Signed::default();
    work(&mut network, &submitter);
    network.nodes[2].end(End::Terminate);
    network.nodes[3].end(End::Terminate);
    signed.read_log(&network, &network.nodes[3]);
    let (key, mark) = (network.path("data/keys/node_4.key"), place(&network, MARK));
    let (log, database) = (network.nodes[3].data("votes.log"), network.nodes[3].data("state.redb"));
    let genesis = network.path("data/genesis_state.json");

    // Another validator's data, of the same network.
    let own = fs::read(&log).unwrap();
    fs::copy(network.nodes[2].data("votes.log"), &log).unwrap();
    let foreign = network.nodes[3].refuses_to_start(&[]);
    refused(&foreign, CONFIGURATION, &["votes.log belongs to another validator", "give the data directory"]);
    fs::write(&log, own).unwrap();

    let stopping: [Stopping<'_>; 5] = [
        (&key, &|bytes| find(bytes, b"private_key") + 20, CONFIGURATION, "restore it from its backup"),
        (&genesis, &|bytes| find(bytes, b"\"stake\": ") + 9, CONFIGURATION, "take an unchanged copy"),
        (&log, &|_| 20, DAMAGED, "Move the file away"),
        (&log, &|_| 4_096 + 30, DAMAGED, "Move the file away"),
        // The page size, which no checksum covers.
        (&database, &|_| 12, DAMAGED, "move it away"),
    ];
    for (path, at, code, words) in stopping {
        let whole = fs::read(path).unwrap();
        flip(path, at(&whole));
        let ended = network.nodes[3].refuses_to_start(&[]);
        refused(&ended, code, &[words]);
        assert_eq!(fs::read(path).unwrap().len(), whole.len(), "what is damaged is evidence");
        fs::write(path, whole).unwrap();
    }
    for path in [&key, &genesis] {
        let whole = fs::read(path).unwrap();
        let mode = fs::metadata(path).unwrap().permissions();
        fs::remove_file(path).unwrap();
        let ended = network.nodes[3].refuses_to_start(&[]);
        refused(&ended, CONFIGURATION, &["there is no", path.to_str().unwrap().rsplit('/').next().unwrap()]);
        fs::write(path, whole).unwrap();
        fs::set_permissions(path, mode).unwrap();
    }

    // What it goes on from, with the others.
    network.nodes[2].start();
    let end = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let met: [(&str, &dyn Fn()); 5] = [
        ("its mark is gone", &|| fs::remove_file(&mark).unwrap()),
        ("a bit of the mark flipped", &|| flip(&mark, 110)),
        ("a bit of the vote log's last batch flipped", &|| flip(&log, end(&fs::read(&log).unwrap()))),
        ("a bit of the vote log's empty space flipped", &|| flip(&log, fs::read(&log).unwrap().len() - 77)),
        ("the database lost its second half", &|| {
            // It says so, and the operator does what it says.
            let bytes = fs::read(&database).unwrap();
            fs::write(&database, &bytes[..bytes.len() / 2]).unwrap();
        }),
    ];
    for (what, harm) in met {
        harm();
        if what.starts_with("the database") {
            let ended = network.nodes[3].refuses_to_start(&[]);
            refused(&ended, DAMAGED, &["state.redb", "move it away"]);
            fs::remove_file(&database).unwrap();
        }
        let begun = Instant::now();
        network.start_all();
        say(format_args!("{what}: it signed again {:?} after its start", begun.elapsed()));
        work(&mut network, &submitter);
        network.nodes[3].end(End::Terminate);
        signed.read_log(&network, &network.nodes[3]);
    }
    network.start_all();
    agree(&mut network);
    audit(&mut network, signed);
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 4;
    // In place: a key keeps its mode.
    fs::write(path, bytes).unwrap();
}

fn find(bytes: &[u8], word: &[u8]) -> usize {
    bytes.windows(word.len()).position(|window| window == word).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_in_the_first_moments_ends_a_validator_in_order() {
    let mut network = Network::new(1);
    network.start_all();
    network.nodes[0].end(End::Terminate);
    for how in [End::Terminate, End::Interrupt] {
        network.nodes[0].start_with(&[]);
        let pid = network.nodes[0].pid();
        // From when it catches signals; before that, it has done nothing.
        until("it catches signals", || catches(pid, libc::SIGTERM).then_some(()));
        assert_eq!(network.nodes[0].end(how).code(), Some(0), "{how:?}");
    }
}

/// Whether a process has a handler for a signal.
#[cfg(target_os = "linux")]
fn catches(pid: i32, signal: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    caught >> (signal - 1) & 1 == 1
}

/// A sync on the thread that votes: longer than anybody may block a thread, and the disk's fault.
#[test]
fn a_disk_that_takes_its_time_ends_nobody_and_is_named() {
    let mut network = Network::new(1);
    let faults = match Faults::of(&mut network.nodes[0]) {
        Ok(faults) => faults,
        Err(why) => return say(format_args!("NOT RUN: {why}")),
    };
    network.start_all();
    let submitter = Submitter::new(network.chain());
    faults.syncs_are_slow("votes.log", 5_000);
    let proof = submitter.submit(&network.nodes[0]);
    until("the log says what it waits for", || {
        assert!(!network.nodes[0].has_ended(), "a slow disk ended the validator");
        let log = network.nodes[0].log();
        log.lines().any(|line| line.contains("for the disk (") && line.contains("votes.log")).then_some(())
    });
    until("and so do its actors", || {
        let actors = network.nodes[0].try_get("/v1/actors")?;
        actors["threads"].as_array()?.iter().any(|thread| thread["waits_for"] == "disk").then_some(())
    });
    faults.heal();
    network.nodes[0].await_final(&proof);
    assert_eq!(network.nodes[0].metric("pop_actor_restarts_total"), 0.0);
    until("it waits no more", || (network.nodes[0].metric("pop_thread_waiting") == 0.0).then_some(()));
}
