"""The library transformers, silent and offline: no advice, no progress bars, nothing fetched."""

import os
from types import ModuleType

_SILENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "TOKENIZERS_PARALLELISM": "false",  # one thread a job, as everywhere
}


def transformers() -> ModuleType:
    """The library, imported (some seconds) when it is asked for first."""
    os.environ.update(_SILENT)  # read once, when the library is imported
    import transformers as library

    library.logging.set_verbosity_error()
    library.logging.disable_progress_bar()
    return library
