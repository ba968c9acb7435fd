"""Starts a worker: `python /opt/mlpack/worker`, with a socket to the front door as standard input."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# The project's own modules are looked for in the app root, ours here and under a private name only.
sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != HERE]
sys.path.insert(0, HERE)
from _mlpack_worker import loop  # noqa: E402

sys.path.remove(HERE)
loop.main()
