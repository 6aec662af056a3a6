"""Tests of annotate. Numpy gets one thread, before anything imports it: several of them only wait for each other on a busy
machine."""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
