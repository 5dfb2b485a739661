// The overview: each part that the validator sends, in its place.

import { blockLink, byId, el, mark, proofLink, replace, setText, table } from "./dom.js";
import { Actors } from "./actors.js";
import { Plot } from "./plot.js";
import {
  attested, clock, count, milliseconds, percent, short, span, stake, state,
} from "./words.js";

function notice(text) {
  return el("p", { class: "quiet" }, text);
}

export class Overview {
  constructor() {
    /** What the detail of a proof or block needs to know besides. */
    this.facts = { validators: [], node: "", head: 0 };
    this.health = null;
    this.silent = false;
    this.state = null;
    this.actors = new Actors(byId("actors"), byId("restarts"), byId("announced"));
    this.latency = new Plot(byId("latency"), {
      name: "Block latency",
      unit: "ms",
      lines: [{ key: "longest_ms", word: "longest", kind: "faint" }, { key: "median_ms", word: "median", kind: "strong" }],
      empty: "No block became final in the last ten minutes.",
    });
    this.throughput = new Plot(byId("throughput"), {
      name: "Final proofs",
      unit: "/s",
      lines: [{ key: "proofs", word: "proofs", kind: "bars", perSecond: true }],
      empty: "No proof became final in the last ten minutes.",
    });
  }

  show(name, part) {
    if (part?.error) {
      this.missing(name, part.message);
    } else {
      this[`show_${name}`](part);
    }
  }

  missing(name, message) {
    if (name === "status") {
      return this.figures(null, message);
    }
    replace(byId(name), notice(`Not known now: ${message}`));
  }

  /** Whether the validator answers; `text` says since when it does not. */
  reached(answers, text) {
    if (answers && this.silent) {
      this.silent = false;
      this.show_health(this.health);
    } else if (!answers && !this.silent && this.health) {
      const { health } = this;
      this.show_health({
        state: "failing",
        sentence: `NO ANSWER: ${text.replace("no answer", "silent")}; what is below is from then`,
        what_to_do: `\`pop status --node ${this.facts.node}\` on its machine says whether it runs`,
      });
      this.silent = true;
      this.health = health;
    }
  }

  show_health(health) {
    this.health = health;
    this.silent = false;
    const section = byId("health");
    section.dataset.state = health.state;
    setText(byId("sentence"), health.sentence);
    const todo = byId("todo");
    todo.hidden = !health.what_to_do || health.what_to_do === "nothing";
    replace(todo, todo.hidden ? [] : commands(health.what_to_do));
    if (this.state !== null && this.state !== health.state) {
      // The sentence changes each second; a screen reader hears of what matters.
      setText(byId("announced"), health.sentence);
    }
    this.state = health.state;
    document.title = health.state === "ok" ? titled(this.facts.node) : `${health.state.toUpperCase()} · ${titled(this.facts.node)}`;
  }

  show_status(status) {
    this.facts.node = status.node_id;
    this.facts.head = status.current_sequence;
    setText(byId("node"), status.node_id);
    this.figures(status);
  }

  figures(status, message) {
    if (!status) {
      return replace(byId("figures"), el("div", { class: "wide" }, el("dt", {}, "Figures"), el("dd", {}, `not known now: ${message}`)));
    }
    const pool = status.mempool;
    const figure = (name, value, more) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, value), el("dd", { class: "quiet" }, more));
    const leader = status.is_leader ? "this validator leads" : `${status.leader ?? "nobody"} leads`;
    const pending = pool ? `${count(pool.checking)} checked now, ${count(pool.waiting)} waiting` : "the mempool does not answer";
    replace(byId("figures"),
      figure("Last block", count(status.current_sequence), short(status.block)),
      figure("View", count(status.current_view), leader),
      figure("Proofs final", count(status.proofs_final), "since the genesis"),
      figure("Proofs pending", pool ? count(pool.proofs) : "–", pending),
      figure("Reachable stake", percent(status.reachable_stake_tokens, status.total_stake_tokens), stake(status.reachable_stake_tokens, status.total_stake_tokens)));
  }

  show_proofs(newest) {
    const validators = this.facts.validators.length;
    const rows = (proofs) => proofs.map((proof) => {
      const { word, kind } = state(proof);
      const more = attested(proof.attestation_counts, validators) ?? proof.refusal?.message ?? "";
      const where = proof.block === undefined ? more : [el("span", { class: "quiet" }, "block "), blockLink(proof.block)];
      return [proofLink(proof.proof), mark(kind, word), where, proof.difficulty === undefined ? "" : count(proof.difficulty)];
    });
    const all = rows([...newest.under_way, ...newest.ended]);
    const columns = [["Proof", ""], ["State", ""], ["Where, or why", "more"], ["Resources", "number wide"]];
    replace(byId("proofs"), all.length ? table("Latest proofs", columns, all)
      : notice("No proof yet. pop submit-proof FILE --wait submits one."));
  }

  show_blocks(blocks) {
    const columns = [["Block", ""], ["Proofs", "number"], ["Proposer", ""], ["Stake", "number wide"], ["Latency", "number"], ["Time", "number"]];
    const row = (block) => [blockLink(block.sequence), count(block.proofs), block.proposer ?? "–",
      block.stake_tokens === null ? "–" : percent(block.stake_tokens, block.total_stake_tokens), milliseconds(block.proposal_to_final_ms),
      clock(block.time)];
    replace(byId("blocks"), blocks.length ? table("Latest blocks", columns, blocks.map(row))
      : notice("No block yet: the first one comes with the first proof, or when the network has been idle."));
  }

  show_validators(validators) {
    this.facts.validators = validators.map((one) => one.node_id);
    const total = validators.reduce((sum, one) => sum + one.stake_tokens, 0);
    const columns = [["Validator", ""], ["Stake", "number"], ["Session", ""], ["Round trip", "number wide"], ["Last vote", "number"]];
    const session = (one) => {
      if (one.me) {
        return mark("good", "this one");
      }
      return one.connected ? mark("good", "connected") : mark("bad", one.missing_since_ms ? `missing since ${clock(one.missing_since_ms)}` : "missing");
    };
    const row = (one) => [one.node_id, [count(one.stake_tokens), el("span", { class: "quiet wide" }, ` ${percent(one.stake_tokens, total)}`)], session(one),
      one.me ? "–" : milliseconds(one.connected ? one.round_trip_ms : null), `${span(one.last_vote_age_s).replace(".0", "")} ago`];
    replace(byId("validators"), table("Validators", columns, validators.map(row)));
  }

  show_history(history) {
    this.latency.show(history);
    this.throughput.show(history);
  }

  show_actors(actors) {
    this.actors.show(actors);
  }
}

/** A sentence with commands between backticks. */
function commands(text) {
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return sentence.split("`").map((part, place) => (place % 2 ? el("code", {}, part) : part));
}

function titled(node) {
  return node ? `${node} · Proof-of-Proof` : "Proof-of-Proof";
}
