// The user's pronunciations: kept in the browser's storage, sent with each request.

const KEY = "nanospeech.lexicon";
const list = document.getElementById("lexicon");
const empty = document.getElementById("lexicon-empty");

function read() {
  try {
    const entries = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return Object.fromEntries(Object.entries(entries).filter(([, phonemes]) => typeof phonemes === "string"));
  } catch {
    return {};
  }
}

function write(entries) {
  localStorage.setItem(KEY, JSON.stringify(entries));
  show();
}

/** {word: phonemes}, or undefined if there is none. */
export function lexicon() {
  const entries = read();
  return Object.keys(entries).length ? entries : undefined;
}

export function keep(word, phonemes) {
  write({ ...read(), [word]: phonemes });
}

function show() {
  const entries = Object.entries(read());
  empty.hidden = entries.length > 0;
  list.replaceChildren(
    ...entries.map(([word, phonemes]) => {
      const item = document.createElement("li");
      const [name, phones, remove] = ["b", "span", "button"].map((tag) => document.createElement(tag));
      name.textContent = word;
      phones.textContent = `/${phonemes}/`;
      phones.className = "phones";
      remove.textContent = "Remove";
      remove.setAttribute("aria-label", `Remove ${word}`);
      remove.addEventListener("click", () => {
        const left = read();
        delete left[word];
        write(left);
      });
      item.append(name, phones, remove);
      return item;
    }),
  );
}

show();
addEventListener("storage", (event) => event.key === KEY && show()); // of another tab
