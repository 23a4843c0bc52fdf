"""What the server is told every hour adds up to what happened."""

from __future__ import annotations

from kiosk.hourly import EVERY, Hourly
from kiosk.model import BusCounts, Monotonic, Screening


def test_every_result_is_counted_and_counting_begins_anew() -> None:
    hourly = Hourly(Monotonic(100.0), None)
    for result in (Screening.NORMAL, Screening.NORMAL, Screening.HIGH, None):
        hourly.count(result)
    assert not hourly.due(Monotonic(100.0 + EVERY - 1))
    assert hourly.due(Monotonic(100.0 + EVERY))
    body = hourly.take(Monotonic(3705.5))
    assert body == {
        "seconds": 3605.5,
        "screening": {str(one): {"NORMAL": 2, "HIGH": 1}.get(one, 0) for one in Screening},
        "bus": None,
    }
    assert not hourly.due(Monotonic(3706.0))
    again = hourly.take(Monotonic(3800.0))["screening"]
    assert isinstance(again, dict)
    assert set(again.values()) == {0}


def test_the_bus_is_counted_since_the_last_time() -> None:
    bus = BusCounts(transfers=50, pec_errors=1)
    hourly = Hourly(Monotonic(0.0), bus)
    bus.transfers, bus.pec_errors, bus.retries, bus.chip = 1050, 4, 3, "1F2E-77"
    first = hourly.take(Monotonic(3600.0))["bus"]
    assert first == {"transfers": 1000, "pec_errors": 3, "retries": 3, "failures": 0}
    bus.failures += 2
    assert hourly.take(Monotonic(7200.0))["bus"] == {
        "transfers": 0,
        "pec_errors": 0,
        "retries": 0,
        "failures": 2,
    }
