"""Lambda."""

from __future__ import annotations

from typing import Any

from moto.awslambda.models import LambdaFunction

from orchestrator.sandbox.corrections.tools import Original, around


def functions_remember_their_dead_letters() -> None:
    """DeadLetterConfig is part of a function; moto drops it (permanent difference on `aws_lambda_function`)."""

    @around(LambdaFunction, "__init__")
    def init(original: Original, self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        self.dead_letter_config = spec.get("DeadLetterConfig")
        original(self, account_id, spec, *args, **kwargs)

    @around(LambdaFunction, "update_configuration")
    def update(original: Original, self: Any, config_updates: dict[str, Any]) -> Any:
        self.dead_letter_config = config_updates.get("DeadLetterConfig", self.dead_letter_config)
        return original(self, config_updates)

    @around(LambdaFunction, "get_configuration")
    def configuration(original: Original, self: Any, *args: Any, **kwargs: Any) -> Any:
        told = original(self, *args, **kwargs)
        return told | {"DeadLetterConfig": self.dead_letter_config} if self.dead_letter_config else told
