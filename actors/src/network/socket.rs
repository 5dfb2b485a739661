//! Options of a peer's TCP connection.

use std::io;
use std::os::fd::AsRawFd;
use tokio::net::TcpStream;

/// Bytes that the system may hold unsent for one connection. What it holds can no longer be overtaken by a vote.
const UNSENT_BYTES_MAX: libc::c_int = 128 * 1024;

/// Sends small frames at once, and keeps the system's own queue short.
///
/// # Errors
/// If the system refuses the first; the second is a refinement that not every system has.
pub fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    // SAFETY: the descriptor is open for as long as `stream` is borrowed, and the pointer and length describe one c_int
    // that outlives the call.
    let result = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NOTSENT_LOWAT,
            std::ptr::from_ref(&UNSENT_BYTES_MAX).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    if result != 0 {
        tracing::debug!(error = %io::Error::last_os_error(), "the system does not bound unsent bytes");
    }
    Ok(())
}
