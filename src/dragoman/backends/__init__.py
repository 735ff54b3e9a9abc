"""Engines that run plans: ``reference`` (NumPy, written for reading; the oracle) and ``native`` (C++).

``protocol`` holds the records that both take and give.
"""
