"""Pipecat: this server as the text-to-speech service of a pipeline. `pip install "pipecat-ai[openai]"`"""

from pipecat.services.openai.tts import OpenAITTSService

tts = OpenAITTSService(
    api_key="none",
    base_url="http://127.0.0.1:8000/v1",
    settings=OpenAITTSService.Settings(voice="nova"),  # Pipecat knows OpenAI's names of voices only
)
# and in the pipeline: Pipeline([..., llm, tts, transport.output(), ...])
