"""Says in a sentence why this Python cannot import headroom, and which one can."""
import importlib.util
import sys
from pathlib import Path

_built = sorted(Path(__file__).parent.glob("_headroom.*.so"))
_here = f"{sys.executable or 'this Python'} (Python {sys.version.split()[0]})"

if importlib.util.find_spec("headroom._headroom") is None:
    raise ImportError(f"headroom is built for another Python than {_here}: there is "
                      f"{', '.join(path.name for path in _built) or 'no _headroom'} in {Path(__file__).parent}; use the "
                      "Python that it was built for (/usr/bin/python3), or build it with -DHEADROOM_PYTHON=PYTHON")
if importlib.util.find_spec("numpy") is None:
    raise ImportError(f"headroom needs NumPy, which {_here} does not have; use /usr/bin/python3, for which Debian has "
                      "python3-numpy, or install numpy")
