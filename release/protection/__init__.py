"""The protection of the repository at GitHub: what .github/protection.yaml asks for, and what has to change for it."""
