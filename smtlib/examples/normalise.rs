//! Shows what the solver is given for a script: `cargo run -p smtlib --example normalise -- FILE…`.
//!
//! Must never: be needed by anything.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut refused = false;
    for path in std::env::args().skip(1) {
        let script = match std::fs::read(&path) {
            Ok(script) => script,
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::from(2);
            }
        };
        match smtlib::normalise(&script, &smtlib::Limits::default()) {
            Ok(normalised) => {
                for (name, value) in &normalised.options {
                    println!("; option {name} {value}");
                }
                for note in &normalised.notes {
                    println!("; {note}");
                }
                println!("; {:?} {:?}", normalised.status, normalised.assumptions);
                print!("{}", normalised.text);
            }
            Err(error) => {
                refused = true;
                eprintln!("{path}: {error}");
            }
        }
    }
    if refused { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
