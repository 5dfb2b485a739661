//! The walls, each tried from inside a process of its own: this test program again, told to shut itself in and then to
//! try what a taken-over solver would try. Without walls the same attempts succeed, so they are real ones.

use super::linux;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

const WALLS: &str = "POP_TEST_WALLS";
const PORT: &str = "POP_TEST_PORT";
const FOLDER: &str = "POP_TEST_FOLDER";

/// What a process with these walls could do, as a sorted list of words; `None` where this kernel has not the walls.
fn possible(walls: &str) -> Option<Vec<String>> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sandbox::tests::inside_the_walls", "--ignored", "--nocapture", "--test-threads=1"])
        .env(WALLS, walls)
        .env(PORT, listener.local_addr().unwrap().port().to_string())
        .env(FOLDER, folder.path())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if let Some(reason) = text.lines().find_map(|line| line.strip_prefix("unavailable: ")) {
        // Past the test harness, which keeps what a passing test prints.
        std::io::stdout().write_all(format!("NOT RUN: the sandbox test with {walls}: {reason}\n").as_bytes()).unwrap();
        return None;
    }
    let line = text.lines().find_map(|line| line.split_once("possible:")).map(|(_, words)| words.to_owned());
    let line = line.unwrap_or_else(|| panic!("no result with walls {walls:?}: {text}"));
    Some(line.split_whitespace().map(str::to_owned).collect())
}

#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn inside_the_walls() {
    let Ok(walls) = std::env::var(WALLS) else { return };
    let port: u16 = std::env::var(PORT).unwrap().parse().unwrap();
    let folder = std::env::var(FOLDER).unwrap();
    let built = walls.contains("landlock").then(linux::deny_files).unwrap_or(Ok(()));
    let built = built.and_then(|()| walls.contains("seccomp").then(linux::deny_calls).unwrap_or(Ok(())));
    if let Err(error) = built {
        println!("\nunavailable: {error}");
        return;
    }
    let new_file = format!("{folder}/new");
    let read = || File::open("/proc/self/cmdline").and_then(|mut file| file.read(&mut [0; 16])).is_ok();
    let thread = || std::thread::Builder::new().spawn(|| {}).is_ok_and(|thread| thread.join().is_ok());
    let attempts: [(&str, &dyn Fn() -> bool); 8] = [
        ("connect", &|| TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_ok()),
        ("create", &|| File::create(&new_file).is_ok()),
        ("fork", &fork),
        ("list", &|| std::fs::read_dir("/").is_ok()),
        ("read", &read),
        ("run", &|| Command::new("/bin/true").stdin(Stdio::inherit()).status().is_ok_and(|status| status.success())),
        ("socket", &|| UnixDatagram::unbound().is_ok()),
        ("thread", &thread),
    ];
    let words: Vec<&str> = attempts.iter().filter(|(_, attempt)| attempt()).map(|(word, _)| *word).collect();
    let mut output = std::io::stdout();
    writeln!(output, "\npossible: {}", words.join(" ")).unwrap();
    output.flush().unwrap();
    // SAFETY: the test harness behind these walls could not report any more.
    unsafe { libc::_exit(0) }
}

fn fork() -> bool {
    // SAFETY: the child does nothing but end.
    unsafe {
        match libc::fork() {
            0 => libc::_exit(0),
            -1 => false,
            child => libc::waitpid(child, std::ptr::null_mut(), 0) == child,
        }
    }
}

#[test]
fn without_walls_everything_is_possible() {
    assert_eq!(possible("none").unwrap(), ["connect", "create", "fork", "list", "read", "run", "socket", "thread"]);
}

#[test]
fn landlock_alone_denies_files_programs_and_connections() {
    // Landlock knows no processes; a program that cannot be opened cannot be run. Connections: since Linux 6.7.
    let Some(mut left) = possible("landlock") else { return };
    left.retain(|word| word != "connect");
    assert_eq!(left, ["fork", "socket", "thread"]);
}

#[test]
fn seccomp_alone_denies_everything_but_threads() {
    assert!(possible("seccomp").is_none_or(|left| left == ["thread"]));
}

#[test]
fn both_together_deny_everything_but_threads() {
    assert!(possible("landlock seccomp").is_none_or(|left| left == ["thread"]));
}
