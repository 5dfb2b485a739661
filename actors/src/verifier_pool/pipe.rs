//! The pipes to a worker: frames out and in, bounded, without ever blocking on one that neither reads nor answers.

use protocol::worker::REPORT_FRAME_BYTES_MAX;
use std::io::{self, Read};
use std::os::fd::RawFd;
use std::time::Duration;

/// A frame on its way in.
#[derive(Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
}

pub(super) enum Progress {
    Waiting,
    Frame(Vec<u8>),
    Closed,
    TooLong,
}

impl Incoming {
    pub(super) fn read(&mut self, stream: &mut impl Read) -> Progress {
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return Progress::Closed,
                Ok(count) => self.bytes.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if is_transient(&error) => return Progress::Waiting,
                Err(_) => return Progress::Closed,
            }
            let Some((length, rest)) = self.bytes.split_first_chunk() else { continue };
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            // Nothing is due after a report, so one byte more is as wrong as a length beyond the maximum.
            if length > REPORT_FRAME_BYTES_MAX || rest.len() > length {
                return Progress::TooLong;
            }
            if rest.len() == length {
                return Progress::Frame(rest.to_vec());
            }
        }
    }
}

/// One message as a frame.
///
/// # Errors
/// If it cannot be encoded.
pub fn encode_frame(message: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    rmp_serde::encode::write_named(&mut frame, message).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4).map_err(io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

pub(super) fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

pub(super) fn do_not_block(descriptor: RawFd) -> io::Result<()> {
    // SAFETY: plain system calls on a descriptor that we own.
    let result = unsafe {
        let flags = libc::fcntl(descriptor, libc::F_GETFL);
        libc::fcntl(descriptor, libc::F_SETFL, flags | libc::O_NONBLOCK)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits until one of the pipes can be used, or until it is time to look.
pub(super) fn wait_for(readable: RawFd, writable: Option<RawFd>, span: Duration) {
    let entry = |fd, events| libc::pollfd { fd, events, revents: 0 };
    let mut entries = [entry(readable, libc::POLLIN), entry(writable.unwrap_or(-1), libc::POLLOUT)];
    // Rounded up, or the last millisecond would be spent asking.
    let timeout = i32::try_from(span.as_millis() + 1).unwrap_or(i32::MAX);
    // SAFETY: the array is valid for the call. An error shows at the read or write that follows.
    unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, timeout) };
}
