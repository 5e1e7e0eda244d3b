// Fills in the slug of a post from its title, when it has none. A slug that somebody chose stays.

import { preSave } from "aksara";

/** Letters that no accent makes: they stay whole when it is taken off. */
const LETTERS = { æ: "ae", ø: "o", œ: "oe", ß: "ss", đ: "d", ł: "l", þ: "th", ð: "d" };

export function slugify(title) {
  return title
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .replace(/[æøœßđłþð]/g, (letter) => LETTERS[letter])
    .replace(/[^\p{Letter}\p{Number}]+/gu, "-")
    .replace(/^-|-$/g, "");
}

function generateSlug({ instance }) {
  instance.slug ||= slugify(instance.title);
}

preSave("Post", generateSlug, { reads: ["title", "slug"], writes: ["slug"], priority: 10 });
