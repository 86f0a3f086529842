"""Measurements of speed, memory and recovery time, taken against the running CSMS (``python -m benches``)."""
