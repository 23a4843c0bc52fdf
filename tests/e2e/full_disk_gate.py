"""A gate on a disk of a few megabytes that fills up, for test_faults: ``python -m ... FOLDER``.

Started in a mount namespace of its own, so that nothing is left behind however it ends. Prints what happened.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from kiosk.commands.recheck import Total, findings
from kiosk.model import EventKind
from kiosk.passage.journal import JournalReader
from tests.street import Street
from tests.unit.passage.faulty_disk import fill

SIZE = 8 << 20
PEOPLE = 20
MOST_EVENTS = 1000
"""More than a reserve of 1 MB holds."""


def main(folder: Path) -> None:
    """Mount a small disk at ``folder``, fill it while people pass, free it again."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "kiosk-test", str(folder)], check=True)
    with Street(folder) as street:
        street.run(2.0)
        seen: dict[str, Any] = {"before": look(street)}
        hog = fill(folder)
        seen["reserve in use"] = look(street)
        seen["people on the reserve"] = people_until_it_is_used_up(street)
        seen["reserve used up"] = look(street)
        green = street.green_seconds()
        for _ in range(5):
            street.pass_by(street.issue().text)
        seen["green without a record"] = street.green_seconds() - green
        hog.unlink()
        street.run(15.0)
        seen["afterwards"] = look(street)
        answered = len(street.answers)
        path = street.config.journal.path
    seen |= after(path) | {"answered": answered}
    sys.stdout.write(json.dumps(seen))


def people_until_it_is_used_up(street: Street) -> int:
    """Some people, then whatever else a gate writes, which takes less time to play."""
    for _ in range(PEOPLE):
        street.pass_by(street.issue().text, stays=1.5)
    admitted = sum(passage.receipt is not None for passage in street.answers)
    for number in range(MOST_EVENTS):
        if "journal" in street.faults():
            break
        body = {"number": number, "filler": "x" * 4000}
        street.gate.surroundings.journal.write_or_hold(EventKind.COUNTED, body, street.clock.monotonic())
        street.run(0.05)
    return admitted


def look(street: Street) -> dict[str, Any]:
    """One person passes: what they get, and what the gate says of itself."""
    passage = street.pass_by(street.issue().text)
    assert passage is not None
    street.run(4.0)
    return {
        "verdict": passage.decision.verdict,
        "reason": passage.decision.reasons[0],
        "light": street.light_now(),
        "faults": street.faults(),
    }


def after(path: Path) -> dict[str, Any]:
    """What stands in the journal in the end."""
    reader = JournalReader(path)
    bodies = [event.content() or {} for event in reader.walk() if event.kind == EventKind.PASSAGE]
    total = Total()
    return {
        "verifies": reader.verify().ok,
        "differences": len(list(findings(reader, total))),
        "recorded": len(bodies),
        "late": sum("late" in body for body in bodies),
        "late admits": sum("late" in body and body["verdict"] == "ADMIT" for body in bodies),
        "told": [
            [event.kind, (event.content() or {})["part"], (event.content() or {})["code"]]
            for event in reader.walk()
            if event.kind in (EventKind.FAULT, EventKind.RECOVERED)
        ],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
