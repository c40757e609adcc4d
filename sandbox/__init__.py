"""The world outside, faked on loopback: Telegram with a chat page, and providers of language models."""
