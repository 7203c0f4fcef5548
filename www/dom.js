// Making elements. Text only ever becomes text: there is no way here to hand
// in markup, and the Content-Security-Policy forbids the others.

export const $ = (id) => document.getElementById(id);

// el("p.note", "text", el("b", "more"), { title: "…", onclick: f })
export function el(what, ...parts) {
	const [tag, ...classes] = what.split(".");
	const node = document.createElement(tag);
	if (classes.length > 0)
		node.className = classes.join(" ");
	for (const part of parts.flat())
		add(node, part);
	return node;
}

// Controls, bidi and zero-width characters of strangers become visible, so
// that a name reads as it is.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const plain = (text) => text.replace(UNSEEN,
	(c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

function add(node, part) {
	if (part === null || part === undefined || part === false)
		return;
	if (part instanceof Node) {
		node.append(part);
	} else if (typeof part === "object") {
		for (const [key, value] of Object.entries(part)) {
			if (key.startsWith("on"))
				node.addEventListener(key.slice(2), value);
			else if (value === true)
				node.setAttribute(key, "");
			else if (value !== false && value !== null && value !== undefined)
				node.setAttribute(key, String(value));
		}
	} else {
		node.append(document.createTextNode(plain(String(part))));
	}
}

export function fill(node, ...parts) {
	node.replaceChildren();
	for (const part of parts.flat())
		add(node, part);
}

// A table that becomes a list on a narrow screen: every cell says what it is.
export function stackTable(cls, heads, rows) {
	return el(`table.stack.${cls}`,
		el("thead", el("tr", heads.map((h) => el("th", h, { scope: "col" })))),
		el("tbody", rows.map((cells) => el("tr", cells.map((content, i) => i === 0 ?
			el("th", content, { scope: "row" }) : el("td", content, { "data-label": heads[i] }))))));
}

// A table: heads are { text, num }, rows are arrays of cells.
export function table(heads, rows) {
	const cell = (tag, i, content, extra) =>
		el(heads[i].num ? `${tag}.num` : tag, content, extra);
	return el("table",
		el("thead", el("tr", heads.map((h, i) => cell("th", i, h.text, { scope: "col" })))),
		el("tbody", rows.map((row) => el("tr", row.map((content, i) =>
			i === 0 ? cell("th", i, content, { scope: "row" }) : cell("td", i, content))))));
}
