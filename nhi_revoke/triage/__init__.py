"""From a text that leaked to what is in it, whether it is alive, whose it is, and what to do next."""
