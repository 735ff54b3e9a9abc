"""Files and containers: what in them is text, and the same file with that text translated, every other byte kept."""
