"""The nouns: frozen msgspec Structs without I/O (design.md, "Nouns")."""
