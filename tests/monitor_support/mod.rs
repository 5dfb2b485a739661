//! A program on a pseudo-terminal, and its screen as a person sees it: cell by cell.
#![allow(dead_code)]

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The longest that anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(10);

/// A terminal with a program in it; the program ends with it.
pub struct Terminal {
    pub program: Child,
    keyboard: File,
    /// Kept open, so that the terminal's modes are there when the program has ended.
    line: OwnedFd,
    screen: Arc<Mutex<vt100::Parser>>,
    before: libc::termios,
}

impl Terminal {
    // Not every system's libc takes a constant size.
    #[allow(clippy::unnecessary_mut_passed)]
    pub fn start(mut command: Command, rows: u16, columns: u16) -> Terminal {
        let (mut master, mut slave) = (-1, -1);
        let mut size = window(rows, columns);
        // SAFETY: both descriptors are written by the call, and owned by nobody else.
        let (master, slave) = unsafe {
            let none = std::ptr::null_mut();
            assert_eq!(libc::openpty(&mut master, &mut slave, none, std::ptr::null_mut(), &mut size), 0);
            (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
        };
        let before = modes(&slave);
        let stdio = || Stdio::from(slave.try_clone().unwrap());
        command.stdin(stdio()).stdout(stdio()).stderr(stdio());
        // SAFETY: between fork and exec, calls that are safe there.
        unsafe {
            command.pre_exec(|| {
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY as _, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let program = command.spawn().unwrap();
        let parser = Arc::new(Mutex::new(vt100::Parser::new(number(rows), number(columns), 0)));
        let keyboard = File::from(master);
        let (mut output, screen) = (keyboard.try_clone().unwrap(), parser.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 1 << 14];
            // Ends when no end of the terminal is open any more.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                screen.lock().unwrap().process(&bytes[..count]);
            }
        });
        Terminal { program, keyboard, line: slave, screen: parser, before }
    }

    pub fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: a plain system call; the program is our child and not reaped yet.
        assert_eq!(unsafe { libc::kill(i32::try_from(self.program.id()).unwrap(), signal) }, 0);
    }

    /// As a window manager does it: the program is told by SIGWINCH.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.screen.lock().unwrap().set_size(number(rows), number(columns));
        let size = window(rows, columns);
        // SAFETY: a plain system call with a structure that lives.
        assert_eq!(unsafe { libc::ioctl(self.keyboard.as_raw_fd(), libc::TIOCSWINSZ as _, &size) }, 0);
    }

    /// The rows of the screen, without blanks at their ends.
    pub fn rows(&self) -> Vec<String> {
        let screen = self.screen.lock().unwrap();
        let (_, columns) = screen.screen().size();
        screen.screen().rows(0, columns.get()).map(|row| row.trim_end().to_owned()).collect()
    }

    pub fn text(&self) -> String {
        self.rows().join("\n")
    }

    /// Looks at the screen's cells.
    pub fn look<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.screen.lock().unwrap().screen())
    }

    /// The cell where a text begins, for its colour.
    pub fn cell_of(&self, text: &str) -> vt100::Cell {
        let rows = self.rows();
        let (row, line) = rows
            .iter()
            .enumerate()
            .find(|(_, line)| line.contains(text))
            .unwrap_or_else(|| panic!("{text:?} is not in\n{}", self.text()));
        let column = line[..line.find(text).unwrap()].chars().count();
        self.look(|screen| screen.cell(u16::try_from(row).unwrap(), u16::try_from(column).unwrap()).unwrap().clone())
    }

    /// Waits until the screen is as it should be, and returns it.
    pub fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if is_so(&text) {
                return text;
            }
            assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for: {what}\n{text}");
            std::thread::park_timeout(LOOK);
        }
    }

    pub fn until_shows(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }

    /// Waits until the program has ended, and checks that the terminal is as it was before it.
    pub fn is_left_as_it_was(&mut self) -> ExitStatus {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.program.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end:\n{}", self.text());
            std::thread::park_timeout(LOOK);
        };
        let now = modes(&self.line);
        let flags = |modes: &libc::termios| (modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag, modes.c_cc);
        assert_eq!(flags(&now), flags(&self.before), "the modes of the line");
        self.until("the other screen, with its cursor", |_| {
            self.look(|screen| !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste())
        });
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.program.kill();
        _ = self.program.wait();
        if std::thread::panicking() {
            eprintln!("--- the terminal shows:\n{}", self.text());
        }
    }
}

fn number(of: u16) -> NonZeroU16 {
    NonZeroU16::new(of).unwrap()
}

fn window(rows: u16, columns: u16) -> libc::winsize {
    libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn modes(line: &OwnedFd) -> libc::termios {
    let mut modes = std::mem::MaybeUninit::uninit();
    // SAFETY: the call fills the structure, or fails.
    unsafe {
        assert_eq!(libc::tcgetattr(line.as_raw_fd(), modes.as_mut_ptr()), 0);
        modes.assume_init()
    }
}
