"""The peers' own programs: each runs in its environment, alone, and imports nothing of this project."""
