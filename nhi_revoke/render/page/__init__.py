"""The report as one HTML file: no request leaves it, no script runs in it."""
