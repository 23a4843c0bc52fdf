"""Every pass and every forgery of the scenarios gets exactly the answer that it was made for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kiosk.model import Reason, UnixTime
from kiosk.passes.keys import SigningKey
from kiosk.passes.status import Status
from kiosk.passes.trust import DemoTrust, init_demo
from kiosk.scenario import PassKind, Scenario, people
from kiosk.scenario_file import read
from kiosk.specimens import Specimens
from tests.street import memory_folder
from tests.unit.passes.kit import check, context, exactly, load

WANTED: Mapping[PassKind, set[Reason]] = {
    PassKind.VALID: {Reason.PASS_VALID},
    PassKind.EXPIRED: {Reason.EXPIRED},
    PassKind.NOT_YET_VALID: {Reason.NOT_YET_VALID},
    PassKind.REVOKED: {Reason.REVOKED},
    PassKind.SCREENSHOT: {Reason.EXPIRED},
    PassKind.FORGED_SIGNATURE: {Reason.BAD_SIGNATURE},
    PassKind.FORGED_CLAIMS: {Reason.BAD_SIGNATURE},
    PassKind.FORGED_KEY: {Reason.BAD_SIGNATURE},
    PassKind.FORGED_ISSUER: {Reason.KEY_UNKNOWN},
    PassKind.FORGED_KIND: {Reason.BAD_SIGNATURE},
    PassKind.FORGED_UNSIGNED: {Reason.BAD_COSE},
    PassKind.FORGED_HEADER: {Reason.BAD_COSE},
    # Where the cut falls among the groups of base45 depends on the pass's length.
    PassKind.FORGED_CUT: {Reason.BAD_BASE45, Reason.BAD_CBOR},
    PassKind.FORGED_SPACED: {Reason.BAD_BASE45, Reason.BAD_CBOR},
}
ISSUED = [kind for kind in PassKind if kind.issued]


def story(*kinds: PassKind, each: int = 1) -> Scenario:
    """One person of every kind, or several."""
    cast = "".join(
        f'[cast.{kind.replace("_", "-")}]\ntitle = "{kind}"\npass = "{kind}"\nhousehold = true\n'
        for kind in kinds
    )
    calls = "".join(
        f'[[arrivals]]\nat = {number}\nwho = "{kind.replace("_", "-")}"\n'
        for number in range(each)
        for kind in kinds
    )
    top = 'title = "specimens"\nseed = 7\nstarts = 2026-11-21T08:00:00+08:00\n'
    site = '[site]\nsite_normal = 34.0\nhealthy_sd = 0.3\nvariant = "xAA"\ndistance_cm = 5.0\n'
    return read(f"{top}{site}[[weather]]\n{cast}{calls}", "specimens")


def reasons(scenario: Scenario, folder: Path) -> dict[str, Reason]:
    """What a gate of the scenario says to everybody's text, by the person's id."""
    trust: DemoTrust = init_demo(folder, scenario.starts)
    maker = Specimens(trust.issuer, SigningKey.generate(), scenario.starts)
    texts = dict(maker.texts(people(scenario)))
    trust.publish(UnixTime(scenario.starts + 1), marked=dict.fromkeys(maker.revoked, Status.REVOKED))
    lists = load(trust, scenario.starts + 1)
    now = context(trust, status=lists.status, interval=exactly(scenario.starts + 60))
    return {person: check(text, now).reason for person, text in texts.items()}


def test_every_kind_that_is_issued_has_an_answer_here() -> None:
    assert set(WANTED) == set(ISSUED)


@pytest.mark.parametrize("kind", ISSUED)
def test_a_specimen_gets_the_answer_it_was_made_for(kind: PassKind) -> None:
    with memory_folder() as folder:
        got = reasons(story(kind, each=20), folder / "trust")
    assert len(got) == 20
    assert set(got.values()) <= WANTED[kind]


def test_nothing_that_was_made_to_deceive_is_valid() -> None:
    forged = [kind for kind in PassKind if kind.forged]
    with memory_folder() as folder:
        got = reasons(story(*forged, each=10), folder / "trust")
    assert len(got) == 10 * len(forged)
    assert Reason.PASS_VALID not in got.values()


def test_people_without_a_pass_of_their_own_get_none(tmp_path: Path) -> None:
    scenario = story(PassKind.NONE, PassKind.VALID)
    trust = init_demo(tmp_path / "trust", scenario.starts)
    maker = Specimens(trust.issuer, SigningKey.generate(), scenario.starts)
    assert set(dict(maker.texts(people(scenario)))) == {"valid.1"}
    [nobody] = [person for person in people(scenario) if person.kind.pass_kind is PassKind.NONE]
    with pytest.raises(KeyError):
        maker.text(nobody)
