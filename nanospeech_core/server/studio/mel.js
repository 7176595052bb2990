// Log-mel spectrograms as the model sees them: 100 bins, a frame every 10.7 ms at 24 kHz.

export const BINS = 100;
const LOW = Math.log(1e-5);
const HIGH = 4.5;

function filters(rate, size) {
  const most = Math.min(12000, rate / 2);
  const toMel = (hz) => 2595 * Math.log10(1 + hz / 700);
  const corners = Array.from({ length: BINS + 2 }, (_, i) => 700 * (10 ** ((toMel(most) * i) / (BINS + 1) / 2595) - 1));
  return Array.from({ length: BINS }, (_, bin) => {
    const [low, middle, high] = corners.slice(bin, bin + 3);
    const weights = [];
    for (let k = Math.floor((low * size) / rate); k <= Math.min(size / 2, Math.ceil((high * size) / rate)); k++) {
      const hz = (k * rate) / size;
      const weight = Math.min((hz - low) / (middle - low), (high - hz) / (high - middle));
      if (weight > 0) weights.push([k, weight]);
    }
    return weights;
  });
}

/** In place, of a power of two. */
function fft(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  for (let size = 2; size <= n; size *= 2) {
    const half = size / 2;
    for (let k = 0; k < half; k++) {
      const c = Math.cos((-2 * Math.PI * k) / size);
      const s = Math.sin((-2 * Math.PI * k) / size);
      for (let i = k; i < n; i += size) {
        const [r, m] = [re[i + half] * c - im[i + half] * s, re[i + half] * s + im[i + half] * c];
        re[i + half] = re[i] - r;
        im[i + half] = im[i] - m;
        re[i] += r;
        im[i] += m;
      }
    }
  }
}

/** {frames, seconds of a frame, data: a byte per bin, frame by frame}; waits now and then, so the page lives. */
export async function logMel(samples, rate, isWanted = () => true) {
  const size = 2 ** Math.round(Math.log2((1024 * rate) / 24000));
  const hop = size / 4;
  const bank = filters(rate, size);
  const frames = Math.floor(samples.length / hop) + 1;
  const data = new Uint8ClampedArray(frames * BINS);
  const hann = Float32Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const [re, im] = [new Float32Array(size), new Float32Array(size)];
  let rested = performance.now();
  for (let frame = 0; frame < frames; frame++) {
    const start = frame * hop - size / 2;
    for (let i = 0; i < size; i++) re[i] = (samples[start + i] ?? 0) * hann[i];
    im.fill(0);
    fft(re, im);
    bank.forEach((weights, bin) => {
      let sum = 0;
      for (const [k, weight] of weights) sum += weight * Math.hypot(re[k], im[k]);
      data[frame * BINS + bin] = (255 * (Math.log(Math.max(sum, 1e-5)) - LOW)) / (HIGH - LOW);
    });
    if (performance.now() - rested > 20) {
      await new Promise((resolve) => setTimeout(resolve));
      rested = performance.now();
      if (!isWanted()) return null;
    }
  }
  return { frames, frameSeconds: hop / rate, data };
}

const STOPS = {
  dark: [[18, 20, 27], [49, 28, 96], [148, 44, 128], [240, 96, 93], [254, 224, 160]],
  light: [[255, 255, 255], [203, 221, 246], [92, 140, 214], [52, 70, 168], [24, 16, 82]],
};

/** RGB of each byte, Uint8[256][3], for a dark or a light page. */
export function palette(dark) {
  const stops = STOPS[dark ? "dark" : "light"];
  return Array.from({ length: 256 }, (_, value) => {
    const at = (value / 255) ** 1.6 * (stops.length - 1);
    const [low, part] = [Math.min(Math.floor(at), stops.length - 2), at - Math.min(Math.floor(at), stops.length - 2)];
    return stops[low].map((channel, i) => Math.round(channel + (stops[low + 1][i] - channel) * part));
  });
}

/** The spectrogram as a bitmap, low notes below. `tint(frame)`: null, or how to change [r, g, b] of it. */
export async function melImage({ frames, data }, colors, tint = () => null) {
  const image = new ImageData(frames, BINS);
  for (let frame = 0; frame < frames; frame++) {
    const change = tint(frame);
    for (let bin = 0; bin < BINS; bin++) {
      const color = colors[data[frame * BINS + bin]];
      const at = ((BINS - 1 - bin) * frames + frame) * 4;
      image.data.set(change ? change(color) : color, at);
      image.data[at + 3] = 255;
    }
  }
  return createImageBitmap(image);
}

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
