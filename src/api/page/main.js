// The page: takes what the validator sends, and shows the overview or what an address after # names.

import { byId, el, replace, setText } from "./dom.js";
import { Feed, ask } from "./stream.js";
import { Overview } from "./overview.js";
import { Detail } from "./detail.js";
import { plural, short } from "./words.js";

/** What the API looks up. */
const QUERY = /^([0-9]{1,20}|[0-9a-f]{6,64})$/;

const overview = new Overview();
const detail = new Detail(byId("detail"), overview.facts);

function link(state, text) {
  const element = byId("link");
  element.dataset.state = state;
  setText(element, text);
  document.body.classList.toggle("stale", state === "lost");
  // What was well when it was last heard of may not be any more.
  overview.reached(state !== "lost", text);
}

const VIEWS = [
  [/^#\/proof\/([0-9a-f]{64})$/, (id) => detail.proof(id)],
  [/^#\/block\/([0-9]{1,20})$/, (sequence) => detail.block(sequence)],
];

function route() {
  const found = VIEWS.map(([form, view]) => [form.exec(location.hash), view]).find(([match]) => match);
  byId("overview").hidden = Boolean(found);
  byId("detail").hidden = !found;
  byId("found").hidden = true;
  if (found) {
    found[1](found[0][1]);
  } else {
    detail.leave();
  }
}

/** Where a name that was found leads. */
function address(named) {
  return named.kind === "proof" ? `#/proof/${named.id}` : `#/block/${named.sequence}`;
}

function listed(named) {
  const where = named.kind === "proof" ? named.state : `block ${named.sequence}`;
  const what = named.kind === "statement" ? "statement, first final in" : named.kind;
  return el("li", {}, `${what} `, el("a", { href: address(named) }, named.kind === "block" ? named.sequence : short(named.id)),
    named.kind === "block" ? ` ${short(named.id)}` : `, ${where}`);
}

function showFound(answer, query) {
  const found = byId("found");
  if (answer.found.length === 1) {
    location.hash = address(answer.found[0]);
    byId("query").value = "";
    return;
  }
  const none = `Nothing here is known as ${query}. Another validator may know a proof that has just been submitted there.`;
  const heading = answer.found.length ? `${plural(answer.found.length, "match", "matches")} for ${query}` : none;
  replace(found, el("p", {}, heading), el("ul", {}, answer.found.map(listed)),
    answer.more ? el("p", { class: "quiet" }, "There are more: give more digits.") : null);
  found.hidden = false;
}

function tell(text) {
  replace(byId("found"), el("p", {}, text));
  byId("found").hidden = false;
}

byId("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const query = byId("query").value.trim().toLowerCase().replace(/…$/, "");
  if (!query) {
    return;
  }
  if (!QUERY.test(query)) {
    return tell("Search takes the first 6 digits or more of an id (0 to 9, a to f), or a block's number.");
  }
  try {
    showFound(await ask(`/v1/search?q=${encodeURIComponent(query)}`), query);
  } catch (error) {
    tell(`Search: ${error.message}.`);
  }
});

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    byId("query").focus();
  } else if (event.key === "Escape" && location.hash.length > 2 && !typing) {
    location.hash = "#/";
  }
});

// The skip link's address is no view of the page's.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("content").focus();
});

addEventListener("hashchange", route);
route();
new Feed((name, part) => overview.show(name, part), link);
