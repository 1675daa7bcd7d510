"""The provider contract: what a provider promises, and what it may import besides the model.

A provider asks and looks; only the engine waits, retries and journals (design.md).
"""
