"""Pages as a browser without scripts uses them: the fields of a form as they stand, to be filled in and sent."""

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser


class Form(HTMLParser):
    """The first form of a page: what it would send as it stands, and the texts of the whole page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.kinds: dict[str, str] = {}
        self.text = ""
        self._values: dict[str, str] = {}
        self._area: str | None = None
        self._select: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name"), given.get("value") or ""
        kind = given.get("type") or tag
        if tag == "input" and given.get("id"):
            self._values[given["id"] or ""] = value
        if tag == "input" and name:
            self.kinds[name] = kind
            if kind != "checkbox" or "checked" in given:
                self.fields.setdefault(name, []).append(value)
        elif tag == "textarea" and name:
            self.kinds[name], self._area = kind, name
            self.fields[name] = [""]
        elif tag == "select" and name:
            self.kinds[name], self._select = kind, name
        elif tag == "option" and self._select and (self._select not in self.fields or "selected" in given):
            self.fields[self._select] = [value]

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            text = self.fields[self._area][0]
            self.fields[self._area] = [text.removeprefix("\n")]
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] = [self.fields[self._area][0] + data]
        self.text += data

    def value(self, element_id: str) -> str:
        """What stands in the input of an id."""
        return self._values[element_id]

    def filled(self, entries: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
        """What the form sends once these are typed over what stands in it. KeyError for a field that is not there."""
        for name in entries:
            if name not in self.kinds:
                raise KeyError(name)
        typed = {name: [value] if isinstance(value, str) else list(value) for name, value in entries.items()}
        return {**self.fields, **typed}


def plain(text: str) -> str:
    """The texts of a page, with single spaces."""
    return " ".join(Form(text).text.split())
