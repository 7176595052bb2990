"""OpenAI's Python client: speech as it is generated, into a WAV file. `pip install openai`"""

import os
import wave

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "none"),
)
with (
    client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="emma", input="Hello from Python.", response_format="pcm"
    ) as response,
    wave.open("python.wav", "wb") as file,
):
    file.setparams((1, 2, 24000, 0, "NONE", ""))  # one channel, 16 bits, 24 kHz
    for part in response.iter_bytes():
        file.writeframes(part)  # or play it
