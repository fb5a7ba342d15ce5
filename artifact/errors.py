"""Every way a command may end badly, with its exit code; one table, so that no two commands disagree.

The codes are those of the README: 2 usage, 10 configuration, 20 integrity, 21 forbidden type, 22 incompatible
environment, 23 golden self-test, 30 storage or tracking unavailable, 31 same key with other bytes, 40 data contract,
41 quality gate, 42 retrain refused, 50 Git refused.
"""

from __future__ import annotations


class ModelpinError(Exception):
    """Base of all failures a user can act on. The message says what is wrong, the value, and the remedy."""

    exit_code = 1


class UsageError(ModelpinError):
    """The command line does not fit the command."""

    exit_code = 2


class ConfigurationError(ModelpinError):
    """A setting, a parameter or a URI is missing or malformed."""

    exit_code = 10


class IntegrityError(ModelpinError):
    """Bytes are not the bytes that were named: never deserialised, never served."""

    exit_code = 20


class ForbiddenTypeError(ModelpinError):
    """An artifact asks for a format or a type that the loader does not allow."""

    exit_code = 21


class IncompatibleError(ModelpinError):
    """The artifact is intact, but this environment is not the one it was made for."""

    exit_code = 22


class GoldenError(ModelpinError):
    """The loaded model does not repeat the answers recorded when it was packaged."""

    exit_code = 23


class StorageError(ModelpinError):
    """Storage or tracking did not answer within the bounded retries."""

    exit_code = 30


class CollisionError(ModelpinError):
    """The key exists with other bytes."""

    exit_code = 31


class DataContractError(ModelpinError):
    """The data does not match the declared schema: nothing is trained."""

    exit_code = 40


class GateRefused(ModelpinError):
    """The gate said no, or no verdict speaks for this artifact."""

    exit_code = 41


class RetrainRefused(ModelpinError):
    """Training would not be repeatable."""

    exit_code = 42


class GitError(ModelpinError):
    """The Git remote refused, hung, or kept winning the race."""

    exit_code = 50


def kind(code: int, default: type[ModelpinError]) -> type[ModelpinError]:
    """The failure that another process ended with, by its exit code; `default` for a code that is none of these."""
    return {error.exit_code: error for error in ModelpinError.__subclasses__()}.get(code, default)


class InvalidRequest(ValueError):
    """Rows that do not match the signature: the caller's mistake (HTTP 400, INVALID_ARGUMENT), never ours.

    Not a ModelpinError: it ends a request, not a process.
    """
