// The tree of actors, and a log of restarts as this page sees them happen.

import { el, mark, replace, setText } from "./dom.js";
import { clock, count, plural, span } from "./words.js";

/** Restarts that are kept on the page. */
const LOG_MAX = 12;
/** So long a restart is marked, seconds. */
const FRESH_S = 15;

function actorsOf(member) {
  return member.kind === "actor" ? [member] : member.children.flatMap(actorsOf);
}

const REASONS = { with_sibling: "restarted with a sibling", start_failed: "could not start" };

function reason(word) {
  return REASONS[word] ?? String(word).replaceAll("_", " ");
}

export class Actors {
  constructor(tree, log, announced) {
    this.tree = tree;
    this.log = log;
    this.announced = announced;
    /** Incarnation of each actor as it was last seen; null before the first look. */
    this.seen = null;
  }

  show(actors) {
    const now = Date.now();
    const all = actorsOf(actors.tree);
    this.note(all, now);
    this.seen = new Map(all.map((actor) => [actor.name, actor.incarnation]));
    const zombies = actors.zombies ? el("p", { class: "quiet" }, `${plural(actors.zombies, "blocked thread")} left behind`) : null;
    replace(this.tree, el("ul", { class: "tree" }, this.member(actors.tree)), zombies);
    if (!this.log.firstChild) {
      replace(this.log, el("li", { class: "quiet" }, "None since this validator started."));
    }
  }

  member(member) {
    if (member.kind === "actor") {
      return this.actor(member);
    }
    const healthy = member.state === "running";
    return el("li", {},
      el("span", { class: "row" }, el("span", { class: "supervisor" }, member.name),
        healthy ? null : mark("bad", member.state),
        el("span", { class: "quiet" }, String(member.strategy).replaceAll("_", " "))),
      el("ul", {}, member.children.map((child) => this.member(child))));
  }

  actor(actor) {
    const failure = actor.last_failure;
    const fresh = failure && failure.ago_ms < FRESH_S * 1000;
    const times = Object.values(actor.restarts).reduce((sum, one) => sum + one, 0);
    const restarts = times > 0 ? plural(times, "restart") : null;
    const last = failure ? `, ${reason(failure.reason)} ${span(failure.ago_ms / 1000).replace(/\.\d/, "")} ago` : "";
    const busy = actor.mailbox.depth > 0 ? `${count(actor.mailbox.depth)} waiting` : null;
    return el("li", {}, el("span", { class: fresh ? "row fresh" : "row" },
      el("span", {}, actor.name), mark(actor.state === "running" ? "good" : "bad", actor.state),
      el("span", { class: "quiet" }, [restarts ? restarts + last : null, busy].filter(Boolean).join(" · "))));
  }

  /** Adds a line for each restart since the last look; at the first look, for the last failure of each actor. */
  note(all, now) {
    const restarted = all.filter((actor) => actor.last_failure
      && (this.seen === null || actor.incarnation > (this.seen.get(actor.name) ?? 0)));
    restarted.sort((one, other) => other.last_failure.ago_ms - one.last_failure.ago_ms);
    for (const actor of restarted) {
      this.add(actor, now - actor.last_failure.ago_ms);
      if (this.seen !== null) {
        setText(this.announced, `${actor.name} restarted: ${reason(actor.last_failure.reason)}`);
      }
    }
  }

  add(actor, at) {
    const { reason: why, text, place } = actor.last_failure;
    if (this.log.querySelector("li.quiet")) {
      this.log.replaceChildren();
    }
    this.log.prepend(el("li", { title: [text, place].filter(Boolean).join(" at ") },
      el("time", { datetime: new Date(at).toISOString() }, clock(at)), " ",
      el("strong", {}, actor.name), ` ${reason(why)}; incarnation ${count(actor.incarnation)} ${actor.state === "running" ? "runs" : actor.state}`,
      text ? el("span", { class: "quiet" }, ` (${text})`) : null));
    while (this.log.childElementCount > LOG_MAX) {
      this.log.lastElementChild.remove();
    }
  }
}
