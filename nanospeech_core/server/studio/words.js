// The words of the recording: the one that is spoken is marked, each can be chosen.

import { plain, wordsOf } from "./text.js";

const box = document.getElementById("words");

export class Words extends EventTarget {
  #buttons = [];
  #words = [];
  #script = "";
  #spoken = -1;
  chosen = -1;

  constructor() {
    super();
    box.addEventListener("keydown", (event) => this.#move(event));
  }

  /** Show a recording. continues: it is more of the one before, whose buttons and focus stay. */
  show({ script, sentences, changed }, continues) {
    const words = wordsOf(sentences);
    const goesOn = continues && script === this.#script && words.length >= this.#words.length;
    const from = goesOn ? this.#words.length : 0;
    if (!goesOn) {
      box.replaceChildren();
      this.#buttons = [];
      this.choose(-1);
    }
    [this.#words, this.#script] = [words, script];
    const text = plain(script);
    for (let i = from; i < words.length; i++) {
      const [start, end] = words[i].place;
      box.append(text.slice(i ? words[i - 1].place[1] : 0, start));
      const button = document.createElement("button");
      button.textContent = text.slice(start, end).replace(/^\[([^[\]]+)\]\(\/[^/]*\/\)/u, "$1");
      button.tabIndex = i ? -1 : 0;
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => this.choose(i === this.chosen ? -1 : i));
      box.append(button);
      this.#buttons.push(button);
    }
    this.#buttons.forEach((button, i) => {
      const inside = changed && words[i].start < changed[1] - 0.03 && words[i].end > changed[0] + 0.03;
      button.classList.toggle("new", Boolean(inside));
      if (inside) button.title = "spoken anew";
      else button.removeAttribute("title");
    });
  }

  /** Mark the word that is heard at a time; null: none. */
  mark(time) {
    const spoken = time === null ? -1 : this.#words.findLastIndex((word) => word.start <= time);
    if (spoken === this.#spoken) return;
    this.#buttons[this.#spoken]?.classList.remove("spoken");
    this.#buttons[spoken]?.classList.add("spoken");
    this.#buttons[spoken]?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.#spoken = spoken;
  }

  /** Choose a word by its number; -1: none. */
  choose(number) {
    this.#buttons[this.chosen]?.setAttribute("aria-pressed", "false");
    this.chosen = number;
    this.#buttons[number]?.setAttribute("aria-pressed", "true");
    this.dispatchEvent(new Event("choose"));
  }

  /** Put the focus on a word. */
  focus(number) {
    const button = this.#buttons[Math.min(number, this.#buttons.length - 1)];
    this.#buttons.forEach((each) => (each.tabIndex = each === button ? 0 : -1));
    button?.focus();
  }

  #move(event) {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    const at = this.#buttons.indexOf(event.target);
    if (!(event.key in steps) || at < 0) return;
    event.preventDefault();
    this.focus(Math.max(0, at + steps[event.key]));
  }
}
