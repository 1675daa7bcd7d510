"""One GitHub organisation on loopback: stateful, and answering 404 for what may not be seen."""
