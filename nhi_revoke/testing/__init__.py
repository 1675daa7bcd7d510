"""What a provider's author tests with: the conformance kit."""
