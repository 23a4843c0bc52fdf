"""What every view of the running application can ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from flask import Flask, current_app

from web.community.devices import DeviceBook
from web.community.store import Store

_NAME: Final = "community"


@dataclass(frozen=True, slots=True)
class Community:
    """The parts that views work with."""

    store: Store
    book: DeviceBook
    zone: ZoneInfo
    """Of the times on the pages."""
    now: Callable[[], float]
    """Unix seconds."""

    def simulated(self) -> frozenset[str]:
        """Kiosks that said they are simulated, or were registered so; asks neither database nor disk."""
        return self.store.simulated | self.book.simulated()

    def attach(self, app: Flask) -> None:
        """Make this what the application's views work with."""
        app.extensions[_NAME] = self


def community(app: Flask | None = None) -> Community:
    """Of the given application, or of the one that answers the current request."""
    found = (app or current_app).extensions[_NAME]
    assert isinstance(found, Community)  # noqa: S101 - tells the type checker; attach() put it there
    return found
