"""Translations kept for the next time: in memory or on disk, bounded, and in and out as TMX."""
