"""Filters and orders as SQL: equal to the predicate and to scim2-models, on both databases."""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scim2_models.path import FilterNode

from scim_bridge.filters import predicate, sort_key, sort_rows
from scim_bridge.mirror.layout import Layout, layout
from scim_bridge.mirror.made import Draft
from scim_bridge.mirror.sql import Compiler
from scim_bridge.mirror.store import Store
from scim_bridge.mirror.tables import opened
from scim_bridge.schemas import GROUP
from scim_bridge.store.database import Sql
from scim_bridge.store.opening import open_database
from tests.mirror.databases import postgres
from tests.strategies import RICH_USER, examples, filters, groups, plain_users, rows, users
from tests.test_filters import MODELS, NO_LIMITS, SORTABLE, reference_filter

Rows = list[dict[str, Any]]


class Bare:
    """Makes documents of nothing but the resources."""

    def documents(self, resource: dict[str, Any], state: bytes) -> tuple[bytes, bytes | None]:
        return orjson.dumps(resource), None

    def plain(self, resource: dict[str, Any], state: bytes) -> tuple[bytes, bytes]:
        meta = orjson.dumps(resource["meta"])
        return orjson.dumps({name: each for name, each in resource.items() if name != "meta"}), b',"meta":%b}' % meta


class Mirror:
    """The tables of one resource type, emptied for each example."""

    def __init__(self, url: str, layout: Layout, connection: str = "c") -> None:
        self.database: Any = open_database(url)
        self.runner = asyncio.Runner()
        self.layout = layout
        tables = self.write(opened, connection, layout.resource.name, layout)
        self.store = Store(connection, layout, tables, Bare())

    def write(self, work: Any, *args: Any) -> Any:
        return self.runner.run(self.database.write(work, *args))

    def holding(self, found: Rows) -> "Mirror":
        for each in found:  # the store would supply it
            each.setdefault("meta", {}).setdefault("lastModified", "2024-05-01T10:00:00Z")
        self.write(self._fill, found)
        return self

    def _fill(self, sql: Sql, found: Rows) -> None:
        for table in self.store.tables.every:
            sql.run(f"DELETE FROM {table}")
        names = self.layout.relations
        drafts = [
            Draft(
                {name: value for name, value in each.items() if name not in names},
                orjson.dumps(each),
                {name: [one for one in each.get(name, ()) if one.get("value")] for name in names},
            )
            for each in found
        ]
        self.store.put(sql, drafts, at=1, before=1, feed=False)

    def changed(self, found: Rows) -> "Mirror":
        """The same with other states of what is held."""
        drafts = [Draft(each, orjson.dumps([each])) for each in found]
        self.write(lambda sql: self.store.put(sql, drafts, at=2, before=2, feed=False))
        return self

    def stored(self) -> list[Any]:
        """All there is in the tables, save for the digests of states."""
        columns = ", ".join(["id", *(each.name for each in self.layout.columns), "keys", "more", "document"])
        texts = [
            f"SELECT {columns} FROM {self.store.tables.documents} ORDER BY id",
            f"SELECT id, v.attr, v.value, v.kind, v.key, v.element FROM {self.store.tables.values} v JOIN"
            f" {self.store.tables.documents} d ON d.seq = v.owner ORDER BY id, v.attr, v.value, v.kind",
        ]
        found: list[Any] = self.write(lambda sql: [sql.rows(text) for text in texts])
        return found

    def matches(self, node: FilterNode) -> tuple[list[str], bool]:
        compiler = Compiler(self.layout, self.database.dialect, self.store.tables.values)
        condition = compiler.filter(node)
        text = f"SELECT d.id FROM {self.store.tables.documents} d WHERE {condition.text} ORDER BY d.seq"
        found = self.write(lambda sql: [each for (each,) in sql.rows(text, condition.params)])
        return found, condition.exact

    def ordered(self, path: str, descending: bool) -> list[str]:
        expression = Compiler(self.layout, self.database.dialect, self.store.tables.values).order(path)
        nulls = "NULLS FIRST" if descending else "NULLS LAST"
        text = (
            f"SELECT d.id FROM {self.store.tables.documents} d"
            f" ORDER BY {expression} {'DESC' if descending else 'ASC'} {nulls}, d.seq"
        )
        found: list[str] = self.write(lambda sql: [each for (each,) in sql.rows(text)])
        return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('database')}/mirror.db"
    else:
        with postgres() as found:
            yield found


@pytest.fixture(scope="module")
def people(url: str) -> Iterator[Mirror]:
    yield from _closing(Mirror(url, layout(RICH_USER)))


@pytest.fixture(scope="module")
def indexed(url: str) -> Iterator[Mirror]:
    """People all of whose attributes that can have an index have one."""
    every: list[str] = []
    for each in RICH_USER.base.attributes:
        every += [each.name, *(f"{each.name}.{sub.name}" for sub in each.sub_attributes)]
    for extension in RICH_USER.extensions:
        for each in extension.schema.attributes:
            path = f"{extension.schema.id}:{each.name}"
            every += [path, *(f"{path}.{sub.name}" for sub in each.sub_attributes)]
    found = layout(RICH_USER, indexed=every)
    assert len(found.columns) > 15 and len(found.lists) > 5
    yield from _closing(Mirror(url, found, "d"))


@pytest.fixture(scope="module")
def teams(url: str) -> Iterator[Mirror]:
    yield from _closing(Mirror(url, layout(GROUP, ("members",))))


def _closing(mirror: Mirror) -> Iterator[Mirror]:
    yield mirror
    mirror.runner.run(mirror.database.aclose())
    mirror.runner.close()


TOGETHER = 8
"""Filters that are tried on the same rows, as to store these takes longer than to find them."""


@settings(NO_LIMITS, max_examples=examples(1600 // TOGETHER))
@given(st.lists(filters(RICH_USER), min_size=TOGETHER, max_size=TOGETHER), rows(users() | plain_users()))
def test_a_filter_in_sql_finds_what_the_predicate_finds(people: Mirror, nodes: list[FilterNode], found: Rows) -> None:
    people.holding(found)
    for node in nodes:
        check(people, node, found)


@settings(NO_LIMITS, max_examples=examples(400 // TOGETHER))
@given(st.lists(filters(RICH_USER), min_size=TOGETHER, max_size=TOGETHER), rows(users() | plain_users()))
def test_so_does_one_on_attributes_that_an_operator_wants_indexed(
    indexed: Mirror, nodes: list[FilterNode], found: Rows
) -> None:
    indexed.holding(found)
    for node in nodes:
        check(indexed, node, found)


@settings(NO_LIMITS, max_examples=examples(100))
@given(rows(users()), rows(users() | plain_users()))
def test_a_change_leaves_what_is_stored_of_the_new_state_alone(indexed: Mirror, old: Rows, new: Rows) -> None:
    new = [{**each, "id": before["id"]} for each, before in zip(new, old, strict=False)]
    for each in (*old, *new):  # the store would supply it
        each.setdefault("meta", {}).setdefault("lastModified", "2024-05-01T10:00:00Z")
    found = indexed.holding(old[: len(new)]).changed(new).stored()
    assert found == indexed.holding(new).stored()


def test_a_value_of_another_type_is_left_out_and_nothing_else_is(people: Mirror) -> None:
    emails = [{"value": 5, "type": "work"}, {"value": "ADA@example.com"}]
    people.holding([{"id": "1", "userName": 7, "displayName": "Ada", "emails": emails}])
    [[_, *columns, _, _, document]], values = people.stored()
    shown = orjson.loads(document)
    assert ("userName" in shown, shown["emails"]) == (False, [{"type": "work"}, {"value": "ADA@example.com"}])
    assert ("ada" in columns, [each[2] for each in values]) == (True, ["ada@example.com"])


@settings(NO_LIMITS, max_examples=examples(400 // TOGETHER))
@given(
    st.lists(filters(GROUP, {"displayName", "members"}), min_size=TOGETHER, max_size=TOGETHER),
    rows(groups()),
)
def test_so_does_one_on_members_that_are_rows(teams: Mirror, nodes: list[FilterNode], found: Rows) -> None:
    for each in found:
        each["members"] = [one for one in each.get("members", ()) if one.get("value")]
        if not each["members"]:
            del each["members"]
    teams.holding(found)
    for node in nodes:
        check(teams, node, found, always_exact=False)


def check(mirror: Mirror, node: FilterNode, found: Rows, *, always_exact: bool = True) -> None:
    matches = predicate(node, mirror.layout.resource)
    expected = [each["id"] for each in found if matches(each)]
    ids, exact = mirror.matches(node)
    if exact:
        assert ids == expected, str(node)
    else:
        assert set(ids) >= set(expected), str(node)
        assert not always_exact or any(text in str(node) for text in ("\2", "\3", "\\u0002", "\\u0003"))
    reference = reference_filter(node, mirror.layout.resource.name)
    model = MODELS[mirror.layout.resource.name]
    assert expected == [each["id"] for each in found if reference.match(model.model_validate(each))]


@settings(NO_LIMITS, max_examples=examples(100))
@given(
    st.sampled_from(SORTABLE).map(lambda each: each.canonical), st.booleans(), rows(users() | plain_users(), max_size=8)
)
def test_an_order_in_sql_is_that_of_the_sort_key(people: Mirror, path: str, descending: bool, found: Rows) -> None:
    key, by_id = sort_key(path, RICH_USER), {each["id"]: each for each in found}
    ordered = people.holding(found).ordered(path, descending)
    expected = [each["id"] for each in sort_rows(found, path, descending, RICH_USER)]
    assert sorted(ordered) == sorted(expected)
    # A time without an offset is as late as the same one in UTC, and which of the two comes first is nobody's matter.
    assert [key(by_id[each]) for each in ordered] == [key(by_id[each]) for each in expected]
    if RICH_USER.resolve(path).target.type != "dateTime":  # type: ignore[union-attr] # it is one of its paths
        assert ordered == expected
