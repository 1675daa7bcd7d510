"""What a provider raises when the vendor did not simply answer.

    Fault
    ├── Denied            no permission: a read becomes a blind spot, a write a failed step
    ├── Unauthenticated   the operator's own credentials are missing, wrong or expired
    ├── Missing           the thing asked for does not exist
    ├── AmbiguousName     more than one principal has the name
    ├── Throttled         asked too fast: the engine waits and asks again
    ├── Unavailable       5xx, or no connection was made: nothing was changed
    ├── NoAnswer          a request was sent and no answer came: it may have happened
    ├── Conflict          somebody changed it between our read and our write
    ├── Rejected          the vendor refused for another reason: nothing changed
    └── NotInstalled      a library of an extra is missing

Messages never hold a secret; providers build them from names and codes alone.
"""

from __future__ import annotations


class Fault(Exception):
    """Base. `message` is for people; `code` is the vendor's own, where there is one."""

    def __init__(self, message: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint


class Denied(Fault):
    def __init__(self, message: str, *, needs: str = "", code: str = "", hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)
        self.needs = needs


class Unauthenticated(Fault):
    pass


class Missing(Fault):
    pass


class AmbiguousName(Fault):
    def __init__(self, message: str, *, candidates: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.candidates = candidates


class Throttled(Fault):
    def __init__(self, message: str, *, retry_after: float | None = None, code: str = "") -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Unavailable(Fault):
    pass


class NoAnswer(Fault):
    pass


class Conflict(Fault):
    pass


class Rejected(Fault):
    pass


class NotInstalled(Fault):
    pass
