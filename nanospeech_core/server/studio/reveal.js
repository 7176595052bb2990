// The reveal order as an animation: which tokens each iteration of masked decoding makes, and what it has by then.

import { post } from "./api.js";
import { fromBase64 } from "./audio.js";
import { run, say } from "./messages.js";
import { isDark, melImage, palette } from "./mel.js";
import { request } from "./speech.js";
import { plain } from "./text.js";

const [show, panel, view, slider, animate, text, stream] = ["show-reveal", "reveal-panel", "reveal-view", "iteration", "animate", "reveal-text", "reveal-stream"].map((id) => document.getElementById(id));
const MILLISECONDS = 700; // that an iteration is shown
const STRIP = 16; // pixels above the mel, in the color of the iteration

export function setUpReveal({ history, words }) {
  let segment = null;
  let timer = null;

  /** The sentence of the chosen word, else the first one. */
  const sentence = () => {
    const { sentences, script } = history.current;
    let before = 0;
    const found = sentences.find((each) => (before += each.words.length) > words.chosen) ?? sentences[0];
    return plain(script).slice(found.words[0].place[0], found.words.at(-1).place[1]).slice(0, 400);
  };

  const load = () =>
    run(show, async () => {
      say("Decoding, iteration by iteration …");
      const answer = await post("/v1/audio/reveals", { ...request(sentence()), stream: stream.checked });
      const { segments } = await answer.json();
      [segment] = segments;
      segment.mels = segment.iterations.map(({ mel }) => fromBase64(mel));
      panel.hidden = false;
      slider.max = segment.iterations.length;
      say("");
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (still) await draw(segment.iterations.length);
      else play();
      panel.scrollIntoView({ block: "nearest" });
    });

  const draw = async (step) => {
    slider.value = step;
    const { tokens, iterations, frames, mels } = segment;
    const when = new Int32Array(tokens).fill(iterations.length);
    iterations.forEach((each, k) => each.tokens.forEach((token) => (when[token] = k)));
    const patch = frames / tokens;
    const dark = isDark();
    const hidden = (frame) => when[Math.floor(frame / patch)] >= step;
    const veil = dark ? 40 : 214;
    const dim = (color) => color.map((channel) => channel * 0.22 + veil * 0.78);
    const image = await melImage({ frames, data: mels[Math.max(0, step - 1)] }, palette(dark), (frame) => (hidden(frame) ? dim : null));
    const ratio = devicePixelRatio || 1;
    [view.width, view.height] = [view.clientWidth * ratio, view.clientHeight * ratio];
    const context = view.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, view.width, view.height);
    context.drawImage(image, 0, STRIP * ratio, view.width, view.height - STRIP * ratio);
    const width = view.width / tokens;
    when.forEach((k, token) => {
      if (k >= step) return;
      context.fillStyle = `hsl(${(215 + (300 * k) / iterations.length) % 360} 75% ${dark ? 62 : 45}%)`; // of its iteration
      context.fillRect(token * width, 0, width - ratio / 2, STRIP * ratio);
      if (k !== step - 1 || width < 5 * ratio) return;
      for (const x of [token * width, (token + 1) * width - ratio]) context.fillRect(x, 0, ratio, view.height);
    });
    const done = iterations.slice(0, step).reduce((sum, each) => sum + each.tokens.length, 0);
    text.textContent = step
      ? `Iteration ${step} of ${iterations.length}: ${iterations[step - 1].tokens.length} tokens; ${done} of ${tokens} are there. “${segment.text}”`
      : `Before the first iteration: ${tokens} tokens are hidden. “${segment.text}”`;
    view.setAttribute("aria-label", text.textContent);
  };

  const stop = () => {
    clearInterval(timer);
    timer = null;
    animate.textContent = "Play";
  };

  const play = () => {
    stop();
    let step = 0;
    draw(0);
    animate.textContent = "Stop";
    timer = setInterval(() => {
      step += 1;
      draw(step);
      if (step >= segment.iterations.length) stop();
    }, MILLISECONDS);
  };

  show.addEventListener("click", load);
  animate.addEventListener("click", () => (timer ? stop() : play()));
  slider.addEventListener("input", () => {
    stop();
    draw(Number(slider.value));
  });
  const redraw = () => segment && !panel.hidden && draw(Number(slider.value));
  addEventListener("resize", redraw);
  return { redraw };
}
