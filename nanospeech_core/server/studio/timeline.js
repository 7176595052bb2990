// Waveform and mel spectrogram with the boundaries of words and phones; handles for pauses.

import { mix } from "./audio.js";
import { BINS, isDark, logMel, melImage, palette } from "./mel.js";
import { wordsOf } from "./text.js";

const [box, track, view, gaps, playhead] = ["timeline", "track", "view", "gaps", "playhead"].map((id) => document.getElementById(id));
const ROWS = { words: [0, 24], gaps: [24, 40], wave: [42, 122], mel: [124, 262], phones: [262, 286] };
const HEIGHT = 286;
const USUAL_SCALE = 130; // pixels of a second, at least

export class Timeline extends EventTarget {
  #recording = null;
  #samples = null;
  #mel = null; // {image, frameSeconds}, once it is computed
  #scale = USUAL_SCALE;
  #wanted = 0;

  constructor() {
    super();
    box.addEventListener("scroll", () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.#layOut()).observe(box);
    view.addEventListener("click", (event) => {
      const seconds = this.#seconds(event.clientX);
      if (this.#recording) this.dispatchEvent(new CustomEvent("seek", { detail: Math.min(seconds, this.duration) }));
    });
  }

  get duration() {
    return this.#samples ? this.#samples.length / this.#recording.rate : 0;
  }

  /** Show a recording; of one that is still spoken, only the waveform. */
  show(recording, partial) {
    const fresh = !partial && recording.blob !== this.#recording?.blob;
    this.#recording = recording;
    this.#samples = mix(recording.channels);
    if (!partial || !this.#mel?.partial) this.#mel = partial ? { partial: true } : null;
    if (fresh) this.#fit();
    this.#layOut();
    if (!partial) this.repaint();
  }

  /** Make the spectrogram, in the colors of the page. */
  async repaint() {
    if (!this.#recording) return;
    const number = ++this.#wanted;
    const mel = await logMel(this.#samples, this.#recording.rate, () => number === this.#wanted);
    if (!mel || number !== this.#wanted) return;
    const images = []; // a bitmap is at most a few thousand pixels wide
    for (let from = 0; from < mel.frames; from += 4096) {
      const frames = Math.min(4096, mel.frames - from);
      const data = mel.data.subarray(from * BINS, (from + frames) * BINS);
      images.push({ from, frames, image: await melImage({ frames, data }, palette(isDark())) });
    }
    if (number !== this.#wanted) return;
    this.#mel = { images, frameSeconds: mel.frameSeconds };
    box.dataset.mel = mel.frames; // for tests: it is drawn
    this.#draw();
  }

  zoom(factor) {
    const middle = (box.scrollLeft + box.clientWidth / 2) / this.#scale;
    this.#scale = Math.min(1600, Math.max(box.clientWidth / (this.duration || 1), this.#scale * factor));
    this.#layOut();
    box.scrollLeft = middle * this.#scale - box.clientWidth / 2;
    this.#draw();
  }

  /** Show where playback is; null: nowhere. */
  mark(seconds) {
    playhead.hidden = seconds === null;
    if (seconds === null) return;
    const x = Math.min(seconds, this.duration) * this.#scale;
    playhead.style.left = `${x}px`;
    if (x >= box.scrollLeft && x <= box.scrollLeft + box.clientWidth - 40) return;
    box.scrollLeft = Math.max(0, x - 60);
    this.#draw();
  }

  #fit() {
    this.#scale = Math.max(USUAL_SCALE, box.clientWidth / (this.duration || 1));
    box.scrollLeft = 0;
  }

  #seconds(clientX) {
    return (clientX - box.getBoundingClientRect().left - box.clientLeft + box.scrollLeft) / this.#scale;
  }

  #layOut() {
    if (!this.#recording) return;
    track.style.width = `${Math.max(box.clientWidth, Math.ceil(this.duration * this.#scale))}px`;
    const ratio = devicePixelRatio || 1;
    [view.width, view.height] = [box.clientWidth * ratio, HEIGHT * ratio];
    view.style.width = `${box.clientWidth}px`;
    const words = wordsOf(this.#recording.sentences);
    view.setAttribute("aria-label", `Waveform and spectrogram of ${words.length} words, ${this.duration.toFixed(1)} s`);
    this.#showGaps(words);
    this.#draw();
  }

  #draw() {
    if (!this.#recording) return;
    const context = view.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`);
    const ratio = devicePixelRatio || 1;
    const [left, width] = [box.scrollLeft / this.#scale, box.clientWidth];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, HEIGHT);
    const x = (seconds) => (seconds - left) * this.#scale;
    this.#drawChange(context, x, color);
    this.#drawMel(context, x);
    this.#drawWave(context, left, width, color);
    const words = wordsOf(this.#recording.sentences);
    const visible = words.filter((word) => x(word.end) >= 0 && x(word.start) <= width);
    context.textBaseline = "middle";
    for (const word of visible) this.#drawWord(context, word, x, color);
  }

  #drawChange(context, x, color) {
    const { changed } = this.#recording;
    if (!changed) return;
    context.fillStyle = color("new");
    context.globalAlpha = 0.25;
    context.fillRect(x(changed[0]), ROWS.wave[0], x(changed[1]) - x(changed[0]), ROWS.wave[1] - ROWS.wave[0]);
    context.globalAlpha = 1;
  }

  #drawMel(context, x) {
    const [top, bottom] = ROWS.mel;
    for (const { from, frames, image } of this.#mel?.images ?? []) {
      const [start, stop] = [x((from - 0.5) * this.#mel.frameSeconds), x((from + frames - 0.5) * this.#mel.frameSeconds)];
      context.drawImage(image, start, top, stop - start, bottom - top);
    }
  }

  #drawWave(context, left, width, color) {
    const [top, bottom] = ROWS.wave;
    const [middle, half] = [(top + bottom) / 2, (bottom - top) / 2];
    const perPixel = this.#recording.rate / this.#scale;
    context.fillStyle = color("wave");
    for (let pixel = 0; pixel < width; pixel++) {
      const start = Math.floor(left * this.#recording.rate + pixel * perPixel);
      if (start >= this.#samples.length) break;
      let [low, high] = [1, -1];
      const step = Math.max(1, Math.floor(perPixel / 200));
      for (let i = start; i < Math.min(this.#samples.length, start + Math.max(1, perPixel)); i += step) {
        low = Math.min(low, this.#samples[i]);
        high = Math.max(high, this.#samples[i]);
      }
      context.fillRect(pixel, middle - high * half, 1, Math.max(1, (high - low) * half));
    }
  }

  #drawWord(context, word, x, color) {
    const line = (seconds, top, bottom) => context.fillRect(Math.round(x(seconds)), top, 1, bottom - top);
    const label = (text, start, end, [top, bottom]) => {
      for (const size of [14, 12, 10]) {
        context.font = `${size}px system-ui, sans-serif`;
        if (context.measureText(text).width > x(end) - x(start) + 2) continue;
        context.fillText(text, (x(start) + x(end)) / 2, (top + bottom) / 2);
        return;
      }
    };
    context.textAlign = "center";
    context.fillStyle = color("bound");
    for (const edge of [word.start, word.end]) {
      line(edge, ROWS.words[0], ROWS.gaps[1]);
      line(edge, ROWS.phones[0] - 6, ROWS.phones[1]);
    }
    for (const phone of word.phones) line(phone.start, ROWS.phones[0], ROWS.phones[1]);
    context.globalAlpha = 0.45;
    for (const edge of [word.start, word.end]) line(edge, ROWS.gaps[1], ROWS.phones[0]);
    context.globalAlpha = 1;
    context.fillStyle = color("ink");
    label(word.text, word.start, word.end, ROWS.words);
    for (const phone of word.phones) label(phone.text, phone.start, phone.end, ROWS.phones);
  }

  #showGaps(words) {
    const handles = [];
    let last = -Infinity;
    words.slice(0, -1).forEach((word, number) => {
      const [start, stop] = [word.end * this.#scale, words[number + 1].start * this.#scale];
      if (!this.#recording.spoken || start - last < 24) return;
      last = start;
      handles.push(this.#gap(number, start, Math.max(stop - start, 12)));
    });
    gaps.replaceChildren(...handles);
  }

  /** A handle for the pause after a word: for the pointer; the word's editor has a field for it. */
  #gap(number, left, width) {
    const handle = document.createElement("div");
    const shown = document.createElement("output");
    handle.className = "gap";
    handle.title = "Drag to change the pause";
    handle.setAttribute("aria-hidden", "true");
    handle.dataset.word = number;
    Object.assign(handle.style, { left: `${left}px`, width: `${width}px` });
    handle.append(shown);
    const words = wordsOf(this.#recording.sentences);
    const natural = words[number + 1].start - words[number].end;
    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      handle.classList.add("dragged");
      const from = event.clientX;
      const length = (now) => Math.max(0, Math.round((natural + (now.clientX - from) / this.#scale) * 20) / 20);
      const move = (now) => {
        handle.style.width = `${Math.max(12, width + now.clientX - from)}px`;
        shown.textContent = `${length(now).toFixed(2)} s`;
      };
      const end = (now) => {
        handle.removeEventListener("pointermove", move);
        handle.classList.remove("dragged");
        handle.style.width = `${width}px`;
        if (now.type === "pointerup" && Math.abs(now.clientX - from) > 4) {
          this.dispatchEvent(new CustomEvent("pause", { detail: { number, length: length(now) } }));
        }
      };
      handle.addEventListener("pointermove", move);
      for (const kind of ["pointerup", "pointercancel"]) handle.addEventListener(kind, end, { once: true });
      move(event);
    });
    return handle;
  }
}
