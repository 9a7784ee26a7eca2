"""One sentence on why the Hub does not give a model, and what to do next.

huggingface_hub does the downloading. Nothing here asks for a token or passes one on: without a login, none is sent. If
a user has logged in (``hf auth login``, or the variable ``HF_TOKEN``), huggingface_hub sends the token as in any other
program, to the Hub and not to the hosts that the Hub redirects to.
"""

from __future__ import annotations

import errno

from pitfalls.extras import extra
from pitfalls.files import FULL

with extra("models"):
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

_LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"
_NOT_WRITTEN = (*FULL, errno.EACCES, errno.EPERM, errno.EROFS)


def why_not(source: str, revision: str | None, error: Exception) -> str:
    """What an error of huggingface_hub means for the model ``source``, and what to do next.

    Examples
    --------
    >>> why_not("a model", None, HFValidationError("Repo id must use alphanumeric chars"))
    "it is neither a folder (with config.json, model.safetensors and tokenizer.json) nor a name on the Hub, such as
    'organisation/model': check the spelling"
    """
    page = f"{constants.ENDPOINT}/{source}"
    answer = getattr(error, "response", None)
    if isinstance(error, HFValidationError):
        return (
            "it is neither a folder (with config.json, model.safetensors and tokenizer.json) nor a name on the Hub, "
            "such as 'organisation/model': check the spelling"
        )
    if isinstance(error, GatedRepoError):
        return f"it is gated: agree to its authors' terms at {page}, and {_LOG_IN}; then load it again"
    if answer is not None and "Invalid credentials" in answer.headers.get("X-Error-Message", ""):
        return (
            "the Hub does not accept your token, which a public model does not need: remove it (`hf auth logout`, and "
            f"unset HF_TOKEN), or {_LOG_IN}"
        )
    # Without a login, the Hub answers 401 for any name that it does not show.
    if isinstance(error, RepositoryNotFoundError) or getattr(answer, "status_code", None) == 401:
        private = f"if it is private, {_LOG_IN}"
        return f"there is no such folder here, and no such model at {page}: check the spelling; {private}"
    if isinstance(error, RevisionNotFoundError):
        return f"it has no revision {revision!r}: give a branch, a tag or a commit from {page}/commits/main"
    if isinstance(error, LocalEntryNotFoundError):
        return _not_cached(revision, error)
    if isinstance(error, OSError) and error.errno in _NOT_WRITTEN:
        return f"it cannot be kept in {constants.HF_HUB_CACHE} ({error}): make room there, or set HF_HOME to a folder"
    return (
        f"its download stopped ({type(error).__name__}: {_first_line(error)}): load it again, as the files that are "
        "complete are kept"
    )


def _not_cached(revision: str | None, error: LocalEntryNotFoundError) -> str:
    what = "all of it" if revision is None else f"all of its revision {revision!r}"
    lacks = f"and the cache ({constants.HF_HUB_CACHE}) does not hold {what}"
    if isinstance(error.__cause__, OfflineModeIsEnabled):
        return f"HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set, {lacks}: unset both to download it, or give a folder"
    because = f" ({_first_line(error.__cause__)})" if error.__cause__ else ""
    return f"the Hub ({constants.ENDPOINT}) does not answer{because}, {lacks}: check the network, or give a folder"


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "no reason given")[:300]
