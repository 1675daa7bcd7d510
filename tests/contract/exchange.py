"""Every request and answer of the vendor's own clients in this process, as they met the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import botocore.session
import pytest


class Exchange(NamedTuple):
    """One call. `model` is botocore's OperationModel."""

    service: str
    operation: str
    params: dict[str, Any]
    model: Any
    status: int
    body: bytes
    parsed: dict[str, Any]
    validated: bool
    """Whether the client checked the parameters against the model before it sent them."""


@contextmanager
def recorded() -> Iterator[list[Exchange]]:
    """Calls of each client that is made inside, by whomever."""
    exchanges: list[Exchange] = []
    good = botocore.session.Session.create_client

    def create_client(self: Any, *arguments: Any, **settings: Any) -> Any:
        client = good(self, *arguments, **settings)
        checks = vars(client.meta.config).get("parameter_validation") is not False

        def asked(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
            context["contract"] = dict(params)

        def answered(http_response: Any, parsed: Any, model: Any, context: Any, **_: Any) -> None:
            service, params = model.service_model.service_name, context["contract"]
            told = (http_response.status_code, http_response.content, parsed)
            exchanges.append(Exchange(service, model.name, params, model, *told, checks))

        client.meta.events.register("provide-client-params", asked)
        client.meta.events.register("after-call", answered)
        return client

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session.Session, "create_client", create_client)
        yield exchanges
