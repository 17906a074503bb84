"""Import this module before numpy or torch: it tells OpenBLAS which kernels suit the processor.

Older OpenBLAS releases do not know newer processors and then fall back to their slowest kernels.
"""

import os


def _choose():
    if not os.path.exists("/proc/cpuinfo"):
        return
    with open("/proc/cpuinfo") as file:
        flags = file.read().split()
    if "avx512f" in flags:
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
    elif "avx2" in flags:
        os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")


_choose()
