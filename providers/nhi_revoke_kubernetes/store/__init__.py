"""Secrets of Kubernetes that replacements are kept in."""
