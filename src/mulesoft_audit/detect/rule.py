"""Rules as data: one TOML file a rule under `rules/`, checked when it is loaded.

A rule says which entries count (its steps), how they belong together (`group`) and how many of them within which time
make a finding. `docs/detections.md` is made from these files, and so are the YARA-L rules for Google SecOps.
"""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from mulesoft_audit.detect.lists import ADDRESSES, LISTS
from mulesoft_audit.errors import UsageError
from mulesoft_audit.times import duration

if TYPE_CHECKING:
    from collections.abc import Iterable

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
#: What a condition may look at. `payload` is any value under the payload; the others have one value, empty if unknown.
FIELDS = (
    "platform", "action", "subaction", "failed", "staff",
    "actor", "actor_name", "user", "user_name", "type", "object", "object_name", "environment", "ip", "payload",
)  # fmt: skip
_BOOLEANS = ("failed", "staff")
#: Fields that can be compared with each other, grouped by and counted: of one text, with a path of its own in UDM.
_TEXTS = tuple(field for field in FIELDS if field not in {*_BOOLEANS, "action", "subaction", "payload"})
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NOT_RE2 = re.compile(r"\(\?(?!:)|\\[1-9]|[*+?}]\+")  # look-around, references and possessive repeats
_LONGEST = 172_800_000  #: milliseconds: YARA-L's longest match window is 48 hours
_MEMORY = 366 * 86_400_000  #: milliseconds that an address may be remembered

Text = Annotated[str, Meta(min_length=1)]
Texts = Annotated[list[Text], Meta(min_length=1)]


class Test(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One comparison that is more than equality. Exactly one of them is set; all ignore case.

    Attributes:
        like: a regular expression, found anywhere in the value. RE2's syntax: YARA-L has no other.
        none_of: texts that the value must not equal.
        same: the name of a field whose value it must equal; two unknown values are not equal.
    """

    like: str | None = None
    none_of: list[str] | None = None
    same: str | None = None


Condition = dict[str, bool | str | list[str] | Test]  #: by field; all of them must hold


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The entries that one step of a rule looks for.

    Attributes:
        name: what such an entry is called in the rule's YARA-L text.
        where: conditions of which one must hold.
        unless: conditions of which none may hold.
    """

    name: Annotated[str, Meta(pattern="^[a-z_]+$")]
    where: Annotated[list[Condition], Meta(min_length=1)]
    unless: list[Condition] = []


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """One rule.

    Attributes:
        id: also the name of its file.
        why: why it matters, in a few sentences.
        confidence: how the shape of its entries is known. `documented`: by MuleSoft's pages; `seen`: in public code
            that ran against an organization; `guessed`: neither.
        tactic, technique: of MITRE ATT&CK: an id and a name.
        false_positives: when it fires though nothing is wrong.
        response: what to do, step by step.
        steps: one, or two that must follow each other.
        group: fields in which the entries of a finding agree; an entry that lacks one does not count.
        window: the time within which the entries of a finding lie; for `new`, how long a value is remembered.
        count: how many entries of the first step; of `distinct`, how many different values.
        distinct: the field whose different values are counted.
        new: the field whose value must not have been seen within `window`, of a group of which others were.
        allow: by field, the list of the settings whose members do not count.
    """

    id: Text
    title: Text
    why: Text
    severity: Severity
    confidence: Literal["documented", "seen", "guessed"]
    tactic: Annotated[str, Meta(pattern=r"^TA\d{4} [A-Z]")]
    technique: Annotated[str, Meta(pattern=r"^T\d{4}(\.\d{3})? [A-Z]")]
    false_positives: Texts
    response: Texts
    steps: Annotated[list[Step], Meta(min_length=1, max_length=2)]
    group: list[str] = []
    window: str = ""
    count: Annotated[int, Meta(ge=1, le=1000)] = 1
    distinct: str = ""
    new: str = ""
    allow: dict[str, str] = {}

    @cached_property
    def window_ms(self) -> int:
        """The window in milliseconds; 0 if it has none."""
        return duration(self.window, "window") if self.window else 0

    @property
    def weight(self) -> int:
        """The severity as a number, 0 to 4."""
        return SEVERITIES.index(self.severity)


def load_rules(names: Iterable[str] = ()) -> list[Rule]:
    """Return the rules of these ids in the order of their ids, or all of them.

    Raises:
        UsageError: there is no rule of such an id.
    """
    files = sorted(resources.files("mulesoft_audit.detect").joinpath("rules").iterdir(), key=lambda file: file.name)
    rules = [
        parse_rule(file.name.removesuffix(".toml"), file.read_text("utf-8"))
        for file in files
        if file.name.endswith(".toml")
    ]
    wanted = set(names)
    unknown = wanted - {rule.id for rule in rules}
    if unknown:
        known = ", ".join(rule.id for rule in rules)
        raise UsageError(f"There is no rule {min(unknown)!r}; nothing was read.", f"The rules are: {known}.")
    return [rule for rule in rules if not wanted or rule.id in wanted]


def parse_rule(name: str, text: str) -> Rule:
    """Return the rule that the file `name` (without its ending) holds.

    Raises:
        UsageError: it is malformed, naming what and where.
    """
    try:
        document: dict[str, Any] = tomllib.loads(text)
        rule = msgspec.convert({"id": name, **document}, Rule)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"The rule {name} is malformed: {error}.") from None
    fault = _fault(rule)
    if fault or rule.id != name:
        raise UsageError(f"The rule {name} is malformed: {fault or 'its id is not the name of its file'}.")
    return rule


def _fault(rule: Rule) -> str:
    """Return what is wrong with a rule whose shape is right; empty if nothing is."""
    conditions = [one for step in rule.steps for one in (*step.where, *step.unless)]
    tests = [(field, value) for condition in conditions for field, value in condition.items()]
    texts = [*rule.group, *filter(None, (rule.distinct, rule.new)), *rule.allow]
    texts += [value.same for _, value in tests if isinstance(value, Test) and value.same]
    unknown = sorted({field for field, _ in tests} - set(FIELDS)) or sorted(set(texts) - set(FIELDS))
    if not _ID.fullmatch(rule.id):
        return "its id has other characters than small letters, digits and single hyphens"
    if unknown:
        return f"there is no field {unknown[0]!r}; the fields are {', '.join(FIELDS)}"
    if set(texts) - set(_TEXTS):
        return f"it groups by, counts or compares {min(set(texts) - set(_TEXTS))!r}; that can be {', '.join(_TEXTS)}"
    if {} in conditions:
        return "a condition is empty, so every entry would meet it"
    if len({step.name for step in rule.steps}) < len(rule.steps):
        return "its steps have one name"
    if any("payload" in condition for step in rule.steps for condition in step.unless):
        return "`payload` stands in `unless`: YARA-L compares value by value, and one other would do"
    faults = [*(_fault_of_test(field, value) for field, value in tests), _fault_of_lists(rule), _fault_of_time(rule)]
    return next(filter(None, faults), "")


def _fault_of_lists(rule: Rule) -> str:
    for field, name in rule.allow.items():
        if name not in LISTS:
            return f"there is no list {name!r}; the lists are {', '.join(LISTS)}"
        if (field == "ip") != (name == ADDRESSES):
            return f"{name} is no list of what {field} can be"
    return ""


def _fault_of_test(field: str, value: bool | str | list[str] | Test) -> str:
    if isinstance(value, bool) != (field in _BOOLEANS):
        return "only `failed` and `staff` are true or false"
    if value == []:
        return f"{field} is compared with nothing"
    if not isinstance(value, Test):
        return ""
    if sum(one is not None for one in (value.like, value.none_of, value.same)) != 1:
        return f"{field} needs exactly one of like, none_of and same"
    return _fault_of_pattern(value.like) or _fault_in_yaral(field, value)


def _fault_in_yaral(field: str, test: Test) -> str:
    """Return what a comparison would not mean in YARA-L."""
    if field == "action" or (field == "subaction" and not test.none_of):
        return f"{field} is compared with texts alone, subaction with none_of too: UDM holds both as one text"
    if field == "payload" and test.none_of is not None:
        return "`payload` has no none_of: YARA-L compares value by value, and one other would do"
    return ""


def _fault_of_pattern(pattern: str | None) -> str:
    if pattern is None:
        return ""
    if _NOT_RE2.search(pattern):
        return f"{pattern!r} is beyond RE2"
    try:
        re.compile(pattern)
    except re.error as error:
        return f"{pattern!r} is no regular expression ({error})"
    return ""


def _fault_of_time(rule: Rule) -> str:
    try:
        window = rule.window_ms
    except UsageError as error:
        return error.message
    several = rule.count > 1 or len(rule.steps) == 2 or bool(rule.new)
    if several != bool(window):
        return "a window belongs to a count, to a second step and to `new`, and to nothing else"
    if several and not rule.group:
        return "its entries need something to be grouped by"
    if window > (_MEMORY if rule.new else _LONGEST):
        return "its window is too long: 48 hours at most, a year for `new`"
    if rule.distinct and rule.count < 2:
        return "`distinct` needs a count"
    if (rule.new or rule.distinct) and len(rule.steps) == 2:
        return "`new` and `distinct` belong to rules of one step"
    return ""
