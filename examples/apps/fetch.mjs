// JavaScript: Node.js 18 or newer, or a browser of an origin that the server allows (--allow-origin).
import { writeFile } from "node:fs/promises";

const url = process.env.OPENAI_BASE_URL ?? "http://127.0.0.1:8000/v1";
const response = await fetch(`${url}/audio/speech`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ input: "Hello from JavaScript.", voice: "emma", response_format: "mp3" }),
});
if (!response.ok) throw new Error((await response.json()).error.message);
await writeFile("fetch.mp3", new Uint8Array(await response.arrayBuffer()));
