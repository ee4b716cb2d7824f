"""Envelopes: opened by the right key at the right place only, and put under another key without their contents."""

from scim_bridge.store.sealing import Envelope, Vault

OLD, NEW = b"o" * 32, b"n" * 32


def test_an_envelope_is_opened_where_it_was_sealed() -> None:
    vault = Vault(OLD)
    envelope = vault.seal(b"s3cret", "here")
    assert vault.opened(envelope, "here") == b"s3cret"
    assert b"s3cret" not in envelope.key + envelope.value
    assert vault.opened(envelope, "there") is None
    assert Vault(NEW).opened(envelope, "here") is None
    changed = bytes([envelope.value[0] ^ 1]) + envelope.value[1:]
    assert vault.opened(Envelope(envelope.key, changed), "here") is None
    assert vault.opened(Envelope(b"", b""), "here") is None


def test_each_has_a_data_key_of_its_own() -> None:
    vault = Vault(OLD)
    one, other = vault.seal(b"x", "here"), vault.seal(b"x", "here")
    assert vault.opened(Envelope(one.key, other.value), "here") is None


def test_another_key_takes_over_without_opening_values() -> None:
    envelope = Vault(OLD).seal(b"s3cret", "here")
    both = Vault(NEW, [OLD])
    assert both.opened(envelope, "here") == b"s3cret"
    assert not both.is_current(envelope, "here")
    renewed = both.renewed(envelope, "here")
    assert renewed is not None and renewed.value == envelope.value
    assert Vault(NEW).opened(renewed, "here") == b"s3cret"
    assert Vault(OLD).opened(renewed, "here") is None
    assert Vault(NEW).renewed(envelope, "here") is None
