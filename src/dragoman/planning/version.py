"""Counts the changes of what planning makes: prepared files keep plans, and those of other versions are made again.

Count it up when any architecture gets another plan, or instructions mean something else; a test notices the former.
"""

PLAN_VERSION = 1
