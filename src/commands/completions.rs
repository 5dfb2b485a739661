//! `pop completions`: what a shell needs to complete the commands of this program.

use crate::Pop;
use crate::exit::{Exit, Outcome};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;

/// Print completions for a shell; `make install` puts them where bash, zsh and fish look.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Pop::command(), "pop", &mut text);
        // A reader that has gone ends the printing, not the program.
        let _ = std::io::stdout().lock().write_all(&text);
        Ok(Exit::Fine)
    }
}
