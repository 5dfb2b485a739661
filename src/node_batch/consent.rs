//! What becomes public by a submission, and where: said before anything leaves this machine.
//!
//! Must never: let a script go without a yes, by `--yes` or by somebody at a terminal.

use crate::exit::{Exit, Failure};
use protocol::types::PublicKey;
use std::fmt;
use std::io::{BufRead, IsTerminal, Write};

/// What would be submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    pub scripts: usize,
    /// The node's name, as the user gave it, and its address.
    pub node: String,
    pub address: String,
    pub submitter: PublicKey,
}

impl fmt::Display for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Public { scripts, node, address, submitter } = self;
        let (scripts, them) =
            if *scripts == 1 { ("1 script".into(), "it") } else { (format!("{scripts} scripts"), "them") };
        write!(
            f,
            "{scripts} will be submitted to {node} ({address}): every validator of its network gets {them} whole, names and \
             comments included, keeps {them}, and can read {them} or pass {them} on; nothing takes {them} back. Everybody who asks \
             a validator sees what came of {them}, and that the key {submitter} signed is known to all of them"
        )
    }
}

/// Says what becomes public, and asks at a terminal unless the user said yes already.
///
/// # Errors
/// If the answer is no, or nobody is there to ask.
pub fn ask(public: &Public, yes: bool) -> Result<(), Failure> {
    eprintln!("{public}.");
    if yes {
        return Ok(());
    }
    let no = |why| Failure::new(Exit::Input, format!("nothing was submitted: {why}"));
    let (stdin, mut stderr) = (std::io::stdin(), std::io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() {
        return Err(no("there is no terminal to ask at; give --yes if they may become public"));
    }
    // A terminal that takes no question gives no answer either.
    let _ = write!(stderr, "Submit? [y/N] ");
    let _ = stderr.flush();
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    if read.is_ok() && is_yes(&answer) { Ok(()) } else { Err(no("the answer was no")) }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        assert!(["y", "Y\n", " yes \r\n", "YES"].iter().all(|answer| is_yes(answer)));
        assert!(["", "\n", "n", "no", "yep", "y y"].iter().all(|answer| !is_yes(answer)));
    }

    #[test]
    fn it_says_how_many_go_where() {
        let submitter = PublicKey([7; 32]);
        let public = Public { scripts: 3, node: "node_1".into(), address: "127.0.0.1:9001".into(), submitter };
        assert!(
            public.to_string().starts_with("3 scripts will be submitted to node_1 (127.0.0.1:9001): every validator")
        );
    }
}
