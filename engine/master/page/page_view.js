// How things are shown: elements from descriptions, numbers and texts for people.
//
//     view.show(parent, [view.element("p", { class: "x" }, ["text", child, ...]), ...])
//
// show() changes what is there as little as it can, so that what a reader has selected, or scrolled
// to, stays. A text is only ever set as text: there is no way here from a string to an element.
"use strict";

const view = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const SVG_TAGS = new Set(["svg", "g", "rect", "path", "line", "text", "title"]);

  // Characters that are not seen, or turn the direction of others: shown by their numbers.
  const UNSEEN = new RegExp("[\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e"
    + "\\u200b-\\u200f\\u2028-\\u202f\\u2060-\\u206f\\ufe00-\\ufe0f\\ufeff\\ufff9-\\ufffb]", "g");

  function visible(text) {
    return String(text).replace(UNSEEN,
      (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  }

  // Lines of a text that stands in a <pre>: tracebacks begin theirs with a tab.
  function lines(text) {
    return visible(String(text).replaceAll("\t", "    "));
  }

  // One line.
  function line(text) {
    return visible(text).replaceAll("\n", "\\u000a");
  }

  function element(tag, attributes, children) {
    return { tag, attributes: attributes || {}, children: [].concat(children ?? []) };
  }

  // What a user wrote, apart from what stands around it.
  function quoted(text) {
    return element("bdi", {}, line(text));
  }

  function make(wanted) {
    if (typeof wanted !== "object") {
      return document.createTextNode(String(wanted));
    }
    const node = SVG_TAGS.has(wanted.tag)
      ? document.createElementNS(SVG, wanted.tag) : document.createElement(wanted.tag);
    change(node, wanted);
    return node;
  }

  function change(node, wanted) {
    for (const name of node.getAttributeNames()) {
      if (!(name in wanted.attributes)) {
        node.removeAttribute(name);
      }
    }
    for (const [name, value] of Object.entries(wanted.attributes)) {
      if (node.getAttribute(name) !== String(value)) {
        node.setAttribute(name, value);
      }
    }
    show(node, wanted.children);
  }

  function isLike(node, wanted) {
    return typeof wanted === "object" ? node.localName === wanted.tag
      : node.nodeType === Node.TEXT_NODE;
  }

  function show(parent, wanted) {
    wanted.forEach((child, i) => {
      const node = parent.childNodes[i];
      if (!node) {
        parent.append(make(child));
      } else if (!isLike(node, child)) {
        node.replaceWith(make(child));
      } else if (typeof child === "object") {
        change(node, child);
      } else if (node.data !== String(child)) {
        node.data = String(child);
      }
    });
    while (parent.childNodes.length > wanted.length) {
      parent.lastChild.remove();
    }
  }

  // A table; a cell is a text, an element, or a list of them. `classes`: of the columns.
  function table(caption, head, rows, classes = []) {
    const cell = (tag) => (content, i) =>
      element(tag, { class: classes[i] || "word", ...(tag === "th" ? { scope: "col" } : {}) },
        content);
    return element("div", { class: "wide" }, element("table", {}, [
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, head.map(cell("th")))),
      element("tbody", {}, rows.map((row) => element("tr", {}, row.map(cell("td"))))),
    ]));
  }

  function bytes(count) {
    const units = ["B", "KB", "MB", "GB", "TB", "PB"];
    let unit = 0;
    while (count >= 1024 && unit < units.length - 1) {
      count /= 1024;
      unit++;
    }
    return (unit === 0 || count >= 100 ? count.toFixed(0) : count.toFixed(1)) + " " + units[unit];
  }

  function number(count) {
    return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
  }

  function seconds(count) {
    if (count < 60) {
      return count.toFixed(count < 10 ? 1 : 0) + " s";
    }
    const minutes = Math.floor(count / 60);
    return minutes < 60 ? `${minutes} min ${Math.floor(count % 60)} s`
      : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  function percent(fraction) {
    return Math.floor(100 * fraction) + " %";
  }

  // With its number: a bar alone is nothing to who cannot see it.
  function bar(fraction, name) {
    return element("span", { class: "bar" }, [
      element("progress", { max: 1, value: fraction.toFixed(4), "aria-label": name }),
      element("span", { class: "number" }, percent(fraction)),
    ]);
  }

  return { show, element, quoted, visible, lines, line, table, bytes, number, seconds, percent, bar };
})();
