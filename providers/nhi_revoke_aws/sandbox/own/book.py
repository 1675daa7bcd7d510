"""All services of this folder: which of them answers, read and written by the vendor's own service models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from msgspec.structs import replace

from nhi_revoke_aws.sandbox.answer import Answer, Refusal
from nhi_revoke_aws.sandbox.asked import Asked
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Used

if TYPE_CHECKING:
    from nhi_revoke_aws.sandbox.caller import Caller
    from nhi_revoke_aws.sandbox.state import Account

USE = "/_use/"
"""Path of the data planes: `POST /_use/SERVICE` with a form."""


class OwnBook:
    """Looks a request up by its signature's service and its operation."""

    def __init__(self, services: Iterable[OwnService]) -> None:
        self.services = tuple(services)
        self._by: dict[tuple[str, str], tuple[OwnService, Handler]] = {}
        for service in self.services:
            for operation, handler in service.operations().items():
                slot = (service.signed_as or service.model, operation)
                if slot in self._by:
                    raise ValueError(f"{slot} is answered twice")
                self._by[slot] = (service, handler)

    def models(self, signed_as: str) -> tuple[str, ...]:
        """Service models that a signature's service may mean, for finding the operation of a REST request."""
        found = (s.model for s in self.services if (s.signed_as or s.model) == signed_as)
        return tuple(dict.fromkeys((*found, signed_as)))

    def named(self, asked: Asked) -> Asked:
        """With the IAM action and the mutation that only the service knows."""
        found = self._by.get((asked.service, asked.operation))
        if found is None:
            return asked
        service, _ = found
        changes = service.mutates(asked.operation)
        action = service.permission(asked.operation, asked.params)
        return replace(asked, action=action, changes=asked.mutates if changes is None else changes)

    def knows(self, asked: Asked) -> bool:
        return (asked.service, asked.operation) in self._by

    def asking(self, caller: Caller, asked: Asked, iam: Any, now: datetime, page_size: int) -> Asking:
        """The request with its parameters as the service model reads them."""
        service, _ = self._by[asked.service, asked.operation]
        params = _parsed(asked, _operation(service.model, asked.operation))
        return Asking(asked.operation, params, caller, asked.region, now, iam, page_size)

    def resource(self, asked: Asked, asking: Asking) -> str:
        return self._by[asked.service, asked.operation][0].resource(asking)

    def answer(self, asked: Asked, asking: Asking, request_id: str) -> Answer:
        """Do it. Raises Refusal."""
        service, handler = self._by[asked.service, asked.operation]
        return _written(handler(asking), _operation(service.model, asked.operation), request_id)

    def use(
        self, path: str, form: dict[str, str], obeyed: Callable[[str], Account], now: datetime, accounts: Any
    ) -> None:
        """A credential is tried at a data plane. Raises Refusal."""
        name = path.removeprefix(USE)
        service = next((s for s in self.services if s.name == name), None)
        if service is None:
            raise Refusal("InvalidAction", f"no data plane of {name} here", 404)
        service.use(Used(form, obeyed, now, tuple(accounts)))

    def snapshot(self, account: str, iam: Any) -> dict[str, Any]:
        return {s.name: s.snapshot(account, iam) for s in self.services}

    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for s in self.services for secret in s.secrets())

    def clear(self) -> None:
        for service in self.services:
            service.clear()


def _operation(model: str, operation: str) -> Any:
    from moto.core.utils import get_service_model

    return get_service_model(model).operation_model(operation)


def _parsed(asked: Asked, operation: Any) -> dict[str, Any]:
    """By moto's parser of the operation's own protocol."""
    from moto.core.parse import PROTOCOL_PARSERS
    from werkzeug.datastructures import Headers, MultiDict

    protocol = str(operation.service_model.protocol)
    pairs = parse_qsl(urlsplit(asked.url).query, keep_blank_values=True)
    if protocol in ("query", "ec2"):
        pairs += parse_qsl(asked.body.decode(), keep_blank_values=True)
    request: Any = {
        "body": asked.body,
        "headers": Headers(list(asked.headers.items())),
        "method": asked.method,
        "url_params": asked.params,
        "url_path": urlsplit(asked.url).path,
        "values": MultiDict(pairs),
    }
    found: Mapping[str, Any] = PROTOCOL_PARSERS[protocol](operation).parse(request)
    return dict(found)


def _written(result: dict[str, Any], operation: Any, request_id: str) -> Answer:
    """By moto's serializer of the operation's own protocol."""
    from moto.core.serialize import SerializationContext, get_serializer_class

    service = operation.service_model
    kind = get_serializer_class(service.service_name, str(service.protocol))
    made = kind(operation, context=SerializationContext(request_id)).serialize(result)
    body = made["body"]
    headers = {**made["headers"], "x-amzn-RequestId": request_id}
    return Answer(
        int(made["status_code"]),
        tuple((str(k), str(v)) for k, v in headers.items()),
        body.encode() if isinstance(body, str) else bytes(body),
    )
