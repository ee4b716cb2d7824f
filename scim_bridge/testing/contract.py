"""The contract of a provider: test methods that read its declaration and try all of it on its sandbox.

Nothing declared goes untried: a rule that no query made use of, an attribute that no value could be written to, is a
failure like a wrong answer. What a provider does not declare (writes, relations) is not asked for.
"""

from scim_bridge.settings import is_secret, settings_of
from scim_bridge.testing.broken import BrokenWritesContract
from scim_bridge.testing.reading import ReadingContract
from scim_bridge.testing.writing import WritingContract


class ProviderContract(ReadingContract, WritingContract, BrokenWritesContract):
    """Subclass it as ``class TestAcme(ProviderContract)`` with the provider and how its sandbox is made."""

    def test_settings_say_what_they_are_and_hide_what_is_secret(self) -> None:
        for each in settings_of(self.provider.settings):
            assert each.metadata["help"], f"{each.name} has no help"
            secret = any(word in each.name for word in ("secret", "password", "token")) and "url" not in each.name
            assert is_secret(each) or not secret or each.name.endswith("_method"), f"{each.name} is no secret"
