// Speaks a text: plays it while it arrives, then keeps it as a recording.

import { events, post } from "./api.js";
import { fromBase64, toFloats, writeWav } from "./audio.js";
import { lexicon } from "./lexicon.js";
import { say, seconds } from "./messages.js";
import { settings } from "./options.js";
import { toUnits } from "./text.js";

const RATE = 24000;
let running = null; // the AbortController of the request

export function stopSpeaking() {
  running?.abort();
}

export function voice() {
  return document.getElementById("voice").value || undefined;
}

export function request(input) {
  return { input, voice: voice(), lexicon: lexicon(), ...settings() };
}

/** Speak a script. The history gets it when it is complete; if it fails, the recording before comes back. */
export async function speak(script, history, player) {
  stopSpeaking();
  const controller = (running = new AbortController());
  const [sound, sentences] = [new Sound(), []];
  say("Speaking …");
  await player.begin(RATE); // before the request: a browser plays only soon after a click
  try {
    const body = { ...request(script), response_format: "pcm", stream_format: "sse", timestamps: true };
    const response = await post("/v1/audio/speech", body, controller.signal);
    let complete = false;
    for await (const event of events(response)) {
      if (controller.signal.aborted) break;
      if (event.type === "speech.words") {
        sentences.push(...toUnits(script, [event]));
      } else if (event.type === "speech.audio.delta") {
        const pcm = new Int16Array(fromBase64(event.audio).buffer);
        player.push(sound.add(pcm), RATE);
        history.preview(asRecording(script, sound.samples, sentences, null));
      } else if (event.type === "speech.audio.done") {
        complete = true;
      }
    }
    if (!complete && !controller.signal.aborted) throw new Error("The speech broke off: the server's log says why.");
    if (controller.signal.aborted) throw new DOMException("stopped", "AbortError");
    player.finish();
    const recording = asRecording(script, sound.samples, sentences, sound.wav());
    history.add(recording);
    say(`Spoken: ${seconds(recording.channels[0].length / RATE)}.`);
  } catch (error) {
    player.stop();
    history.restore();
    say(error.name === "AbortError" ? "Stopped." : "");
    throw error;
  } finally {
    if (running === controller) running = null;
  }
}

/** Speak something short beside the recording. */
export async function hear(input, player) {
  const response = await post("/v1/audio/speech", { ...request(input), response_format: "pcm" });
  const pcm = new Int16Array(await response.arrayBuffer());
  await player.play({ channels: [toFloats(pcm)], rate: RATE });
}

/** The samples so far, as they arrived and as floats. */
class Sound {
  #chunks = [];
  #floats = new Float32Array(RATE * 8);
  #length = 0;

  add(pcm) {
    const chunk = toFloats(pcm);
    this.#chunks.push(pcm);
    if (this.#length + chunk.length > this.#floats.length) {
      const larger = new Float32Array(2 * (this.#length + chunk.length));
      larger.set(this.samples);
      this.#floats = larger;
    }
    this.#floats.set(chunk, this.#length);
    this.#length += chunk.length;
    return chunk;
  }

  get samples() {
    return this.#floats.subarray(0, this.#length);
  }

  wav() {
    const all = new Int16Array(this.#length);
    this.#chunks.reduce((at, chunk) => (all.set(chunk, at), at + chunk.length), 0);
    return writeWav(all, RATE);
  }
}

function asRecording(script, samples, sentences, blob) {
  return { blob, rate: RATE, channels: [samples], script, spoken: true, sentences: [...sentences], changed: null };
}
