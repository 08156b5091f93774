"""What every test shares: the engines, and a guard that keeps tests on this machine."""

import sys
from typing import Any

pytest_plugins = ("tests.dynamodb_local", "tests.engines")

_HERE = ("127.0.0.1", "::1", "localhost")


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in _HERE:
        raise PermissionError(f"A test tried to connect to {arguments[1][0]}.")


sys.addaudithook(_stay_on_this_machine)
