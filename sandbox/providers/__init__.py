"""Fake model servers: OpenAI form, DeepSeek, Mistral and Gemini on loopback, scripted by the prompt."""
