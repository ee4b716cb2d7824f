"""People whose values are hard to tell from others, and the same filters on them for every provider."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.providers.meaning import EQUAL, ORDERED, TEXTUAL, Case, Shown, both, either, no, present, term, within

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
DEPARTMENT = f"{ENTERPRISE}:department"
Planted = Mapping[str, Any]
"""What a person is to be like: user, given, family, title, external, department, mail, phone, active, created and
changed; None: the person does not have it. A provider's `plant` puts this into records as its vendor holds them."""


def _person(user: str, given: str | None, family: str | None, title: str | None, **more: Any) -> Planted:
    known = {"external": None, "department": None, "mail": None, "phone": None, "active": True}
    times = {"created": "2024-07-01T12:00:00.000Z", "changed": "2025-07-01T12:00:00.000Z"}
    return {**known, **times, "user": user, "given": given, "family": family, "title": title, **more}


LEAP, CHANGED = "2024-02-29T23:59:59.999Z", "2025-12-24T16:30:00.120Z"
PEOPLE: tuple[Planted, ...] = (
    _person("Twin.One", "Ana", "Lee", "Engineer", external="hr-1", department="R&D", mail="Twin.One@Example.com",
            phone="+1 555 0001", created=LEAP, changed=CHANGED),
    _person("twin.two", "ANA", "LEE", "ENGINEER", external="HR-1", department="r&d", mail="twin.two@example.com",
            phone="+1 555 0002", active=False, created="2024-03-01T00:00:00.000Z"),
    _person("obrien", 'Say "x"', "O'Brien", 'say "x"', external="hr-'1'", mail="o'brien@example.com", changed=CHANGED),
    _person("corp\\jdoe", "John", "back\\slash", "back\\slash", external="hr\\1", department="a\\b"),
    _person("j.star", "*", "a*b", "a*b", department="*", external="hr*", mail="star@example.org"),
    _person("a%b", "100%", "a%b", "100%", department="100%", external="hr%", active=False),
    _person("a_b", "Under_score", "a_b", "a_b", department="_", mail="a_b@example.org"),
    _person("axb", "Ax", "axb", "axb", department="axb", mail="axb@example.org"),  # what `%`, `_` and `*` would find
    _person("jose.m", "José", "Müller", "Überblick", department="Köln", mail="jose.m@example.com"),
    _person("jose.n", "Jose\u0301", "mu\u0308ller", "U\u0308BERBLICK", department="KO\u0308LN", active=False),
    _person("streets", "Weiß", "Straße", "Straße", department="STRASSE", phone="+49 30 1"),
    _person("strasse", "WEISS", "STRASSE", "STRASSE", department="Straße"),
    _person("i.dot", "İstanbul", "İ", "İstanbul", created="2024-02-29T22:59:59.999Z"),
    _person("i.plain", "istanbul", "i\u0307", "i\u0307stanbul"),
    _person("rocket", "👩\u200d🚀", "🚀", "Head of 🚀", department="🚀", mail="rocket@example.com"),
    _person("kelvin", "\u212aelvin", "Kelvin", "\ufb01ne", department="fine"),
    _person("spaces", " lead", "trail ", " two  words ", department="trail "),
    _person("sisyphos", "Σίσυφος", "ΣΊΣΥΦΟΣ", "Σίσυφος"),
    _person("inject", 'x" or userName pr', "null", 'x" or userName pr', external="true", department="null"),
    _person("words", "true", "and", "(a) and (b)", department="not (title pr)", external="and"),
    _person("plain", "Zoe", "Adams", None, mail="plain@example.com", active=False, changed=LEAP),
    _person("bare", None, None, None, created="2024-02-29T23:59:59.000Z"),
)  # fmt: skip


def schemas(shown: Shown) -> list[str]:
    """The core schema, and the enterprise extension of whom has anything in it."""
    extended = any(held not in (None, []) for path, held in shown.items() if path.startswith(ENTERPRISE))
    return [USER, ENTERPRISE] if extended else [USER]


def filters(people: Sequence[Shown]) -> list[Case]:
    """The same filters on whatever people there are: only ids differ."""
    return [*_texts(), *_marks(), *_letters(), *_presence(), *_times(), *_elements(), *_names(people), *_joined()]


def _texts() -> list[Case]:
    """Every operator; twins that differ in case, on attributes that mind it and on such that do not."""
    return [
        *(term("userName", operator, "TWIN.one") for operator in TEXTUAL),
        term("userName", "sw", "twin."),
        *(term("name.familyName", operator, "lee") for operator in ("eq", "ne", "sw", "ew", "co", "ge", "lt")),
        *(term("displayName", operator, "ANA LEE") for operator in ("eq", "ne", "sw")),
        *(term("externalId", operator, "hr-1") for operator in ("eq", "ne", "sw", "co", "gt", "le")),
        *(term("externalId", "eq", each) for each in ("HR-1", "Hr-1", "hr*")),
        *(term("title", operator, "engineer") for operator in ("eq", "ne", "ew")),
    ]


def _marks() -> list[Case]:
    """Quotes, backslashes, and what stands for anything elsewhere: stars, percent signs, underscores."""
    return [
        *(term("title", "eq", each) for each in ('say "x"', "back\\slash", "a*b", "100%", "a_b", 'x" or userName pr')),
        *(term("title", "co", each) for each in ('"', "\\", "*", "%", "_", "(a)", " and ")),
        *(term("name.familyName", "sw", each) for each in ("a*", "a%", "a_", "a", "o'")),
        *(term(DEPARTMENT, "eq", each) for each in ("a\\b", "*", "100%", "_", "null", "NOT (TITLE PR)")),
        term("name.familyName", "eq", "trail "),
        term("name.familyName", "ew", " "),
        term("name.familyName", "eq", "null"),
        term("userName", "eq", "corp\\JDOE"),
        term("userName", "eq", "A%B"),
    ]


def _letters() -> list[Case]:
    """One letter or two characters; letters that fold to others, and such that only seem to."""
    return [
        *(term("name.familyName", operator, each) for operator in ("eq", "sw") for each in ("MÜLLER", "mu\u0308ller")),
        term("name.familyName", "sw", "mü"),
        ('title eq "\\u00dcberblick"', term("title", "eq", "überblick")[1]),
        *(term("name.familyName", "eq", each) for each in ("strasse", "STRAßE", "İ", "i\u0307", "i", "σίσυφος")),
        *(term("name.givenName", "eq", each) for each in ("istanbul", "i\u0307STANBUL", "kelvin", "Jose\u0301")),
        term("name.givenName", "ne", "JOSÉ"),
        *(term("title", operator, each) for operator, each in (("co", "🚀"), ("eq", "head OF 🚀"), ("eq", "fine"))),
        ('title ew "\\ud83d\\ude80"', term("title", "ew", "🚀")[1]),
        term(DEPARTMENT, "eq", "köln"),
    ]


def _presence() -> list[Case]:
    """What is there, what is not, and how that compares; an attribute that nobody has."""
    return [
        *(present(each) for each in ("title", "externalId", "emails", "phoneNumbers.value", DEPARTMENT)),
        *(no(present(each)) for each in ("title", "emails", DEPARTMENT)),
        *(term("title", each, None) for each in EQUAL),
        no(term("title", "eq", "engineer")),
        no(term("title", "ne", "engineer")),
        no(term(DEPARTMENT, "co", "r")),
        *(term("profileUrl", each, "https://example.com/x") for each in EQUAL),
        present("profileUrl"),
        *(term("active", *each) for each in (("eq", True), ("eq", False), ("ne", True))),
        no(term("active", "eq", True)),
        term("userName", "eq", "nobody at all"),
        present("id"),
    ]


def _times() -> list[Case]:
    """Instants, in other zones and to parts of a second."""
    return [
        *(term("meta.created", each, LEAP) for each in ORDERED),
        term("meta.created", "eq", "2024-03-01T01:59:59.9990000+02:00"),
        term("meta.created", "gt", "2024-02-29T17:29:59.9989999-06:30"),
        term("meta.created", "lt", "2024-02-29T23:59:59.9990001Z"),
        term("meta.created", "le", "2024-02-29T23:59:59Z"),
        *(term("meta.lastModified", each, "2025-12-24T18:30:00.12+02:00") for each in ORDERED),
        both(term("meta.created", "ge", LEAP), term("meta.created", "lt", "2024-07-01T12:00:00Z")),
    ]


def _elements() -> list[Case]:
    """Of several values any; in brackets, one that fits whole."""
    work, home = term("type", "eq", "WORK"), term("type", "eq", "home")
    return [
        *(term("emails.value", each, "twin.ONE@example.com") for each in ("eq", "ne", "co", "sw")),
        term("emails", "co", "twin"),
        term("emails.type", "eq", "work"),
        within("emails", work, term("value", "co", "TWIN")),
        within("emails", work, term("value", "ew", "@example.org")),
        within("emails", either(home, term("value", "sw", "o'"))),
        within("emails", no(term("value", "ew", ".com"))),
        within("emails", home),
        no(within("emails", term("value", "co", "@example.com"))),
        both(term("emails.type", "eq", "work"), term("emails.value", "co", "_")),
        within("phoneNumbers", term("value", "sw", "+1 555 000")),
    ]


def _names(people: Sequence[Shown]) -> list[Case]:
    """Ids, schemas, and attributes by their full names or in another spelling."""
    one, other = (str(people[each]["id"]) for each in (0, 5))
    return [
        *(term("id", each, one) for each in EQUAL),
        either(term("id", "eq", one), term("id", "eq", other), term("id", "eq", f"{other}0")),
        *(term("schemas", "eq", each) for each in (USER, ENTERPRISE, f"{ENTERPRISE}s")),
        term("meta.resourceType", "eq", "User"),
        (f'{USER}:userName sw "t"', term("userName", "sw", "t")[1]),
        (f'{ENTERPRISE.upper()}:DEPARTMENT EQ "R&D"', term(DEPARTMENT, "eq", "R&D")[1]),
        term(DEPARTMENT, "ne", "r&d"),
        ('USERNAME SW "T" AND NOT (ACTIVE EQ FALSE)', both(term("userName", "sw", "t"), term("active", "eq", True))[1]),
    ]


def _joined() -> list[Case]:
    """`and`, `or` and `not` around each other, as deep as clients may go."""
    twin, inactive = term("name.familyName", "eq", "LEE"), term("active", "eq", False)
    deep = twin
    for number in range(7):
        deep = no(either(deep, term("userName", "eq", f"nobody{number}")))
    return [
        both(twin, inactive),
        either(twin, inactive),
        both(term("userName", "sw", "a"), no(present("emails"))),
        both(either(twin, term("title", "co", "%")), either(inactive, term("externalId", "sw", "hr"))),
        either(both(twin, inactive), both(term(DEPARTMENT, "eq", "köln"), no(inactive))),
        no(both(present("title"), term("active", "eq", True), term("userName", "ge", "f"))),
        (
            f'userName sw "a" or {twin[0]} and active eq false',
            either(term("userName", "sw", "a"), both(twin, inactive))[1],
        ),
        both(term("title", "ne", "Engineer"), term("title", "ne", "axb"), present("title")),
        either(*(term("userName", "eq", each["user"]) for each in PEOPLE[::2])),
        deep,
    ]
