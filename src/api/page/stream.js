// How the page stays up to date: events of this validator while somebody looks, or its overview now and then where it has no
// stream to give. A page in the background has no stream: browsers have only six connections for one host.

import { clock } from "./words.js";

/** The status comes each second. */
const SILENCE_MS = 5000;
const POLL_MS = 5000;
const RETRY_MS = 30000;
const PARTS = ["health", "status", "blocks", "proofs", "validators", "history", "actors"];

export class Feed {
  /** `show(name, part)` for each part that comes; `link(state, text)` when what is known of the validator changes. */
  constructor(show, link) {
    this.show = show;
    this.link = link;
    this.heard = 0;
    this.source = null;
    this.polling = null;
    document.addEventListener("visibilitychange", () => this.follow());
    setInterval(() => this.watch(), 1000);
    this.follow();
  }

  follow() {
    if (document.hidden) {
      this.stop();
      this.link("wait", "paused");
    } else if (!this.source && this.polling === null) {
      this.listen();
    }
  }

  stop() {
    this.source?.close();
    this.source = null;
    clearTimeout(this.polling);
    this.polling = null;
  }

  listen() {
    this.stop();
    this.heard = Date.now();
    const source = new EventSource("/v1/events");
    this.source = source;
    for (const name of PARTS) {
      source.addEventListener(name, (event) => this.take(name, event.data));
    }
    source.addEventListener("error", () => {
      // A browser comes again by itself, unless it was told that there is no stream.
      if (source.readyState === EventSource.CLOSED && this.source === source) {
        this.stop();
        this.poll(Date.now() + RETRY_MS * (1 + Math.random()));
      }
    });
  }

  take(name, text) {
    this.heard = Date.now();
    this.link("live", "live");
    this.show(name, JSON.parse(text));
  }

  /** Asks for everything, until a stream is worth another try. */
  async poll(until) {
    this.polling = 0;
    try {
      const answer = await fetch("/v1/overview", { signal: AbortSignal.timeout(SILENCE_MS) });
      if (!answer.ok) {
        throw new Error(`status ${answer.status}`);
      }
      const parts = await answer.json();
      this.heard = Date.now();
      this.link("live", `every ${POLL_MS / 1000} s`);
      PARTS.filter((name) => name in parts).forEach((name) => this.show(name, parts[name]));
    } catch {
      this.watch();
    }
    if (this.polling === null || document.hidden) {
      return;
    }
    this.polling = setTimeout(() => (Date.now() < until ? this.poll(until) : this.listen()), POLL_MS);
  }

  /** A validator that is stopped keeps its connections: only its silence tells. */
  watch() {
    const silence = Date.now() - this.heard;
    if (document.hidden || silence < SILENCE_MS) {
      return;
    }
    this.link("lost", `no answer since ${clock(this.heard)}`);
    if (this.source && this.source.readyState === EventSource.OPEN && silence > 3 * SILENCE_MS) {
      const heard = this.heard;
      this.listen();
      this.heard = heard;
    }
  }
}

/** Asks the API; gives the answer, or throws an error with its message. */
export async function ask(path) {
  let answer;
  try {
    answer = await fetch(path, { signal: AbortSignal.timeout(15000) });
  } catch {
    throw new Error("this validator does not answer");
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw Object.assign(new Error(body.message ?? `the answer has status ${answer.status}`), { status: answer.status });
  }
  return body;
}

/** The same for a text; none if there is no such text. */
export async function askText(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(15000) });
  if (!answer.ok && answer.status !== 404) {
    throw Object.assign(new Error(`the answer has status ${answer.status}`), { status: answer.status });
  }
  return answer.ok ? answer.text() : null;
}

/** Whether the same question may have an answer later: the validator is busy, or slow, or does not answer. */
export function isPassing(error) {
  return error.status === undefined || error.status >= 500 || error.status === 408 || error.status === 429;
}
