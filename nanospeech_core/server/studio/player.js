// Playback by Web Audio: of a stream while it arrives, or of a recording from any place.

export class Player extends EventTarget {
  #context = null;
  #sources = new Set();
  #begin = 0; // the context's time at position 0
  #next = 0; // where the next chunk begins, in the context's time
  #streaming = false;
  playing = false;

  async #prepare(rate) {
    this.stop();
    if (this.#context?.sampleRate !== rate) {
      await this.#context?.close();
      try {
        this.#context = new AudioContext({ sampleRate: rate }); // so chunks meet without resampling
      } catch {
        this.#context = new AudioContext();
      }
    }
    await this.#context.resume();
  }

  /** Play from a position in seconds. */
  async play({ channels, rate }, from = 0) {
    await this.#prepare(rate);
    this.#streaming = false;
    this.#begin = this.#context.currentTime + 0.03 - from;
    this.#add(channels, rate, this.#begin + from, from);
    this.#changed(true);
  }

  /** Begin a stream; then `push` its chunks and `finish` it. */
  async begin(rate) {
    await this.#prepare(rate);
    this.#streaming = true;
    this.#next = 0;
    this.#changed(true);
  }

  push(samples, rate) {
    if (!this.#streaming || !this.playing) return;
    const now = this.#context.currentTime;
    if (this.#next === 0) this.#begin = this.#next = now + 0.08;
    if (this.#next < now) { // the network or the model was too slow: go on after a gap
      this.#begin += now + 0.05 - this.#next;
      this.#next = now + 0.05;
    }
    this.#add([samples], rate, this.#next, 0);
    this.#next += samples.length / rate;
  }

  finish() {
    this.#streaming = false;
    if (this.playing && !this.#sources.size) this.stop();
  }

  stop() {
    this.#streaming = false;
    for (const source of this.#sources) {
      source.onended = null;
      source.stop();
    }
    this.#sources.clear();
    if (this.playing) this.#changed(false);
  }

  /** The seconds that are heard now. */
  get position() {
    if (!this.#context || (this.#streaming && this.#next === 0)) return 0;
    return Math.max(0, this.#context.currentTime - (this.#context.outputLatency || 0) - this.#begin);
  }

  #add(channels, rate, when, offset) {
    if (!channels[0].length) return;
    const buffer = this.#context.createBuffer(channels.length, channels[0].length, rate);
    channels.forEach((channel, i) => buffer.copyToChannel(channel, i));
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#context.destination);
    source.start(when, offset);
    this.#sources.add(source);
    source.onended = () => {
      this.#sources.delete(source);
      if (!this.#sources.size && !this.#streaming) this.#changed(false);
    };
  }

  #changed(playing) {
    this.playing = playing;
    this.dispatchEvent(new Event("change"));
  }
}
