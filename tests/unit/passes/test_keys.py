"""Keys: two algorithms, one encoding each, secrets that only their owner can read."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import TrustError, UnsafePermissions
from kiosk.passes.keys import (
    Algorithm,
    PublicKey,
    SigningKey,
    keep_secret,
    key_id,
    read_secret,
    write_secret,
)

BOTH = pytest.mark.parametrize("algorithm", list(Algorithm))
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


@BOTH
def test_a_signature_holds_for_its_data_and_key_only(algorithm: Algorithm) -> None:
    key, other = SigningKey.generate(algorithm), SigningKey.generate(algorithm)
    signature = key.sign(b"data")
    assert len(signature) == 64
    assert key.public.verify(signature, b"data")
    assert not key.public.verify(signature, b"datb")
    assert not other.public.verify(signature, b"data")


@BOTH
def test_no_bit_of_a_signature_may_differ(algorithm: Algorithm) -> None:
    key = SigningKey.generate(algorithm)
    signature = key.sign(b"data")
    for bit in range(512):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not key.public.verify(bytes(changed), b"data")


def test_ecdsa_signs_low_and_refuses_the_high_twin() -> None:
    key = SigningKey.generate(Algorithm.ESP256)
    for _ in range(20):
        signature = key.sign(b"data")
        s = int.from_bytes(signature[32:], "big")
        assert s <= P256_ORDER // 2
        twin = signature[:32] + (P256_ORDER - s).to_bytes(32, "big")
        assert not key.public.verify(twin, b"data")


def test_ed25519_refuses_the_twin_above_the_group_order() -> None:
    key = SigningKey.generate()
    signature = key.sign(b"data")
    twin = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    assert not key.public.verify(signature[:32] + twin.to_bytes(32, "little"), b"data")


@BOTH
@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 128])
def test_signatures_of_other_lengths_are_refused(algorithm: Algorithm, length: int) -> None:
    assert not SigningKey.generate(algorithm).public.verify(b"\x01" * length, b"data")


@pytest.mark.parametrize("s", [0, P256_ORDER, P256_ORDER // 2 + 1])
def test_ecdsa_numbers_out_of_range_are_refused(s: int) -> None:
    key = SigningKey.generate(Algorithm.ESP256).public
    assert not key.verify((1).to_bytes(32, "big") + s.to_bytes(32, "big"), b"data")
    assert not key.verify(bytes(32) + (1).to_bytes(32, "big"), b"data")


@BOTH
def test_a_public_key_has_one_encoding(algorithm: Algorithm) -> None:
    public = SigningKey.generate(algorithm).public
    assert PublicKey.from_spki(public.spki) == public
    assert public.kid == key_id(public.spki)
    for wrong in (public.spki + b"\0", public.spki[:-1], b"\x30\x81" + public.spki[1:], b""):
        with pytest.raises(TrustError):
            PublicKey.from_spki(wrong)


def test_a_point_off_the_curve_is_refused() -> None:
    spki = bytearray(SigningKey.generate(Algorithm.ESP256).public.spki)
    spki[-1] ^= 1
    with pytest.raises(TrustError):
        PublicKey.from_spki(bytes(spki))


@given(st.binary(max_size=100))
def test_bytes_that_are_no_key_are_refused(data: bytes) -> None:
    with pytest.raises(TrustError):
        PublicKey.from_spki(data)


@BOTH
def test_a_saved_key_is_private_and_comes_back(algorithm: Algorithm, tmp_path: Path) -> None:
    key, file = SigningKey.generate(algorithm), tmp_path / "key.pem"
    key.save(file)
    assert file.stat().st_mode & 0o777 == 0o600
    again = SigningKey.load(file)
    assert again.public == key.public
    assert key.public.verify(again.sign(b"data"), b"data")


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    SigningKey.generate().save(file)
    before = file.read_bytes()
    with pytest.raises(FileExistsError):
        SigningKey.generate().save(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret"
    write_secret(file, b"secret")
    assert read_secret(file) == b"secret"
    file.chmod(mode)
    with pytest.raises(UnsafePermissions, match="chmod 600"):
        read_secret(file)
    with pytest.raises(UnsafePermissions):
        SigningKey.load(file)


def test_a_secret_is_kept_from_start_to_start(tmp_path: Path) -> None:
    file = tmp_path / "token.key"
    first = keep_secret(file, 32)
    assert (len(first.value), first.problem) == (32, "")
    assert file.stat().st_mode & 0o777 == 0o600
    assert keep_secret(file, 32) == first
    assert keep_secret(tmp_path / "another", 32).value != first.value


@pytest.mark.parametrize("left", [b"", b"short", bytes(33), bytes(4096)])
def test_a_damaged_secret_is_replaced_and_said(tmp_path: Path, left: bytes) -> None:
    file = tmp_path / "token.key"
    write_secret(file, left)
    made = keep_secret(file, 32)
    assert len(made.value) == 32
    assert made.value != left
    assert f"held {len(left)} bytes" in made.problem
    assert keep_secret(file, 32) == (made.value, "")


def test_a_secret_that_can_not_be_written_holds_for_this_run(folder_without_root: Path) -> None:
    shut = folder_without_root / "shut"
    shut.mkdir(0o500)
    first, second = (keep_secret(shut / "token.key", 32) for _ in range(2))
    assert len(first.value) == 32
    assert first.value != second.value
    assert "this run only" in first.problem


def test_a_secret_that_others_may_read_is_not_replaced_behind_their_backs(tmp_path: Path) -> None:
    file = tmp_path / "token.key"
    keep_secret(file, 32)
    file.chmod(0o644)
    with pytest.raises(UnsafePermissions):
        keep_secret(file, 32)


def test_a_secret_is_never_shown() -> None:
    key = SigningKey.generate()
    shown = repr(key) + repr(key.public)
    assert "Private" not in shown
    assert "_key" not in shown


@pytest.mark.parametrize(
    "content", [b"", b"no PEM", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_file_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key.pem"
    write_secret(file, content)
    with pytest.raises(TrustError, match="no private key"):
        SigningKey.load(file)
    with pytest.raises(TrustError, match="no public key"):
        PublicKey.load(file)
    with pytest.raises(TrustError, match="no public key"):
        PublicKey.load(tmp_path / "absent")


def test_keys_of_other_algorithms_are_refused(tmp_path: Path) -> None:
    others: list[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey] = [
        rsa.generate_private_key(65537, 1024),
        ec.generate_private_key(ec.SECP384R1()),
        x25519.X25519PrivateKey.generate(),
    ]
    for number, other in enumerate(others):
        private, public = tmp_path / f"{number}.pem", tmp_path / f"{number}.pub"
        write_secret(
            private,
            other.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
        public.write_bytes(
            other.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        with pytest.raises(TrustError):
            SigningKey.load(private)
        with pytest.raises(TrustError):
            PublicKey.load(public)


def test_a_public_key_file_comes_back(tmp_path: Path) -> None:
    for algorithm in Algorithm:
        public = SigningKey.generate(algorithm).public
        file = tmp_path / f"{algorithm}.pub"
        file.write_bytes(public.pem())
        assert PublicKey.load(file) == public
