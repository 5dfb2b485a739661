//! The worker process of the verifier pool: the only program that loads the solver. `pop` starts it.

fn main() -> std::process::ExitCode {
    verifier::main()
}
