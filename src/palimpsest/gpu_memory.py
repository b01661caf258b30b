"""How one sees that a GPU's memory is full: torch says it by a class of its own, the libraries that
it calls (CUDA's graphs, cuBLAS, cuDNN) in the words of a RuntimeError."""

import re

_LIBRARY = re.compile(r"CUDA error: out of memory|_ALLOC_FAILED")


def full(error: BaseException | None) -> RuntimeError | None:
    """What was said of a full memory, though the end of a capture may have failed after it; None if
    nothing was. Does not import torch."""
    while error is not None:
        said = type(error).__name__ == "OutOfMemoryError" or _LIBRARY.search(str(error))
        if said and isinstance(error, RuntimeError):
            return error
        error = error.__context__
    return None
