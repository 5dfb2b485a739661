//! Which solver is installed here: asked for the genesis' pin and the handshake.

use protocol::types::Hash;
use protocol::verdict::SolverPin;
use std::path::PathBuf;

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
        .find_map(|path| std::fs::read(path).ok());
    match library {
        Some(bytes) => {
            Ok(SolverPin { library: Hash(*blake3::hash(&bytes).as_bytes()), normaliser_version: smtlib::VERSION })
        }
        None => Err(NoSolver { program }),
    }
}
