//! `pop proof`: where a proof is, and on whose word.

use crate::client::Client;
use crate::exit::{Exit, Failure, Outcome};
use crate::ids;
use crate::node_batch::wire::{self, Name};
use crate::nodes::Choice;
use crate::obligation::{Obligation, Reader};
use crate::proof_view;
use crate::say;
use crate::text::{plain, short_id};
use crate::unpack::STANDARD_INPUT;
use crate::utf8;
use protocol::types::Hash;
use protocol::verdict::{Claim, statement_id};
use std::path::Path;
use std::time::Duration;

/// The node may look for an explanation first.
const EXPLAINED_WITHIN: Duration = Duration::from_secs(6);

/// Show the status of a proof.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Six digits or more of its id, as `pop submit-proof` printed it, or the script itself: - is the standard input.
    #[arg(value_name = "ID|FILE")]
    proof: String,
    #[command(flatten)]
    nodes: Choice,
    /// The answer that the script is claimed to have [default: by manifest.json, or its (set-info :status …)].
    #[arg(long, value_name = "unsat|sat")]
    claim: Option<Claim>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let wanted = self.wanted()?;
        let client = self.nodes.one()?;
        let (name, id) = match wanted {
            Wanted::Id(digits) => {
                let id = match digits.parse() {
                    Ok(whole) => whole,
                    Err(_) => ids::find(&client, ids::Kind::Proof, &digits)?.id,
                };
                (short_id(&id.to_string()).to_owned(), id)
            }
            Wanted::Statement(statement) => (self.proof.clone(), proof_of(&client, &self.proof, statement)?),
        };
        let view = client.get_after(&format!("/v1/proofs/{id}"), EXPLAINED_WITHIN)?;
        if self.json {
            say!("{view:#}");
            return Ok(Exit::Fine);
        }
        say!("{}", proof_view::line(&name, &view));
        if name == self.proof && !id.to_string().starts_with(&name) {
            say!("  proof: {}", short_id(&id.to_string()));
        }
        proof_view::details(&view, client.place().0).iter().for_each(|line| say!("  {line}"));
        Ok(Exit::Fine)
    }

    /// Read before a node is asked. A file goes before an id: who has one that is named so means that.
    fn wanted(&self) -> Result<Wanted, Failure> {
        let path = Path::new(&self.proof);
        if path == Path::new(STANDARD_INPUT) || path.exists() {
            return Ok(Wanted::Statement(statement_of(path, self.claim)?));
        }
        if ids::is_beginning(&self.proof) {
            return Ok(Wanted::Id(self.proof.clone()));
        }
        let text =
            format!("{:?} is neither a proof's id, 6 to 64 hexadecimal digits, nor a file that is there", self.proof);
        Err(Failure::new(Exit::Input, text))
    }
}

enum Wanted {
    /// The beginning of the proof's id, or all of it.
    Id(String),
    /// What a script and its claim say, whoever submitted it.
    Statement(Hash),
}

fn statement_of(path: &Path, claim: Option<Claim>) -> Result<Hash, Failure> {
    let name = path.display();
    let wrong = |text: String| Failure::new(Exit::Input, text);
    if path.is_dir() {
        return Err(wrong(format!(
            "{name} is a folder: name one script of it, or submit it again, which changes nothing"
        )));
    }
    let Obligation { script, claim, .. } = Reader::new(claim).read(path).map_err(Failure::with(Exit::Input))?;
    let script = utf8::carried(&script).map_err(|error| wrong(format!("{name}: {error}")))?.script.into_owned();
    let normalised = smtlib::normalise(&script, &smtlib::Limits::default());
    let normalised = normalised.map_err(|error| wrong(format!("{name}: {error}")))?;
    let claim = claim.map(|(claim, _)| claim);
    let claim = claim.ok_or_else(|| wrong(format!("{name} claims no answer: give --claim as it was submitted")))?;
    Ok(statement_id(&Hash(normalised.identity), claim))
}

/// The proof by which a node knows a statement: the one that is final, is held, or was refused last.
fn proof_of(client: &Client, file: &str, statement: Hash) -> Result<Hash, Failure> {
    let found = wire::look_up(client, &[Name::Statement(statement)])?;
    let found = found.map_err(|refusal| Failure::new(refusal.exit(), refusal.message))?;
    found.first().and_then(|found| found.proof).ok_or_else(|| {
        let text = format!("{file} is not known to {}: `pop submit-proof {file}` submits it", client.place().0);
        Failure::new(Exit::Input, plain(&text))
    })
}
