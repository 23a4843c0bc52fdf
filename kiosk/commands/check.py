"""``kiosk check PICTURE...``: what a photograph of a pass would get at a gate, one line a picture.

The same decoders, pass formats and decision as at the gate; no thermometer, so never ADMIT. Several codes in
a picture: the best one decides, all are listed. Lists and names come from ``--directory`` and ``--root``, or
from a gate's configuration; without either, nothing can be verified and every pass is referred.

Exit codes: 0 every picture gave a code, 1 some did not or could not be opened, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from drivers.picture_folder import PictureFolder, PictureProblem
from drivers.qr_decode import QrDecoder
from kiosk import directory, words
from kiosk.commands.arguments import add_language
from kiosk.commands.trust_folder import REMEDY, lists_and_roots, named_roots
from kiosk.config import Config, find, load
from kiosk.directory import Directory
from kiosk.errors import DirectoryMissing, TrustError, TrustExpired
from kiosk.hours import is_open
from kiosk.model import (
    CommunityId,
    Decision,
    Direction,
    Frame,
    GateId,
    Monotonic,
    PassCheck,
    Reason,
    TimeInterval,
    Verdict,
)
from kiosk.passage.decision import Circumstances, decide
from kiosk.passes import formats
from kiosk.passes.context import TOKEN_KEY_BYTES, PassContext
from kiosk.passes.keys import PublicKey
from kiosk.passes.status import StatusLists
from kiosk.passes.trust_list import EVERYWHERE
from kiosk.policy import EMERGENCY
from kiosk.timekeeping import given_time
from kiosk.validators import name

SHOWN: Final = 60
"""Characters of a text in a line for people; ``--json`` has all of it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("picture", nargs="+", type=Path, help="a picture, or a folder of pictures")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a gate's names, hours, roots and lists")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="signed lists to judge by")
    parser.add_argument(
        "--root", type=Path, action="append", default=[], metavar="KEY", help="public root key; repeatable"
    )
    parser.add_argument("--gate", type=name().argument, metavar="NAME", help="judge as this gate")
    parser.add_argument("--community", type=name().argument, metavar="NAME", help="and in this community")
    parser.add_argument("--at", metavar="TIME", help="judge at this time instead of now")
    add_language(parser, "of the lines for people")
    parser.add_argument("--json", action="store_true", help="one JSON object a picture instead of words")


def run(arguments: argparse.Namespace) -> int:
    """Judge every picture; one line each, as it is read."""
    config = load(find(arguments.config))
    gate = _gate(arguments, config)
    decoder = QrDecoder(config.camera.linear_symbologies)
    for missing in decoder.missing.values():
        _note(f"one of the two decoders is missing: {missing}")
    unread = 0
    for answer in _answers(PictureFolder(arguments.picture, fit=None), decoder, gate):
        if arguments.json:
            print(json.dumps(answer.plain()), flush=True)
        elif answer.problem is not None:
            _note(f"{answer.problem.code}: {answer.problem.message}")
        else:
            print(answer.line(arguments.language), flush=True)
        unread += answer.decision is None
    return 1 if unread else 0


def _note(sentence: str) -> None:
    print(f"kiosk: {_printable(sentence)}", file=sys.stderr, flush=True)


# -- the gate that is asked --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PictureGate:
    """A gate without devices: what its lists, time and place make of a text."""

    context: PassContext
    direction: Direction
    is_open: bool | None
    """None: not known."""
    lists_age_s: float | None

    def judge(self, text: str) -> tuple[PassCheck, Decision]:
        """The pass check and the verdict, which is never ADMIT: nobody was measured."""
        check = formats.check(text, self.context)
        decision = decide(
            Circumstances(
                policy=self.context.policy,
                direction=self.direction,
                check=check,
                screening=None,
                gate_open=self.is_open,
                trust=self.context.trust is not None,
                lists_age_s=self.lists_age_s,
            )
        )
        if decision.verdict is Verdict.ADMIT:
            decision = Decision(Verdict.REFER, (Reason.NO_READING, *decision.reasons))
        return check, decision

    def best(self, texts: Sequence[str]) -> Decision | None:
        """The verdict on the best of several codes; None when there is none."""
        judged = [self.judge(text) for text in texts]
        return min(judged, key=_rank)[1] if judged else None


def _rank(judged: tuple[PassCheck, Decision]) -> tuple[int, bool, bool]:
    """Lowest for the best. Among equal verdicts the valid pass speaks, not the shop's address beside it."""
    check, decision = judged
    return decision.verdict.severity, not check.valid, check.facts is None


def _gate(arguments: argparse.Namespace, config: Config) -> PictureGate:
    interval = given_time(arguments.at)
    lists = _lists(arguments, config, interval)
    policy = EMERGENCY if lists is None else lists.policy
    context = PassContext(
        trust=None if lists is None else lists.trust,
        status=StatusLists() if lists is None else lists.status,
        interval=interval,
        policy=policy,
        gate=GateId(arguments.gate or config.gate.id),
        community=_community(arguments, config, lists),
        token_key=secrets.token_bytes(TOKEN_KEY_BYTES),
    )
    age = None if lists is None else lists.age(interval)
    return PictureGate(
        context, config.gate.direction, is_open(config.gate.hours, interval, policy.time_zone), age
    )


def _lists(arguments: argparse.Namespace, config: Config, interval: TimeInterval) -> Directory | None:
    """Lists and keys that were named must be good; a gate's own may be missing or bad, as at the gate."""
    named = arguments.directory is not None
    roots = named_roots(arguments.root)
    try:
        if named:
            return directory.load(*lists_and_roots(arguments.directory, arguments.root), interval)
        roots = roots or [PublicKey.load(path) for path in config.directory.roots]
        return directory.load(config.directory.path, roots, interval)
    except TrustError as error:
        if named and not isinstance(error, TrustExpired):
            raise
        _note(f"no pass can be verified: {error}")
        if isinstance(error, DirectoryMissing):
            _note(f"name a folder of signed lists with --directory, bare ones with --root too; {REMEDY}")
        return None


def _community(arguments: argparse.Namespace, config: Config, lists: Directory | None) -> CommunityId:
    """Where the gate stands; with lists alone, the one community that they are for."""
    if arguments.community is not None:
        return CommunityId(arguments.community)
    if arguments.directory is not None and find(arguments.config) is None and lists is not None:
        served = {place for issuer in lists.trust.issuers for place in issuer.communities} - {EVERYWHERE}
        if len(served) == 1:
            return served.pop()
    return config.gate.community


# -- pictures and answers ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What one picture gave. ``decision`` is None when no code was read."""

    picture: str
    texts: tuple[str, ...] = ()
    decision: Decision | None = None
    problem: PictureProblem | None = None

    def plain(self) -> dict[str, Any]:
        """The JSON object of the command; keys are stable."""
        reasons = (Reason.NO_CODE,) if self.decision is None else self.decision.reasons
        plain: dict[str, Any] = {
            "picture": self.picture,
            "texts": list(self.texts),
            "verdict": None if self.decision is None else str(self.decision.verdict),
            "reasons": [str(reason) for reason in reasons],
        }
        if self.problem is not None:
            plain["error"] = {"code": self.problem.code, "message": self.problem.message}
        return plain

    def line(self, language: str) -> str:
        """One line for people."""
        if self.decision is None:
            return _printable(f"{self.picture}: {Reason.NO_CODE}: {words.reason(Reason.NO_CODE, language)}")
        verdict = f"{self.decision.verdict} ({words.verdict(self.decision.verdict, language)})"
        reasons = "; ".join(words.reason(reason, language) for reason in self.decision.reasons)
        texts = " ".join(f'"{_shortened(text)}"' for text in self.texts)
        return _printable(f"{self.picture}: {verdict}: {reasons} | {texts}")


def _answers(source: PictureFolder, decoder: QrDecoder, gate: PictureGate) -> Iterator[Answer]:
    """One answer a picture, those that could not be opened included, in the order they were named."""
    told = 0
    while True:
        frame = source.poll(Monotonic(0.0))
        for problem in source.problems[told:]:
            yield Answer(str(problem.path), problem=problem)
        told = len(source.problems)
        if frame is None:
            return
        yield _answer(frame, decoder, gate)


def _answer(frame: Frame, decoder: QrDecoder, gate: PictureGate) -> Answer:
    texts = tuple(read.text for read in decoder.decode_still(frame))
    return Answer(frame.label, texts, gate.best(texts))


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"


def _printable(line: str) -> str:
    """Codes and file names are strangers' text: no control character of theirs reaches a terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in line
    )
