#!/usr/bin/env bash
# curl: an MP3 file, and the times of its words.
set -euo pipefail
url=${OPENAI_BASE_URL:-http://127.0.0.1:8000/v1}
body='{"input": "Hello from curl.", "voice": "emma"}'
curl --fail --silent --show-error "$url/audio/speech" -H "Content-Type: application/json" -d "$body" -o curl.mp3
curl --fail --silent --show-error "$url/audio/speech/timestamps" -H "Content-Type: application/json" -d "$body" -o curl.json
