// One proof or one block: everything that this validator knows of it.

import { blockLink, el, mark, proofLink, replace, table } from "./dom.js";
import { ask, askText, isPassing } from "./stream.js";
import { attestation, attested, bytes, count, milliseconds, moment, percent, plural, stake, state } from "./words.js";

/** What is shown of a script. */
const SCRIPT_CHARACTERS_MAX = 20000;
const AGAIN_MS = 1000;

function facts(pairs) {
  return el("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/** A part with its heading. */
function section(title, ...children) {
  return el("section", { "aria-label": title }, el("h3", {}, title), children);
}

function whole(id) {
  return el("code", { class: "whole" }, id);
}

export class Detail {
  constructor(place, known) {
    this.place = place;
    this.known = known;
    this.leave();
  }

  leave() {
    this.load = null;
  }

  proof(id) {
    // Asked for once: a script does not change, and of many readers only some are answered at a time.
    let script;
    this.open(`Proof ${id.slice(0, 12)}`, async (first, body) => {
      // Why a claim is false takes the solver a moment: what is known already does not wait for it.
      if (first) {
        replace(body, proofParts(await ask(`/v1/proofs/${id}?explain=false`), null, this.known));
      }
      const proof = await ask(`/v1/proofs/${id}`);
      // The script of one that is refused, or not here yet, is not kept.
      const kept = proof.state !== "refused" && proof.state !== "fetching";
      if (kept && script === undefined) {
        script = await askText(`/v1/proofs/${id}/script`).catch(() => undefined);
      }
      replace(body, proofParts(proof, script, this.known));
      return proof.ended && (!kept || script !== undefined);
    });
  }

  block(sequence) {
    this.open(`Block ${count(Number(sequence))}`, async (_, body) => {
      const block = await ask(`/v1/blocks/${sequence}`);
      replace(body, blockParts(block, this.known));
      return block.sequence === 0 || block.prepare !== null;
    });
  }

  open(title, load) {
    this.title = el("h2", { tabindex: "-1" }, title);
    this.body = el("div", {}, el("p", { class: "quiet" }, "Loading…"));
    this.place.replaceChildren(el("p", {}, el("a", { href: "#/" }, "← Overview")), this.title, this.body);
    this.title.focus({ preventScroll: true });
    scrollTo(0, 0);
    this.follow(load);
  }

  /** Asks once a second until it has ended, or something else is shown. */
  async follow(load) {
    this.load = load;
    const body = this.body;
    for (let first = true, over = false; !over && this.load === load; first = false) {
      try {
        over = await load(first, body);
      } catch (error) {
        replace(body, el("p", {}, `Not shown: ${error.message}.`));
        over = !isPassing(error);
      }
      await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS); });
    }
  }
}

function proofParts(proof, script, known) {
  const { word, kind } = state(proof);
  const report = proof.report;
  return [
    facts([
      ["State", [mark(kind, word), proof.refusal ? el("p", {}, why(proof, known)) : null]],
      ["Id", whole(proof.proof)],
      ["Statement", report?.statement ? whole(report.statement) : null],
      ["Block", proof.block === undefined ? null : blockLink(proof.block)],
      ["Resource count", proof.difficulty === undefined ? null : count(proof.difficulty)],
      ["Place", proof.refusal?.line ? `line ${proof.refusal.line}, column ${proof.refusal.column}` : null],
    ]),
    counterexample(proof),
    attestations(proof, known),
    proof.no_verdict ? section("No verdict here", el("p", {}, proof.no_verdict.message)) : null,
    check(report),
    proof.state === "refused" ? el("p", { class: "quiet later" }, "The script of a refused proof is not kept.") : scriptPart(script),
  ];
}

/** Attestations, counted, say why in less than the refusal, which names each. */
function why(proof, known) {
  const counts = {};
  proof.attestations?.forEach((one) => { counts[one.attestation] = (counts[one.attestation] ?? 0) + 1; });
  return attested(counts, known.validators.length) ?? proof.refusal.message;
}

function counterexample(proof) {
  const model = proof.counter_model;
  if (!model) {
    return null;
  }
  return section("Counterexample", model.text ? el("pre", { tabindex: "0" }, model.text) : null,
    model.truncated ? el("p", { class: "quiet" }, "Truncated: the whole of it is longer.") : null,
    el("p", { class: "quiet" }, model.note));
}

function attestations(proof, known) {
  if (proof.stake) {
    return votes("Checked and signed by", proof.stake, known);
  }
  const all = proof.attestations ?? [];
  if (!all.length) {
    return null;
  }
  const rows = all.map((one) => [one.node_id,
    mark(one.attestation.startsWith("confirmed") ? "good" : "bad", attestation(one.attestation)),
    count(one.resource_count)]);
  const missing = proof.missing?.length ? el("p", { class: "quiet" }, `No verdict known yet from ${proof.missing.join(", ")}.`) : null;
  return section("Attestations",
    table("Attestations", [["Validator", ""], ["Found", ""], ["Resource count", "number"]], rows), missing);
}

/** Who voted, with how much stake, and who did not. */
function votes(title, { prepared, total, voters, view }, known) {
  const others = known.validators.filter((name) => !voters.includes(name));
  return section(title,
    el("p", {}, `${stake(prepared, total)} stake (${percent(prepared, total)})${view === undefined ? "" : `, view ${count(view)}`}`),
    el("ul", { class: "names" }, voters.map((name) => el("li", {}, mark("good", name))),
      others.map((name) => el("li", {}, mark("none", `${name}: no vote kept`)))));
}

function check(report) {
  if (!report) {
    return null;
  }
  const warnings = report.warnings.map((text) => el("li", {}, text));
  const notes = report.notes.map((note) => el("li", {}, `line ${note.line}, column ${note.column}: ${note.text}`));
  return section("This validator's own check",
    facts([
      ["Verdict", String(report.verdict.kind).replaceAll("_", " ")],
      ["Solver's answer", report.answer ?? "none"],
      ["Resource count", count(report.resource_count)],
      ["Processor time", milliseconds(report.cpu)],
      ["Memory", bytes(report.peak_memory_bytes)],
      ["Assumptions", `${plural(report.assumptions.assertions, "assertion")}, ${plural(report.assumptions.quantifiers, "quantifier")}, ${plural(report.assumptions.uninterpreted_symbols, "uninterpreted symbol")}`],
    ]),
    warnings.length ? el("ul", {}, warnings) : null,
    notes.length ? el("ul", { class: "quiet" }, notes) : null);
}

function scriptPart(script) {
  if (!script) {
    return null;
  }
  const shown = script.slice(0, SCRIPT_CHARACTERS_MAX);
  return section("Script", el("pre", { tabindex: "0" }, shown),
    shown.length < script.length ? el("p", { class: "quiet" }, `${count(script.length - shown.length)} characters more.`) : null);
}

function blockParts(block, known) {
  const header = block.header;
  const parent = block.sequence > 0 ? blockLink(block.sequence - 1) : "none: this is the genesis";
  const columns = [["Proof", ""], ["Statement", "wide"], ["Resource count", "number"]];
  const rows = block.proofs.map((entry) => [proofLink(entry.proof), el("code", {}, entry.statement.slice(0, 12)), count(entry.difficulty)]);
  return [
    facts([
      ["Id", whole(block.id)],
      ["Time", moment(header.time)],
      ["Proposer", block.proposer ?? "not known any more"],
      ["Parent", parent],
      ["Next", block.sequence < known.head ? blockLink(block.sequence + 1) : null],
      ["Proposal to final", block.proposal_to_final_ms === null ? null : milliseconds(block.proposal_to_final_ms)],
      ["State root", whole(header.state)],
    ]),
    section(plural(block.proofs.length, "proof"),
      rows.length ? table("Proofs", columns, rows) : el("p", { class: "quiet" }, "An idle network makes empty blocks, to show that it works.")),
    block.prepare ? votes("Prepare votes", block.prepare, known) : null,
    block.commit ? votes("Commit votes", block.commit, known)
      : el("p", { class: "quiet" }, block.sequence > 0 ? "Its Commit certificate is that of a later block, which became final with it." : ""),
  ];
}
