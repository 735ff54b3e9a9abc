"""Many models, many workers, many callers.

Bottom up: ``sizes``, ``process_memory``, ``cost``, ``latency`` · the fleet: ``catalogue``, ``entries``, ``residency``,
``holdings``, ``routes``, ``fleet`` · requests: ``jobs``, ``requests``, ``streams`` ·
turns: ``admission``, ``scheduler``,
``worker``, ``dispatcher`` · what callers see: ``reports``, ``metrics``, ``service``, ``simulate``.
"""
