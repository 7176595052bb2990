// The text of a recording and places in it. A script has tags; the plain text has spaces in their stead, so
// that a place is the same in both.

const TAG = /[[［]\s*(?:pause(?![a-z])[^\]］\n]*|(?:voice|rate)\s*[:：][^[\]［］\n]*)[\]］](?!\()/giu;
const PAUSE = /\s*[[［]\s*pause(?![a-z])[^\]］\n]*[\]］](?!\()\s*/giu;
const MARKED = /^\[([^[\]\n]+)\]\(\/[^/\n]*\/\)/u;

export function plain(script) {
  return script.replace(TAG, (tag) => " ".repeat(tag.length));
}

/** The server counts characters, JavaScript counts UTF-16 units: makes places of the former those of the latter. */
export function toUnits(text, sentences) {
  const starts = [0];
  for (const character of text) starts.push(starts.at(-1) + character.length);
  const convert = (word) => ({ ...word, place: word.place.map((at) => starts[at] ?? text.length) });
  return sentences.map((sentence) => ({ ...sentence, words: sentence.words.map(convert) }));
}

/** The word itself at a place, without the marks around it: {start, end, shown}. */
export function coreOf(script, [start, end]) {
  const written = script.slice(start, end);
  const marked = MARKED.exec(written);
  if (marked) return { start, end: start + marked[0].length, shown: marked[1] };
  const before = /^[^\p{L}\p{N}]*/u.exec(written)[0].length;
  const after = /[^\p{L}\p{N}]*$/u.exec(written)[0].length;
  if (before === written.length) return { start, end, shown: written };
  return { start: start + before, end: end - after, shown: written.slice(before, written.length - after) };
}

export function replace(script, start, end, word) {
  if (word) return script.slice(0, start) + word + script.slice(end);
  // a removed word takes the space before it along
  return script.slice(0, start).replace(/[ \t]$/u, "") + script.slice(end);
}

/** The script with a pause of so many seconds between two words, in place of the one that is there. */
export function withPause(script, end, next, length) {
  const between = script.slice(end, next).replaceAll(PAUSE, " ");
  const tag = `[pause ${Number(length.toFixed(2))}]`;
  const [marks, rest] = [between.trimEnd(), between.trim() ? between.slice(between.trimEnd().length) : between];
  const joined = between.trim() ? `${marks} ${tag}${rest || " "}` : ` ${tag} `;
  return script.slice(0, end) + joined + script.slice(next);
}

export function wordsOf(sentences) {
  return sentences.flatMap((sentence) => sentence.words);
}
