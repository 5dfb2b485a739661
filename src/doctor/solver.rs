//! The solver: which build is installed, whether it is the one that the genesis pins, and whether a worker starts in its sandbox.

use super::Finding;
use crate::solver_pin;
use actors::config::NodeConfig;
use actors::verifier_pool::{PoolConfig, VerifierPool, program_beside_this_one};
use protocol::genesis::Genesis;
use protocol::verdict::SolverPin;
use protocol::worker::SandboxState;

pub(super) fn without_genesis() -> Finding {
    match solver_pin::installed() {
        Ok(pin) => Finding::ok("solver", format!("installed: {pin}")),
        Err(error) => Finding::error("solver", error),
    }
}

/// Starts one worker, as the node would, and ends it.
pub(super) fn look(config: &NodeConfig, genesis: &Genesis) -> Vec<Finding> {
    let pinned = genesis.parameters().solver_pin;
    let program = match program_beside_this_one() {
        Ok(program) => program,
        Err(error) => return vec![Finding::error("solver", error)],
    };
    let mut pool = PoolConfig::new(program, genesis.parameters().verifier);
    (pool.workers, pool.spare, pool.sandbox) = (1, false, config.verifier.sandbox);
    match VerifierPool::start(pool) {
        Ok(pool) => vec![judge(&pool.hello().solver, pool.pin(), pinned), judge_sandbox(pool.hello().sandbox)],
        // It names the program, and what that said.
        Err(error) => vec![Finding::failure(
            "solver",
            format!("no worker starts: {error}"),
            "install `pop-verifier` and its library beside `pop` (`make install`); without a sandbox on this system, docs/VERIFIER.md",
        )],
    }
}

fn judge(solver: &str, mine: SolverPin, pinned: SolverPin) -> Finding {
    if mine == pinned {
        let library: String = mine.library.to_string().chars().take(12).collect();
        let text =
            format!("Z3 {solver}, library {library}…, normaliser {}: as the genesis pins it", mine.normaliser_version);
        return Finding::ok("solver", text);
    }
    Finding::failure(
        "solver",
        format!("{solver}, {mine}; the genesis pins {pinned}"),
        "install the release that the network was made with, or make a new genesis",
    )
}

fn judge_sandbox(sandbox: SandboxState) -> Finding {
    let risk = "a hostile proof that breaks the solver would reach this user's files";
    match sandbox {
        SandboxState::Enforced => Finding::ok("sandbox", "Landlock and seccomp, tried in a worker"),
        SandboxState::Off => Finding::warning(
            "sandbox",
            "switched off by verifier.sandbox",
            format!("leave verifier.sandbox out: {risk}"),
        ),
        SandboxState::Unavailable => {
            Finding::warning("sandbox", "this system has none", format!("run validators on Linux: {risk}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use protocol::types::Hash;

    #[test]
    fn another_build_is_a_failure_and_a_missing_sandbox_a_warning() {
        let pin = |byte| SolverPin { library: Hash([byte; 32]), normaliser_version: 5 };
        assert_eq!(judge("Z3", pin(1), pin(1)).level, Level::Ok);
        assert_eq!(judge("Z3", pin(1), pin(2)).level, Level::Failure);
        assert_eq!(judge_sandbox(SandboxState::Enforced).level, Level::Ok);
        assert_eq!(judge_sandbox(SandboxState::Off).level, Level::Warning);
    }
}
