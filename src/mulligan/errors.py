"""Errors for people: what was given, what was expected, how to mend it; each with its exit code."""


class MulliganError(Exception):
    """Anything that Mulligan can explain.

    message: what was given and what was expected, on one line.
    hint: how to mend it; may be empty.
    """

    exit_code = 1
    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class UsageError(MulliganError):
    """A command, a setting or a name that does not exist or does not fit."""

    exit_code = 2
    code = "usage"


class DataError(MulliganError):
    """Data that are missing, broken, or not what the run was trained on."""

    exit_code = 3
    code = "data"


class CheckpointError(MulliganError):
    """A checkpoint, model or run folder that is broken or does not fit."""

    exit_code = 4
    code = "checkpoint"


class DivergedError(MulliganError):
    """Training left the finite numbers and recovery is spent."""

    exit_code = 5
    code = "diverged"


class OutOfMemoryError(MulliganError):
    """There is not enough memory, and splitting the work further does not help."""

    exit_code = 6
    code = "memory"


class DiskError(MulliganError):
    """The run folder cannot be written: disk full, read-only, or an input/output error."""

    exit_code = 7
    code = "disk"


class UnsafeError(MulliganError):
    """A file that asks for something which a file may not ask for."""

    exit_code = 8
    code = "unsafe"


class PreemptedError(MulliganError):
    """SIGTERM arrived and the state is saved: the same command goes on."""

    exit_code = 75
    code = "preempted"


class StoppedError(MulliganError):
    """Ctrl-C arrived; what was saved is consistent."""

    exit_code = 130
    code = "interrupted"


class TerminatedError(MulliganError):
    """SIGTERM arrived and there was nothing to save."""

    exit_code = 143
    code = "terminated"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of any library means that memory could not be had: of Python, of torch on a GPU, of torch on a CPU.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("can't allocate memory: you tried to allocate 9 bytes"))
    (True, True)
    """
    if isinstance(error, OutOfMemoryError):
        return False  # explained already
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
