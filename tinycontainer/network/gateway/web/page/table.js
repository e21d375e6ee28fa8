// Rows that stay where they are while their text changes. Text goes in by textContent only.

/** Set a text, if it is another one. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A new element with a class and a text. */
export function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.textContent = text;
  return node;
}

/** Set a time in words, with the exact one for who points at it. */
export function putTime(node, text, exact, machine) {
  put(node, text);
  if (node.title !== exact) node.title = exact;
  if (node.dateTime !== machine) node.dateTime = machine;
}

/** Keeps the children of a node in the order of items, each made once and filled again. */
export class Rows {
  #nodes = new Map();

  constructor(parent, create, fill) {
    this.parent = parent;
    this.create = create;
    this.fill = fill;
  }

  /** Show these items, which `key` tells apart. */
  show(items, key) {
    const kept = new Map();
    let place = this.parent.firstChild;
    for (const item of items) {
      const name = key(item);
      const node = this.#nodes.get(name) ?? this.create(item);
      this.fill(node, item);
      kept.set(name, node);
      if (node === place) place = place.nextSibling;
      else this.parent.insertBefore(node, place);
    }
    for (const [name, node] of this.#nodes) if (kept.get(name) !== node) node.remove();
    this.#nodes = kept;
  }
}

/** A row of a table with so many cells, of these classes. */
export function makeRow(classes) {
  const row = make("tr");
  for (const each of classes) row.append(make("td", each));
  return row;
}
