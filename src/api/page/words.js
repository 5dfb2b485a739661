// Numbers, times and states as people read them. Nothing here touches the page.

const whole = new Intl.NumberFormat("en");

export function count(number) {
  return typeof number === "number" ? whole.format(number) : "–";
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** Twelve digits name a proof or block; the whole id is one step away. */
export function short(id) {
  return String(id).slice(0, 12);
}

export function milliseconds(ms) {
  if (typeof ms !== "number") {
    return "–";
  }
  if (ms < 10) {
    return `${ms.toFixed(1)} ms`;
  }
  return ms < 1000 ? `${ms.toFixed(0)} ms` : span(ms / 1000);
}

/** A span in its largest unit. */
export function span(seconds) {
  if (seconds < 10) {
    return `${Math.max(0, seconds).toFixed(1)} s`;
  }
  const units = [[86400, "d"], [3600, "h"], [60, "min"]];
  const [size, unit] = units.find(([size]) => seconds >= 2 * size) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

export function clock(ms) {
  return new Date(ms).toLocaleTimeString("en-GB");
}

export function moment(ms) {
  return new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

export function bytes(number) {
  if (number < 1024) {
    return `${number} B`;
  }
  return number < 1 << 20 ? `${(number / 1024).toFixed(0)} KiB` : `${(number / (1 << 20)).toFixed(0)} MiB`;
}

export function stake(part, total) {
  return `${count(part)} of ${count(total)}`;
}

export function percent(part, total) {
  return total > 0 ? `${Math.floor((100 * part) / total)}%` : "–";
}

const REFUSED = {
  refuted: "refused: false",
  no_verdict: "refused: no verdict",
  disputed: "refused: disputed",
  malformed: "refused: malformed",
  displaced: "displaced",
};

/** What became of a proof: a word for people, and the kind of mark that goes with it. */
export function state(proof) {
  switch (proof.state) {
    case "final": return { word: "final", kind: "good" };
    case "refused": return { word: REFUSED[proof.refusal?.reason] ?? "refused", kind: "bad" };
    case "fetching": return { word: "fetching", kind: "busy" };
    case "waiting": return { word: "waiting", kind: "busy" };
    case "checking": return { word: "checking", kind: "busy" };
    case "pending": return { word: "pending", kind: "busy" };
    default: return { word: String(proof.state), kind: "busy" };
  }
}

const ATTESTATIONS = {
  confirmed: "confirmed",
  confirmed_beyond_soft_limits: "confirmed, beyond the soft limits",
  refuted: "found a counterexample",
  no_verdict: "no verdict",
};

export function attestation(word) {
  return ATTESTATIONS[word] ?? String(word);
}

/** How validators voted on a proof that is pending or refused, in a few words. */
export function attested(counts, validators) {
  if (!counts) {
    return null;
  }
  const of = validators ? ` of ${validators}` : "";
  const said = Object.keys(ATTESTATIONS).filter((word) => counts[word] > 0);
  return said.map((word, place) => `${counts[word]}${place === 0 ? of : ""} ${attestation(word)}`).join(", ") || null;
}
