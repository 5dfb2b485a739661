//! Which solver is installed here: asked for the genesis' pin and the handshake.

use protocol::types::Hash;
use protocol::verdict::SolverPin;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// There is no solver to pin.
#[derive(Debug, thiserror::Error)]
#[error("the solver library was not found beside {program}: `make setup` fetches it", program = program.display())]
pub struct NoSolver {
    program: PathBuf,
}

/// The pin of the solver library that `pop-verifier`, beside this program, loads.
///
/// # Errors
/// If there is none.
pub fn installed() -> Result<SolverPin, NoSolver> {
    let program = std::env::current_exe().unwrap_or_default();
    let directory = program.parent().unwrap_or(&program);
    let library = ["../lib/proof-of-proof", ".", "../../.z3/lib", "../../../.z3/lib"]
        .iter()
        .flat_map(|place| ["libz3.so", "libz3.so.5.3", "libz3.dylib"].map(|name| directory.join(place).join(name)))
        .find_map(|path| hash(&path).ok());
    match library {
        Some(library) => Ok(SolverPin { library, normaliser_version: smtlib::VERSION }),
        None => Err(NoSolver { program }),
    }
}

/// The hash of a file, by parts: memory for all of it would cost as much as the hash.
fn hash(path: &Path) -> io::Result<Hash> {
    let mut file = File::open(path)?;
    let (mut hasher, mut part) = (blake3::Hasher::new(), vec![0; 128 << 10]);
    loop {
        match file.read(&mut part) {
            Ok(0) => return Ok(Hash(*hasher.finalize().as_bytes())),
            Ok(count) => drop(hasher.update(&part[..count])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
