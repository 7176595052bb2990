// The recording that is shown, and those before and after it.
//
// A recording: {blob: a WAV file, rate, channels: Float32Array[], script, spoken: whether it was made here and
// can be spoken again, sentences: with times and places, changed: null or [start, stop] in seconds}.

const STEPS = 50; // that are kept: each has its samples in memory

export class History extends EventTarget {
  #past = [];
  #future = [];
  current = null;
  partial = false; // more of the current recording is to come

  /** Show a recording that is complete; `undo` goes back to the one before. */
  add(recording) {
    if (this.#last) this.#past.push(this.#last);
    if (this.#past.length > STEPS) this.#past.shift();
    this.#future = [];
    this.#show(recording, false);
    this.#last = recording;
  }

  /** Show what there is so far; it is no step of the history. */
  preview(recording) {
    this.#show(recording, true);
  }

  /** Back to the last complete recording, after a preview that failed. */
  restore() {
    if (this.partial) this.#show(this.#last, false);
  }

  undo() {
    if (!this.canUndo) return;
    this.#future.push(this.#last);
    this.#last = this.#past.pop();
    this.#show(this.#last, false);
  }

  redo() {
    if (!this.canRedo) return;
    this.#past.push(this.#last);
    this.#last = this.#future.pop();
    this.#show(this.#last, false);
  }

  get canUndo() {
    return !this.partial && this.#past.length > 0;
  }

  get canRedo() {
    return !this.partial && this.#future.length > 0;
  }

  #last = null;

  #show(recording, partial) {
    this.current = recording;
    this.partial = partial;
    this.dispatchEvent(new Event("change"));
  }
}
