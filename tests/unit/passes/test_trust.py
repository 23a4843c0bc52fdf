"""The chain of trust: private files, final form, and that nobody signs what is another's to sign."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kiosk.errors import TrustError, UnsafePermissions, Usage
from kiosk.model import Category, CommunityId, IssuerId, Mode, Seconds, UnixTime
from kiosk.passes import cbor, cose
from kiosk.passes.cose import Kind
from kiosk.passes.keys import SigningKey
from kiosk.passes.manifest import Manifest
from kiosk.passes.signed_lists import digest, peek_manifest
from kiosk.passes.status import Status
from kiosk.passes.trust import (
    DemoTrust,
    init_demo,
    open_demo,
    read_manifest,
    read_policy,
    read_trust,
    sign_manifest,
    sign_policy,
    sign_trust,
)
from kiosk.passes.trust_list import TrustList
from kiosk.policy import DEFAULTS, EMERGENCY, ROUTINE
from tests.unit.passes import kit
from tests.unit.passes.kit import NOW

STRANGER = SigningKey.generate()


@pytest.fixture
def fresh(tmp_path: Path) -> DemoTrust:
    """A chain of trust that a test may change."""
    return init_demo(tmp_path / "trust", NOW)


# -- the folder ---------------------------------------------------------------------------------


def test_secrets_are_private_and_lists_are_not(fresh: DemoTrust) -> None:
    keys = fresh.folder / "keys"
    assert keys.stat().st_mode & 0o777 == 0o700
    secrets = {path.name: path.stat().st_mode & 0o777 for path in keys.iterdir()}
    assert secrets == dict.fromkeys(("root.pem", "directory.pem", "issuer.pem", "household.key"), 0o600)
    assert fresh.root_file.stat().st_mode & 0o777 == 0o644
    assert b"PRIVATE" not in fresh.root_file.read_bytes()


def test_no_secret_lies_among_the_lists(fresh: DemoTrust) -> None:
    secrets = [path.read_bytes() for path in (fresh.folder / "keys").iterdir()]
    lists = b"".join(path.read_bytes() for path in fresh.lists.rglob("*") if path.is_file())
    for secret in secrets:
        assert secret not in lists
    assert fresh.household_key not in lists
    assert fresh.household_key.hex() not in repr(fresh)


def test_two_set_ups_share_nothing(fresh: DemoTrust, tmp_path: Path) -> None:
    other = init_demo(tmp_path / "other", NOW)
    for one, two in ((fresh.root, other.root), (fresh.directory, other.directory)):
        assert one.public.spki != two.public.spki
    assert fresh.issuer.key.public.spki != other.issuer.key.public.spki
    assert fresh.household_key != other.household_key


def test_the_three_roles_have_three_keys(fresh: DemoTrust) -> None:
    keys = {key.public.spki for key in (fresh.root, fresh.directory, fresh.issuer.key)}
    assert len(keys) == 3


@pytest.mark.parametrize("content", ["keys", "anything"])
def test_keys_are_never_overwritten(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "trust"
    folder.mkdir()
    (folder / content).write_text("mine")
    with pytest.raises(Usage, match="never overwritten"):
        init_demo(folder, NOW)
    assert (folder / content).read_text() == "mine"
    assert [path.name for path in folder.iterdir()] == [content]


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "trust"
    file.write_text("mine")
    with pytest.raises(Usage):
        init_demo(file, NOW)
    assert file.read_text() == "mine"


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    init_demo(tmp_path, NOW)
    assert kit.load(open_demo(tmp_path)).mode is Mode.ROUTINE


def test_what_was_made_can_be_opened_again(fresh: DemoTrust) -> None:
    again = open_demo(fresh.folder)
    assert again.roots == fresh.roots
    assert again.household_key == fresh.household_key
    context = kit.context(fresh)
    assert kit.check(kit.issue_fresh(again), context).valid


def test_what_is_no_such_folder_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="trust init"):
        open_demo(tmp_path)


@pytest.mark.parametrize("name", ["root.pem", "directory.pem", "issuer.pem", "household.key"])
def test_a_secret_that_others_can_read_is_refused(fresh: DemoTrust, name: str) -> None:
    (fresh.folder / "keys" / name).chmod(0o640)
    with pytest.raises((UnsafePermissions, TrustError)) as caught:
        open_demo(fresh.folder)
    assert "chmod 600" in str(caught.value)


def test_a_recorded_index_is_never_used_again(tmp_path: Path) -> None:
    made = init_demo(tmp_path / "small", NOW, status_size=8)
    for _ in range(8):
        again = open_demo(made.folder)
        again.record(again.issuer.issue(Category.RESIDENT, now=NOW, life=Seconds(60)))
    lines = (made.folder / "issued.jsonl").read_text().splitlines()
    assert {json.loads(line)["status_index"] for line in lines} == set(range(8))
    with pytest.raises(TrustError, match="full"):
        open_demo(made.folder).issuer.issue(Category.RESIDENT, now=NOW, life=Seconds(60))


def test_names_and_sizes_can_be_chosen(tmp_path: Path) -> None:
    made = init_demo(
        tmp_path / "t", NOW, community=CommunityId("lane4"), issuer=IssuerId("office"), status_size=40_000
    )
    found = kit.load(made)
    assert found.trust.issuers[0].issuer == "office"
    assert found.trust.issuers[0].communities == ("lane4",)
    assert found.status.lookup(IssuerId("office"), 0, 39_999) is Status.VALID
    assert found.status.lookup(IssuerId("office"), 0, 40_000) is None


# -- publishing ---------------------------------------------------------------------------------


def test_a_new_manifest_revokes_holds_and_switches_the_mode(fresh: DemoTrust) -> None:
    issued = fresh.issuer.issue(Category.RESIDENT, now=NOW, life=Seconds(3600))
    first = kit.load(fresh).manifest
    index = issued.facts.status_index
    made = fresh.publish(NOW, mode=Mode.EMERGENCY, marked={index: Status.REVOKED})
    found = kit.load(fresh)
    assert found.manifest == made
    assert found.policy == EMERGENCY
    assert found.status.lookup(fresh.issuer.name, 0, index) is Status.REVOKED
    assert made.seq > first.seq
    fresh.publish(UnixTime(NOW + 60))
    assert kit.load(fresh).status.lookup(fresh.issuer.name, 0, index) is Status.VALID
    assert kit.load(fresh).mode is Mode.ROUTINE


def test_sequence_numbers_follow_the_clock(fresh: DemoTrust) -> None:
    assert fresh.publish(UnixTime(NOW + 1000)).seq == NOW + 1000
    assert fresh.publish(UnixTime(NOW)).seq == NOW + 1001


# -- final form: what is signed comes back, and nothing else is taken ---------------------------------


def trust_list(demo: DemoTrust) -> TrustList:
    return kit.load(demo).trust


def manifest(demo: DemoTrust) -> Manifest:
    return kit.load(demo).manifest


def test_a_trust_list_comes_back(demo: DemoTrust) -> None:
    trust = trust_list(demo)
    again = read_trust(sign_trust(trust, demo.root), demo.roots)
    assert replace(again, digest=trust.digest) == trust


def test_a_manifest_comes_back(demo: DemoTrust) -> None:
    made = manifest(demo)
    assert read_manifest(sign_manifest(made, demo.directory), trust_list(demo)) == made


def test_either_root_may_sign(demo: DemoTrust) -> None:
    second = SigningKey.generate()
    signed = sign_trust(trust_list(demo), second)
    assert read_trust(signed, (*demo.roots, second.public)).seq == trust_list(demo).seq
    with pytest.raises(TrustError, match="not signed by a key"):
        read_trust(signed, demo.roots)
    with pytest.raises(TrustError, match="not signed by a key"):
        read_trust(signed, ())


def test_roles_cannot_sign_for_each_other(demo: DemoTrust) -> None:
    trust = trust_list(demo)
    for wrong in (demo.directory, demo.issuer.key, STRANGER):
        with pytest.raises(TrustError):
            read_trust(sign_trust(trust, wrong), demo.roots)
        with pytest.raises(TrustError):
            read_policy(sign_policy(ROUTINE, wrong), Mode.ROUTINE, trust, demo.roots)
    for wrong in (demo.root, demo.issuer.key, STRANGER):
        with pytest.raises(TrustError):
            read_manifest(sign_manifest(manifest(demo), wrong), trust)


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_is_refused_as_every_other(demo: DemoTrust, kind: Kind) -> None:
    """The same bytes by the right key, signed as something else."""
    trust, made = trust_list(demo), manifest(demo)
    signed = cose.sign(cbor.encode(trust.to_map()), demo.root, kind)
    assert taken(lambda: read_trust(signed, demo.roots)) is (kind is Kind.TRUST)
    signed_manifest = cose.sign(cbor.encode(made.to_map()), demo.directory, kind)
    assert taken(lambda: read_manifest(signed_manifest, trust)) is (kind is Kind.MANIFEST)
    signed_policy = cose.sign(cbor.encode(ROUTINE.to_map()), demo.root, kind)
    naming = replace(trust, policies={mode: (digest(signed_policy),) for mode in Mode})
    assert taken(lambda: read_policy(signed_policy, Mode.ROUTINE, naming, demo.roots)) is (
        kind is Kind.POLICY
    )


def taken(read: Callable[[], object]) -> bool:
    try:
        read()
    except TrustError:
        return False
    return True


def test_the_directory_cannot_bring_back_a_policy_the_root_has_dropped(demo: DemoTrust) -> None:
    trust = trust_list(demo)
    old = sign_policy(replace(ROUTINE, companions=20), demo.root)
    with pytest.raises(TrustError, match="does not name"):
        read_policy(old, Mode.ROUTINE, trust, demo.roots)


def test_one_mode_cannot_stand_for_the_other(demo: DemoTrust) -> None:
    signed = sign_policy(ROUTINE, demo.root)
    trust = replace(trust_list(demo), policies={mode: (digest(signed),) for mode in Mode})
    assert read_policy(signed, Mode.ROUTINE, trust, demo.roots) == ROUTINE
    with pytest.raises(TrustError, match="stands where"):
        read_policy(signed, Mode.EMERGENCY, trust, demo.roots)


def test_a_manifest_belongs_to_one_trust_list(demo: DemoTrust) -> None:
    other = sign_manifest(replace(manifest(demo), trust_seq=1), demo.directory)
    with pytest.raises(TrustError, match="made for trust list 1"):
        read_manifest(other, trust_list(demo))


def test_peeking_verifies_nothing_but_the_shape(demo: DemoTrust) -> None:
    made = manifest(demo)
    assert peek_manifest(sign_manifest(made, STRANGER)) == made
    with pytest.raises(TrustError):
        peek_manifest(b"no manifest")


def issuer_map(**changed: Any) -> Callable[[dict[str, Any]], None]:
    return lambda plain: plain["issuers"][0].update(changed)


def drop(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda plain: plain.pop(name)


def put(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda plain: plain.update({name: value})


TRUST_CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "another version": put("v", 2),
    "no version": drop("v"),
    "an unknown field": put("more", 1),
    "no expiry": drop("exp"),
    "expiry a text": put("exp", "never"),
    "seq negative": put("seq", -1),
    "seq true": put("seq", True),
    "issuers a map": put("issuers", {}),
    "an issuer without a name": issuer_map(id=""),
    "an issuer with a slash": issuer_map(id="../x"),
    "an issuer with a field more": issuer_map(more=1),
    "an unknown category": issuer_map(categories=["king"]),
    "a category as a number": issuer_map(categories=[0]),
    "a community in capitals": issuer_map(communities=["Demo"]),
    "revoked as a number": issuer_map(revoked=0),
    "a max life below nothing": issuer_map(max_life=-1),
    "a key that is none": issuer_map(spki=b"key"),
    "a key of another algorithm": issuer_map(alg=-9),
    "an empty key id": issuer_map(kid=b""),
    "formats a text": issuer_map(formats="native"),
    "no directory": drop("directory"),
    "a directory key that is none": put("directory", [{"kid": b"1", "alg": -19, "spki": b""}]),
    "only one policy": put("policies", {"routine": []}),
    "a third policy": put("policies", {"routine": [], "emergency": [], "lax": []}),
    "a hash too short": put("policies", {"routine": [b"short"], "emergency": []}),
}
MANIFEST_CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "another version": put("v", 0),
    "an unknown field": put("more", 1),
    "no iat": drop("iat"),
    "an unknown mode": put("mode", "lax"),
    "files a list": put("files", []),
    "a file of another form": put("files", {"../../etc/passwd": [bytes(32), 1]}),
    "an absolute name": put("files", {"/etc/passwd": [bytes(32), 1]}),
    "a file without a size": put("files", {"trust": [bytes(32)]}),
    "a size that is true": put("files", {"trust": [bytes(32), True]}),
    "a hash too short": put("files", {"trust": [bytes(31), 1]}),
    "a size below nothing": put("files", {"trust": [bytes(32), -1]}),
    "a size beyond all bounds": put("files", {"trust": [bytes(32), 1 << 40]}),
    "more files than any gate needs": put("files", {f"a/{n}": [bytes(32), 1] for n in range(20_001)}),
    "a number as a name": put("files", {1: [bytes(32), 1]}),
}


@pytest.mark.parametrize("change", TRUST_CHANGES.values(), ids=TRUST_CHANGES.keys())
def test_a_trust_list_of_another_shape_is_refused_though_signed(
    demo: DemoTrust, change: Callable[[dict[str, Any]], None]
) -> None:
    plain = trust_list(demo).to_map()
    change(plain)
    with pytest.raises(TrustError):
        read_trust(cose.sign(cbor.encode(plain), demo.root, Kind.TRUST), demo.roots)


@pytest.mark.parametrize("change", MANIFEST_CHANGES.values(), ids=MANIFEST_CHANGES.keys())
def test_a_manifest_of_another_shape_is_refused_though_signed(
    demo: DemoTrust, change: Callable[[dict[str, Any]], None]
) -> None:
    plain = manifest(demo).to_map()
    change(plain)
    with pytest.raises(TrustError):
        read_manifest(cose.sign(cbor.encode(plain), demo.directory, Kind.MANIFEST), trust_list(demo))


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x80", b"\x01", b"\xf9\x7e\x00"])
def test_a_signed_payload_that_is_no_map_is_refused(demo: DemoTrust, payload: bytes) -> None:
    with pytest.raises(TrustError):
        read_trust(cose.sign(payload, demo.root, Kind.TRUST), demo.roots)


def test_both_policies_are_in_their_final_form(demo: DemoTrust) -> None:
    assert kit.load(demo).policies == DEFAULTS
