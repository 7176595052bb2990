// A control for each option of sampling; which there are is the server's answer.

import { call } from "./api.js";

const USUAL = ["speed", "temperature", "num_iter", "seed"]; // always in view
const RANGE = 1000; // numbers of at most so many values are sliders
const KEY = "nanospeech.options";
const NOT_HERE = ["lexicon", "use_diffusion"]; // the studio has its own lexicon; `sampler` says the same

const options = new Map(); // name -> {declared, read(), show(value)}
let limit = Infinity;

/** What differs from the defaults, as a request has it. */
export function settings() {
  const changed = {};
  for (const [name, { declared, read }] of options) {
    const value = read();
    if (value !== null && value !== declared.model_default && isRead(declared)) changed[name] = value;
  }
  return changed;
}

export function maxCharacters() {
  return limit;
}

function isRead(declared) {
  const sampler = options.get("sampler")?.read();
  return !sampler || !declared.samplers.length || declared.samplers.includes(sampler);
}

export async function loadOptions() {
  const answer = await (await call("/v1/audio/options")).json();
  limit = answer.max_characters;
  const kept = keptSettings();
  const rank = ({ name }) => (USUAL.includes(name) ? USUAL.indexOf(name) : USUAL.length);
  const shown = answer.options.filter(({ name }) => !NOT_HERE.includes(name)).sort((a, b) => rank(a) - rank(b));
  for (const declared of shown) {
    const option = build(declared);
    options.set(declared.name, option);
    if (declared.name in kept) option.show(kept[declared.name]);
    document.getElementById(USUAL.includes(declared.name) ? "usual-options" : "more-options").append(option.row);
  }
  document.getElementById("reset-options").addEventListener("click", () => {
    for (const { declared, show } of options.values()) show(declared.model_default);
    changed();
  });
  changed();
}

function keptSettings() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function changed() {
  localStorage.setItem(KEY, JSON.stringify(settings()));
  for (const { declared, row, read } of options.values()) {
    const value = read();
    row.hidden = !isRead(declared);
    row.classList.toggle("changed", value !== null && value !== declared.model_default);
  }
}

function build(declared) {
  const row = document.createElement("div");
  const label = document.createElement("label");
  row.className = "option";
  row.title = declared.help;
  label.textContent = declared.name;
  label.htmlFor = `option-${declared.name}`;
  row.append(label);
  const option = declared.choices.length ? choice(declared) : number(declared);
  option.inputs.forEach((input) => input.addEventListener("change", changed));
  row.append(...option.inputs);
  option.show(declared.model_default);
  return { declared, row, ...option };
}

function choice(declared) {
  const select = document.createElement("select");
  select.id = `option-${declared.name}`;
  if (declared.model_default === null) select.append(new Option("automatic", ""));
  select.append(...declared.choices.map((name) => new Option(name, name)));
  return { inputs: [select], read: () => select.value || null, show: (value) => (select.value = value ?? "") };
}

function number(declared) {
  const whole = declared.type === "integer";
  const input = document.createElement("input");
  Object.assign(input, { id: `option-${declared.name}`, type: "number", step: whole ? "1" : "any" });
  if (declared.model_default === null) input.placeholder = "automatic";
  if (declared.least !== null) input.min = declared.least;
  if (declared.most !== null) input.max = declared.most;
  const inputs = [input];
  const slider = document.createElement("input");
  if (declared.most - declared.least <= RANGE) {
    Object.assign(slider, { type: "range", min: declared.least, max: declared.most, step: whole ? "1" : "0.05" });
    slider.setAttribute("aria-label", declared.name);
    slider.addEventListener("input", () => (input.value = slider.value));
    input.addEventListener("input", () => (slider.value = input.value));
    inputs.push(slider);
  }
  return {
    inputs,
    read: () => (input.value === "" ? null : Number(input.value)),
    show: (value) => {
      input.value = value ?? "";
      slider.value = value ?? declared.least;
    },
  };
}
