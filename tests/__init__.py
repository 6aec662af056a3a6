"""Tests of annotate. Numpy's libraries get one thread each, before anything imports numpy: several only wait for each other on a
busy machine."""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
