// WAV files read and written here, sample by sample: a browser's own decoder would resample them.

/** {rate, channels: Float32Array[]} of a WAV of 8 to 32 bits or floating point. */
export function readWav(buffer) {
  const view = new DataView(buffer);
  const name = (at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  if (buffer.byteLength < 12 || name(0) !== "RIFF" || name(8) !== "WAVE") throw new Error("This is not a WAV file.");
  let format = null;
  for (let at = 12; at + 8 <= buffer.byteLength; ) {
    const [kind, size, start] = [name(at), view.getUint32(at + 4, true), at + 8];
    if (kind === "fmt ") {
      let code = view.getUint16(start, true);
      if (code === 0xfffe) code = view.getUint16(start + 24, true); // extensible: the code is in its GUID
      format = { code, count: view.getUint16(start + 2, true), rate: view.getUint32(start + 4, true), bits: view.getUint16(start + 14, true) };
    } else if (kind === "data" && format) {
      return { rate: format.rate, channels: decode(view, start, Math.min(size, buffer.byteLength - start), format) };
    }
    at = start + size + (size % 2);
  }
  throw new Error("The WAV file has no samples.");
}

function decode(view, start, size, { code, count, bits }) {
  const bytes = bits / 8;
  const samples = Math.floor(size / (bytes * count));
  const readers = {
    "6/8": (at) => fromALaw(view.getUint8(at)) / 32768,
    "7/8": (at) => fromMuLaw(view.getUint8(at)) / 32768,
    "1/8": (at) => (view.getUint8(at) - 128) / 128,
    "1/16": (at) => view.getInt16(at, true) / 32768,
    "1/24": (at) => ((view.getUint8(at) | (view.getInt16(at + 1, true) << 8)) / 8388608),
    "1/32": (at) => view.getInt32(at, true) / 2147483648,
    "3/32": (at) => view.getFloat32(at, true),
    "3/64": (at) => view.getFloat64(at, true),
  };
  const read = readers[`${code}/${bits}`];
  if (!read) throw new Error(`WAV files with ${bits} bits of kind ${code} cannot be shown.`);
  const channels = Array.from({ length: count }, () => new Float32Array(samples));
  for (let i = 0, at = start; i < samples; i++) {
    for (const channel of channels) {
      channel[i] = read(at);
      at += bytes;
    }
  }
  return channels;
}

// Telephone encodings, ITU-T G.711.
function fromALaw(byte) {
  const [bits, part] = [byte ^ 0x55, ((byte ^ 0x55) & 0x70) >> 4];
  const low = ((bits & 15) << 4) + 8;
  const size = part ? (low + 256) << (part - 1) : low;
  return bits & 128 ? size : -size;
}

function fromMuLaw(byte) {
  const bits = ~byte & 255;
  const size = ((((bits & 15) << 3) + 132) << ((bits & 0x70) >> 4)) - 132;
  return bits & 128 ? -size : size;
}

/** A WAV file of 16-bit samples, one channel. */
export function writeWav(pcm, rate) {
  const header = new DataView(new ArrayBuffer(44));
  const write = (at, text) => [...text].forEach((c, i) => header.setUint8(at + i, c.charCodeAt(0)));
  write(0, "RIFF");
  header.setUint32(4, 36 + pcm.byteLength, true);
  write(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, 1, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  write(36, "data");
  header.setUint32(40, pcm.byteLength, true);
  return new Blob([header, pcm], { type: "audio/wav" });
}

export function toFloats(pcm) {
  return Float32Array.from(pcm, (sample) => sample / 32768);
}

export function mix(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length);
}

/** The samples [start, stop) of `after` that are not those of `before`: the rest is the same on both sides. */
export function changedSpan(before, after) {
  const most = Math.min(before[0].length, after[0].length);
  const same = (i, j) => after.every((channel, k) => before[k]?.[i] === channel[j]);
  let start = 0;
  while (start < most && same(start, start)) start++;
  let tail = 0;
  while (tail < most - start && same(before[0].length - 1 - tail, after[0].length - 1 - tail)) tail++;
  return [start, after[0].length - tail];
}

/** Bytes of base64. */
export function fromBase64(text) {
  const characters = atob(text);
  return Uint8Array.from(characters, (c) => c.charCodeAt(0));
}
