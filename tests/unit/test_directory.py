"""The directory on disk: verified by the gate, kept when the next one is bad, old without being gone."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk import directory
from kiosk.directory import Directory, DirectoryWatch
from kiosk.errors import DirectoryMissing, TrustError, TrustExpired
from kiosk.model import IssuerId, Mode, Monotonic, Reason, Seconds, UnixTime
from kiosk.passes import cbor
from kiosk.passes import manifest as manifests
from kiosk.passes.keys import SigningKey
from kiosk.passes.manifest import Blob, Manifest
from kiosk.passes.signed_lists import digest, peek_manifest, peek_trust, sign_manifest, sign_trust
from kiosk.passes.status import CHUNK_BYTES, PASSES_A_CHUNK, Status
from kiosk.passes.trust import TRUST_LIFE, DemoTrust, init_demo
from kiosk.policy import EMERGENCY, ROUTINE
from tests.unit.passes import kit
from tests.unit.passes.kit import DAY, NOW, exactly, uncertain


@pytest.fixture
def demo(tmp_path: Path) -> DemoTrust:
    return init_demo(tmp_path / "trust", NOW)


def load(demo: DemoTrust, at: float = NOW) -> Directory:
    return directory.load(demo.lists, demo.roots, exactly(at))


def sign_again(demo: DemoTrust, change: Callable[[Manifest], Manifest]) -> None:
    """A manifest by the genuine directory key with something changed."""
    old = peek_manifest((demo.lists / "manifest").read_bytes())
    (demo.lists / "manifest").write_bytes(sign_manifest(change(old), demo.directory))


def put_blob(demo: DemoTrust, data: bytes) -> Blob:
    blob = Blob(digest(data), len(data))
    (demo.lists / "blobs" / blob.file_name).write_bytes(data)
    return blob


def blob_file(demo: DemoTrust, name: str) -> Path:
    blob = peek_manifest((demo.lists / "manifest").read_bytes()).blob(name)
    return demo.lists / "blobs" / blob.file_name


# -- loading ------------------------------------------------------------------------------------


def test_everything_is_there_and_verified(demo: DemoTrust) -> None:
    found = load(demo)
    assert found.mode is Mode.ROUTINE
    assert found.policy == ROUTINE
    assert found.policies[Mode.EMERGENCY] == EMERGENCY
    assert found.manifest_iat == NOW
    assert found.trust.candidates(demo.issuer.key.public.kid, "native")
    assert found.status.lookup(IssuerId("demo"), 0, PASSES_A_CHUNK - 1) is Status.VALID
    assert found.status.lookup(IssuerId("demo"), 0, PASSES_A_CHUNK) is None


def test_the_journal_notes_plain_values(demo: DemoTrust) -> None:
    summary = load(demo).summary()
    assert summary["mode"] == "routine"
    assert all(type(value) in (str, int) for value in summary.values())


@pytest.mark.parametrize("size", [1, 4, PASSES_A_CHUNK, PASSES_A_CHUNK + 1, 100_000])
def test_status_lists_of_any_size(tmp_path: Path, size: int) -> None:
    made = init_demo(tmp_path / "sized", NOW, status_size=size)
    made.publish(NOW, marked={size - 1: Status.REVOKED})
    status = load(made).status
    assert status.lookup(IssuerId("demo"), 0, size - 1) is Status.REVOKED
    assert status.lookup(IssuerId("demo"), 0, -(-size // 4) * 4) is None


def test_no_lists_yet(demo: DemoTrust, tmp_path: Path) -> None:
    for absent in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DirectoryMissing):
            directory.load(absent, demo.roots, exactly(NOW))


def test_an_unknown_root_signed_nothing(demo: DemoTrust) -> None:
    with pytest.raises(TrustError, match="not signed by a key"):
        directory.load(demo.lists, [SigningKey.generate().public], exactly(NOW))
    with pytest.raises(TrustError):
        directory.load(demo.lists, [], exactly(NOW))


def test_a_manifest_by_anybody_else_is_refused(demo: DemoTrust) -> None:
    old = peek_manifest((demo.lists / "manifest").read_bytes())
    for thief in (SigningKey.generate(), demo.root, demo.issuer.key):
        (demo.lists / "manifest").write_bytes(sign_manifest(old, thief))
        with pytest.raises(TrustError, match="not signed by a key"):
            load(demo)


def test_no_bit_of_any_file_may_differ(demo: DemoTrust) -> None:
    files = [path for path in demo.lists.rglob("*") if path.is_file()]
    assert len(files) == 5
    for file in files:
        good = file.read_bytes()
        for at in range(0, len(good), max(1, len(good) // 40)):
            file.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            with pytest.raises(TrustError):
                load(demo)
        file.write_bytes(good)
    load(demo)


NAMES = ["trust", "policy/routine", "policy/emergency", "status/demo/0/0"]


@pytest.mark.parametrize("name", NAMES)
def test_a_blob_that_is_missing_cut_or_longer_is_refused(demo: DemoTrust, name: str) -> None:
    file = blob_file(demo, name)
    good = file.read_bytes()
    for wrong in (good[:-1], good + b"\0", b""):
        file.write_bytes(wrong)
        with pytest.raises(TrustError):
            load(demo)
    file.unlink()
    with pytest.raises(TrustError) as caught:
        load(demo)
    assert not isinstance(caught.value, DirectoryMissing)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("off", [-1, 1])
def test_a_size_that_the_file_has_not_is_refused(demo: DemoTrust, name: str, off: int) -> None:
    """Even with the right hash: the size is what bounds the reading."""

    def lie(old: Manifest) -> Manifest:
        blob = old.files[name]
        return replace(old, files=dict(old.files) | {name: replace(blob, size=blob.size + off)})

    sign_again(demo, lie)
    with pytest.raises(TrustError):
        load(demo)


@pytest.mark.parametrize("name", ["trust", "policy/routine", "policy/emergency"])
def test_a_manifest_must_name_what_a_gate_needs(demo: DemoTrust, name: str) -> None:
    sign_again(demo, lambda old: replace(old, files={k: v for k, v in old.files.items() if k != name}))
    with pytest.raises(TrustError, match=name):
        load(demo)


def test_without_a_status_list_passes_are_unknown_not_valid(demo: DemoTrust) -> None:
    sign_again(
        demo, lambda old: replace(old, files={k: v for k, v in old.files.items() if k[:6] != "status"})
    )
    context = kit.context(demo)
    assert kit.check(kit.issue(demo), context).reason is Reason.STATUS_UNKNOWN


def test_files_for_later_versions_are_left_alone(demo: DemoTrust) -> None:
    blob = put_blob(demo, b"something")
    sign_again(demo, lambda old: replace(old, files=dict(old.files) | {"roster/0": blob}))
    assert load(demo).mode is Mode.ROUTINE


@pytest.mark.parametrize("numbers", [(0, 2), (1,), (1, 2)])
def test_a_gap_in_a_status_list_is_refused(demo: DemoTrust, numbers: tuple[int, ...]) -> None:
    whole = put_blob(demo, bytes(CHUNK_BYTES))
    chunks = {manifests.status_name(IssuerId("other"), 0, number): whole for number in numbers}
    sign_again(demo, lambda old: replace(old, files=dict(old.files) | chunks))
    with pytest.raises(TrustError, match="do not fit together"):
        load(demo)


@pytest.mark.parametrize("sizes", [(8, CHUNK_BYTES), (CHUNK_BYTES - 1, 8), (CHUNK_BYTES, CHUNK_BYTES + 1)])
def test_a_chunk_of_the_wrong_size_would_shift_every_pass_behind_it(
    demo: DemoTrust, sizes: tuple[int, int]
) -> None:
    chunks = {
        manifests.status_name(IssuerId("other"), 0, number): put_blob(demo, bytes(size))
        for number, size in enumerate(sizes)
    }
    sign_again(demo, lambda old: replace(old, files=dict(old.files) | chunks))
    with pytest.raises(TrustError, match="do not fit together"):
        load(demo)


def test_a_policy_the_trust_list_does_not_name_is_refused(demo: DemoTrust) -> None:
    """Root-signed, but for the other mode: the directory may choose between policies, not swap them."""
    sign_again(
        demo,
        lambda old: replace(old, files=dict(old.files) | {"policy/emergency": old.files["policy/routine"]}),
    )
    with pytest.raises(TrustError, match="does not name"):
        load(demo)


def test_a_manifest_for_another_trust_list_is_refused(demo: DemoTrust) -> None:
    sign_again(demo, lambda old: replace(old, trust_seq=old.trust_seq - 1))
    with pytest.raises(TrustError, match="made for trust list"):
        load(demo)


# -- what a courier might put there --------------------------------------------------------------


@pytest.mark.parametrize("name", ["manifest", *NAMES])
def test_a_pipe_does_not_hang_the_gate(demo: DemoTrust, name: str) -> None:
    file = demo.lists / "manifest" if name == "manifest" else blob_file(demo, name)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(TrustError, match="not a file"):
        load(demo)


def test_a_link_out_of_the_folder_is_not_followed(demo: DemoTrust, tmp_path: Path) -> None:
    file = demo.lists / "manifest"
    shutil.move(file, tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TrustError):
        load(demo)


def test_a_folder_in_place_of_a_file(demo: DemoTrust) -> None:
    (demo.lists / "manifest").unlink()
    (demo.lists / "manifest").mkdir()
    with pytest.raises(TrustError):
        load(demo)


def test_a_manifest_beyond_all_bounds_is_not_read_whole(demo: DemoTrust) -> None:
    with (demo.lists / "manifest").open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(TrustError, match="larger than"):
        load(demo)


def calls_to_refuse(demo: DemoTrust) -> int:
    """How many of Python's function calls the gate spends on what lies there: time, but the same anywhere."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        with pytest.raises(TrustError):
            load(demo)
    finally:
        sys.setprofile(None)
    return count


def many_files(old: Manifest) -> dict[str, list[object]]:
    """As many as a manifest may have, in the form of a genuine one."""
    files: dict[str, list[object]] = {name: [blob.digest, blob.size] for name, blob in old.files.items()}
    return files | {manifests.status_name(IssuerId("other"), 0, n): [bytes(32), 8192] for n in range(4000)}


@pytest.mark.parametrize("form", ["unsigned", "an array", "a header", "numbers", "deep", "without trust"])
def test_what_an_untrusted_courier_brings_costs_next_to_nothing_however_large(
    demo: DemoTrust, form: str
) -> None:
    file = demo.lists / "manifest"
    old = peek_manifest(file.read_bytes())
    numbers = cbor.encode(list(range(60_000)))
    header = cbor.encode({1: -19, 4: demo.directory.public.kid})
    payload = {
        "unsigned": cbor.encode(old.to_map() | {"files": many_files(old)}),
        "numbers": numbers,
        "deep": cbor.encode({"a": [[[[list(range(60_000))]]]]}),
        "without trust": cbor.encode({"files": {f"aaaa/{n}": [bytes(32), 1] for n in range(4000)}}),
    }.get(form, b"")
    parts = {"an array": [header, {}, numbers, [0] * 60_000], "a header": [numbers, {}, b"", bytes(64)]}
    file.write_bytes(kit.assemble(parts.get(form, [header, {}, payload, bytes(64)])))
    assert 150_000 < file.stat().st_size < manifests.MOST_SIGNED_BYTES
    assert calls_to_refuse(demo) < 5000


def test_a_manifest_that_no_gate_would_take_is_not_signed(demo: DemoTrust) -> None:
    blob = Blob(bytes(32), CHUNK_BYTES)

    def with_files(count: int) -> Callable[[Manifest], Manifest]:
        names = [manifests.status_name(IssuerId("i" * 32), 10_000, n) for n in range(10_000, 10_000 + count)]
        return lambda old: replace(old, files={**old.files, **dict.fromkeys(names, blob)})

    sign_again(demo, with_files(12_000_000 // PASSES_A_CHUNK * 7))
    with pytest.raises(TrustError, match="no gate takes more"):
        sign_again(demo, with_files(3000))


def test_a_trust_list_beyond_all_bounds_is_not_read(demo: DemoTrust) -> None:
    blob = put_blob(demo, bytes(directory.MOST_TRUST_BYTES + 1))
    sign_again(demo, lambda old: replace(old, files=dict(old.files) | {"trust": blob}))
    with pytest.raises(TrustError, match="a trust list larger than"):
        load(demo)


# -- old is not wrong ----------------------------------------------------------------------------


def test_lists_grow_old_and_stay_usable(demo: DemoTrust) -> None:
    late = NOW + 60 * DAY
    found = load(demo, late)
    assert late > found.manifest.expires
    assert found.age(exactly(late)) == Seconds(60 * DAY)
    assert found.age(exactly(late)) > found.policy.lists_max_age_s


def test_the_policys_limit_and_the_manifests_expiry_agree_by_default(demo: DemoTrust) -> None:
    """So an expired manifest is too old under either policy."""
    found = load(demo)
    expiry = exactly(found.manifest.expires + 1)
    assert all(found.age(expiry) > policy.lists_max_age_s for policy in found.policies.values())


def test_age_with_untrusted_time_is_what_is_sure(demo: DemoTrust) -> None:
    found = load(demo)
    assert found.age(uncertain(NOW + 100, NOW + 30 * DAY)) == Seconds(100)
    assert found.age(uncertain(NOW - 100, NOW + 30 * DAY)) == Seconds(0)


def test_an_expired_trust_list_ends_everything(demo: DemoTrust) -> None:
    found = load(demo)
    over = NOW + TRUST_LIFE + 61
    assert not found.trust_expired(exactly(over - 2))
    assert found.trust_expired(exactly(over))
    assert kit.check(kit.issue(demo), kit.context(demo, interval=exactly(over))).reason is Reason.NO_TRUST
    with pytest.raises(TrustExpired):
        load(demo, over)


def test_a_trust_list_that_may_have_expired_is_still_taken(demo: DemoTrust) -> None:
    over = NOW + TRUST_LIFE
    found = directory.load(demo.lists, demo.roots, uncertain(over - DAY, over + DAY))
    assert not found.trust_expired(uncertain(over - DAY, over + DAY))
    late = kit.issue(demo, expires=UnixTime(over + 10))
    interval = uncertain(over - DAY, over - 60)
    assert kit.check(late, kit.context(demo, interval=interval)).reason is not Reason.NO_TRUST


# -- watching ------------------------------------------------------------------------------------


def poll(watch: DirectoryWatch, at: float) -> Directory | None:
    return watch.poll(Monotonic(at), exactly(NOW))


def test_a_change_is_told_once(demo: DemoTrust) -> None:
    watch = DirectoryWatch(demo.lists, demo.roots)
    first = poll(watch, 0)
    assert first is not None
    assert watch.directory is first
    assert poll(watch, 1) is None
    demo.publish(UnixTime(NOW + 1), mode=Mode.EMERGENCY)
    second = poll(watch, 2)
    assert second is not None
    assert (second.mode, watch.directory) == (Mode.EMERGENCY, second)
    assert poll(watch, 3) is None


def test_the_disk_is_looked_at_once_a_second(demo: DemoTrust) -> None:
    watch = DirectoryWatch(demo.lists, demo.roots)
    poll(watch, 10.0)
    demo.publish(UnixTime(NOW + 1), mode=Mode.EMERGENCY)
    assert [poll(watch, at) for at in (10.1, 10.5, 10.9)] == [None] * 3
    assert poll(watch, 11.0) is not None


def test_a_bad_directory_leaves_the_old_one_in_force_and_is_reported(demo: DemoTrust) -> None:
    watch = DirectoryWatch(demo.lists, demo.roots)
    good = poll(watch, 0)
    file = demo.lists / "manifest"
    genuine = file.read_bytes()
    file.write_bytes(genuine[:-1])
    assert poll(watch, 1) is None
    assert watch.directory is good
    assert watch.error is not None
    assert watch.error.code == "TRUST"
    file.write_bytes(genuine)
    assert poll(watch, 2) is not None
    assert watch.error is None


def test_the_same_bad_bytes_are_looked_at_once_a_minute_however_often_they_are_touched(
    demo: DemoTrust, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, file = DirectoryWatch(demo.lists, demo.roots), demo.lists / "manifest"
    genuine = file.read_bytes()
    good = poll(watch, 0)
    looked: list[bytes] = []

    def look(data: bytes) -> Blob:
        looked.append(data)
        return peek_trust(data)

    monkeypatch.setattr(directory, "peek_trust", look)
    for second in range(1, 122):
        file.write_bytes(genuine[:-1])
        os.utime(file, ns=(second, second))
        assert poll(watch, second) is None
        assert watch.error is not None
    assert len(looked) == 3
    assert watch.directory is good
    file.write_bytes(genuine[:-2])
    poll(watch, 122)
    assert len(looked) == 4, "other bytes are looked at at once"
    file.write_bytes(genuine)
    assert poll(watch, 123) is not None
    assert watch.error is None


def test_a_trust_list_in_force_is_not_read_again_with_every_manifest(
    demo: DemoTrust, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = DirectoryWatch(demo.lists, demo.roots)
    first = poll(watch, 0)
    monkeypatch.setattr(directory, "read_trust", lambda *_: pytest.fail("it is known already"))
    demo.publish(UnixTime(NOW + 60))
    second = poll(watch, 1)
    assert first is not None
    assert second is not None
    assert second.trust is first.trust
    assert second.manifest.seq > first.manifest.seq


def test_a_known_trust_list_vouches_for_no_other_directorys_manifest(demo: DemoTrust) -> None:
    watch, file = DirectoryWatch(demo.lists, demo.roots), demo.lists / "manifest"
    first = poll(watch, 0)
    file.write_bytes(sign_manifest(peek_manifest(file.read_bytes()), SigningKey.generate()))
    assert poll(watch, 1) is None
    assert watch.directory is first
    assert watch.error is not None


def test_lists_that_vanish_leave_the_old_ones_in_force(demo: DemoTrust) -> None:
    watch = DirectoryWatch(demo.lists, demo.roots)
    good = poll(watch, 0)
    (demo.lists / "manifest").unlink()
    assert poll(watch, 1) is None
    assert watch.directory is good
    assert isinstance(watch.error, DirectoryMissing)


def test_a_gate_without_lists_gets_them_when_they_come(demo: DemoTrust, tmp_path: Path) -> None:
    lists = tmp_path / "later"
    watch = DirectoryWatch(lists, demo.roots)
    assert poll(watch, 0) is None
    assert isinstance(watch.error, DirectoryMissing)
    shutil.copytree(demo.lists, lists)
    assert poll(watch, 1) is not None


def test_a_blob_that_comes_late_mends_the_directory_by_itself(demo: DemoTrust) -> None:
    file = blob_file(demo, "status/demo/0/0")
    content = file.read_bytes()
    file.unlink()
    watch = DirectoryWatch(demo.lists, demo.roots)
    assert poll(watch, 0) is None
    assert watch.error is not None
    file.write_bytes(content)
    assert poll(watch, 30) is None
    assert poll(watch, 60) is not None
    assert watch.error is None


def test_an_expired_trust_list_does_not_replace_a_living_one(demo: DemoTrust) -> None:
    watch = DirectoryWatch(demo.lists, demo.roots)
    good = poll(watch, 0)
    assert good is not None
    dead = replace(good.trust, expires=UnixTime(NOW - DAY))
    blob = put_blob(demo, sign_trust(dead, demo.root))
    sign_again(demo, lambda old: replace(old, files=dict(old.files) | {"trust": blob}))
    assert poll(watch, 1) is None
    assert watch.directory is good
    assert isinstance(watch.error, TrustExpired)
