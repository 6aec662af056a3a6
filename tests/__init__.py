"""Tests of annotate. Numpy's libraries get one thread each, before anything imports numpy: on a busy machine several of them only
wait for each other."""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
