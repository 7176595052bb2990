"""LiveKit Agents: this server as the voice of an agent. `pip install "livekit-agents[openai]"`"""

from livekit.agents import AgentSession
from livekit.plugins import openai

session = AgentSession(
    tts=openai.TTS(model="tts-1", voice="nova", base_url="http://127.0.0.1:8000/v1", api_key="none"),
    # and stt=..., llm=..., vad=... as in LiveKit's guide
)
