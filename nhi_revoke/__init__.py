"""nhi-revoke: end every live session and key of a non-human identity, in the right order, with proof."""

__version__ = "0.1.0"
