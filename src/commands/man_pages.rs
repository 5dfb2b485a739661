//! `pop man-pages`: a manual page for the program, and one for each of its commands.

use crate::Pop;
use crate::exit::{Exit, Failure, Outcome};
use crate::say;
use clap::CommandFactory;
use std::path::PathBuf;

/// Write the manual pages into a folder; `make install` puts them where man looks.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder, which is made if need be.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let failure = |error: std::io::Error| Failure::new(Exit::Input, format!("{}: {error}", self.out.display()));
        std::fs::create_dir_all(&self.out).map_err(failure)?;
        clap_mangen::generate_to(Pop::command(), &self.out).map_err(failure)?;
        let pages = std::fs::read_dir(&self.out).map_err(failure)?.flatten();
        let count = pages.filter(|page| page.path().extension().is_some_and(|ending| ending == "1")).count();
        say!("{count} manual pages in {}", self.out.display());
        Ok(Exit::Fine)
    }
}
