// Making elements. Text from a node, a script or a client is only ever set as text: nothing here parses markup.

import { count, short } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined).map(node));
  return element;
}

function node(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function byId(id) {
  return document.getElementById(id);
}

/** Sets a text, and touches nothing if it is there already: a reader's selection and place stay. */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** Puts `wanted` in place of what an element holds, unless it looks the same; the focus stays where it was. */
export function replace(element, ...wanted) {
  const made = wanted.flat(Infinity).filter((child) => child !== null && child !== undefined).map(node);
  const held = [...element.childNodes];
  if (held.length === made.length && held.every((child, place) => child.isEqualNode(made[place]))) {
    return;
  }
  const active = element.contains(document.activeElement) ? document.activeElement : null;
  const key = active?.dataset.key;
  element.replaceChildren(...made);
  if (key) {
    [...element.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key)?.focus({ preventScroll: true });
  }
}

/** A table: columns are `[heading, class]`, rows are lists of cells; the first cell of each names the row. */
export function table(caption, columns, rows) {
  const cell = (value, place) => el(place === 0 ? "th" : "td",
    { scope: place === 0 ? "row" : null, class: columns[place][1] }, value);
  return el("table", {}, el("caption", { class: "hidden" }, caption),
    el("thead", {}, el("tr", {}, columns.map(([heading, kind]) => el("th", { scope: "col", class: kind }, heading)))),
    el("tbody", {}, rows.map((row) => el("tr", { class: row.kind }, (row.cells ?? row).map(cell)))));
}

/** A state with its mark: the word says it, the colour only helps. */
export function mark(kind, word) {
  return el("span", { class: `mark ${kind}` }, word);
}

export function proofLink(id) {
  return el("a", { class: "id", href: `#/proof/${id}`, "data-key": `proof ${id}` }, short(id));
}

export function blockLink(sequence) {
  return el("a", { href: `#/block/${sequence}`, "data-key": `block ${sequence}` }, count(sequence));
}
