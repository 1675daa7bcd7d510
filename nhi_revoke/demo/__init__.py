"""The bundled sandboxes as one world: an identity, an intruder who holds copies of its credentials, one clock."""
