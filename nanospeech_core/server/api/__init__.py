"""The endpoints of OpenAI's audio API, and those that extend it."""
