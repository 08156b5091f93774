"""Sensitive values taken out of what is shown, sent or logged, before it leaves the server. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any, NoReturn

from facets.core import InvalidRecord
from facets.core import json as core_json
from facets.core.diff import ABSENT, Change, Path

JSON = Any

BULLETS = "••••••"

# Of more than this, a text is not looked through for what it quotes; it is masked whole.
MAX_SECRETS = 300
MAX_SECRET = 2_000  # characters
SHORTEST_WORD = 3  # characters


class _Masked(str):
    """The bullets, which any formatter, serialiser or template writes as they are, whatever it was told to do."""

    def __format__(self, spec: str) -> str:
        return BULLETS

    def __repr__(self) -> str:
        return BULLETS

    def __copy__(self) -> "_Masked":
        return self

    def __deepcopy__(self, memo: Any) -> "_Masked":
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A masked value is shown, never stored.")


# The place of a value that is not shown. It is told by identity: an event may hold the same bullets.
MASKED: Any = _Masked(BULLETS)


def mask(value: JSON, sensitive: Sequence[str], *, under: Sequence[str | int] = ()) -> JSON:
    """A copy of a JSON value in which each value at a sensitive path is MASKED, null too; absent ones stay absent.

    Args:
        sensitive: dotted keys as they are stored, list indexes left out. A path matches wherever its keys follow one
            another: `email` at any depth, `card.number` in `payment.card.number` too. None masks nothing, and
            the value itself is returned.
        under: where the value stands in a larger one.
    """
    if not sensitive:
        return value
    paths = _paths(tuple(sensitive))
    chain: Path = ()
    for key in under:
        if isinstance(key, str) and paths.match(chain := paths.down(chain, key)):
            return MASKED
    holder: list[JSON] = []
    # A stack of its own: stored JSON may be nested deeper than Python may call.
    todo: list[tuple[JSON, list[JSON] | dict[str, JSON], Path]] = [([value], holder, chain)]
    while todo:
        source, target, chain = todo.pop()
        if isinstance(target, list):
            for item in source:
                target.append(_copy_into(item, chain, todo))
            continue
        for key, item in source.items():
            inner = paths.down(chain, key)
            target[key] = MASKED if paths.match(inner) else _copy_into(item, inner, todo)
    return holder[0]


def mask_text(text: str, sensitive: Sequence[str]) -> str:
    """Stored JSON text, with sensitive values masked; masked whole where it is no JSON object."""
    if not sensitive:
        return text
    try:
        value = core_json.loads(text)
        return core_json.dumps(mask(value, sensitive)) if isinstance(value, Mapping) else BULLETS
    except InvalidRecord:
        return BULLETS


def mask_unknown(value: JSON, sensitive: Sequence[str]) -> JSON:
    """`mask` for a value that no schema describes: MASKED whole unless it is an object, whose keys say what is what."""
    return mask(value, sensitive) if not sensitive or isinstance(value, Mapping) else MASKED


def leave_out(value: JSON, sensitive: Sequence[str], *quoted: JSON) -> tuple[JSON, list[str]]:
    """A copy without what stands at a sensitive path, and the keys that were left out, each once.

    Texts that quote sensitive values of `quoted`, which the value was made from, are left out too.
    """
    masked = mask(value, sensitive)
    left: dict[str, None] = {}
    todo = [masked] if sensitive else []
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            for key, item in list(part.items()):
                if item is MASKED or (isinstance(item, str) and redact(item, sensitive, *quoted) != item):
                    del part[key]
                    left[key] = None
            todo.extend(part.values())
        elif isinstance(part, list):
            part[:] = [
                item for item in part if not isinstance(item, str) or redact(item, sensitive, *quoted) == item
            ]
            todo.extend(part)
    return masked, list(left)


def holds_sensitive(value: JSON, sensitive: Sequence[str], *, under: Sequence[str | int] = ()) -> bool:
    """Whether `mask` would mask anything."""
    todo = [mask(value, sensitive, under=under)] if sensitive else []
    while todo:
        part = todo.pop()
        if part is MASKED:
            return True
        todo.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    return False


def mask_changes(changes: Iterable[Change], sensitive: Sequence[str]) -> list[Change]:
    """The changes with sensitive values MASKED.

    What changed below a sensitive path is one change at that path, so that neither its keys nor its length show.
    """
    changes = list(changes)
    if not sensitive:
        return changes
    found: list[Change] = []
    covered: set[Path] = set()
    for change in changes:
        end = _end_of_match(change.path, sensitive)
        if end is None:
            old, new = (_mask_at(value, sensitive, change.path) for value in (change.old, change.new))
            found.append(Change(change.path, change.kind, old, new))
            continue
        path = change.path[:end]
        if path in covered:
            continue
        covered.add(path)
        if end < len(change.path):
            found.append(Change(path, "changed", MASKED, MASKED))
        else:
            old, new = (value if value is ABSENT else MASKED for value in (change.old, change.new))
            found.append(Change(path, change.kind, old, new))
    return found


def redact(text: str, sensitive: Sequence[str], *values: JSON) -> str:
    """Free text, such as what a rule says, without the sensitive values of `values` that it quotes.

    Whole values go, their words and beginnings, and numbers however they are written (1234.5 as `1,234.50`). A value
    that is no object or list is taken for secret as a whole. What a rule worked out from a sensitive value is not
    known here: do not quote it.
    """
    if not sensitive or not text:
        return text
    secrets: list[Any] = []
    for value in values:
        for secret in _secrets(value, tuple(sensitive)):
            # Before they are stored, values may be Decimals and dates too.
            plain = secret is None or isinstance(secret, str | int | float)
            secrets += [secret] if plain else [str(secret), *_number_of(secret)]
            if len(secrets) > MAX_SECRETS or len(str(secrets[-1])) > MAX_SECRET:
                return BULLETS
    texts = {secret for secret in secrets if isinstance(secret, str) and secret.strip()}
    if whole := _quotes_of(texts):
        text = whole.sub(BULLETS, text)
    numbers = [
        str(secret) for secret in secrets if isinstance(secret, int | float) and not isinstance(secret, bool)
    ]
    numbers += [secret for secret in texts if re.fullmatch(r"[1-9][0-9]+", secret)]
    if numbers:
        # Rounded as those in the text are, so that one of very many digits is the same in both.
        sizes = [abs(Decimal(number)) for number in numbers]
        # Before words are looked for: one that is found among a number's groups would leave the others.
        text = _NUMBER.sub(lambda found: BULLETS if _is_one_of(found[0], sizes) else found[0], text)
    words = {word.casefold() for secret in texts for word in re.findall(r"\w+", secret)}
    squeezed = [re.sub(r"\W+", "", secret).casefold() for secret in texts]
    text = re.sub(
        rf"\w{{{SHORTEST_WORD},}}",
        lambda found: BULLETS if _is_of(found[0].casefold(), words, squeezed) else found[0],
        text,
    )
    if any(isinstance(secret, bool) for secret in secrets):
        text = re.sub(r"\b(?:[Tt]rue|[Ff]alse)\b", BULLETS, text)
    # What stands in one word with a secret is like it: an earlier address of the same person, say.
    return _RUN.sub(lambda found: _hide_beside(found[0]), text) if BULLETS in text else text


def secrets_of(value: JSON, sensitive: Sequence[str]) -> list[JSON]:
    """What `redact` would look for of one value, as scalars, so that it is looked through once for many texts.

    No more of them than make `redact` mask a text whole.
    """
    return list(islice(_secrets(value, tuple(sensitive)), MAX_SECRETS + 1)) if sensitive else []


class _Paths:
    """Sensitive paths, made ready to be compared with chains of keys."""

    def __init__(self, sensitive: tuple[str, ...]) -> None:
        self._ends = tuple(f".{path}" for path in sensitive)
        self._longest = max((path.count(".") + 1 for path in sensitive), default=1)

    def down(self, chain: Path, key: str) -> Path:
        """The chain one key further, no longer than a path can be."""
        return (*chain, key)[-self._longest :]

    def match(self, chain: Path) -> bool:
        # A key may hold dots itself; it matches then too.
        return f".{'.'.join(map(str, chain))}".endswith(self._ends)


@lru_cache(maxsize=256)
def _paths(sensitive: tuple[str, ...]) -> _Paths:
    return _Paths(sensitive)


def _copy_into(item: JSON, chain: Path, todo: list[tuple[JSON, list[JSON] | dict[str, JSON], Path]]) -> JSON:
    """The item itself if it is a scalar; else an empty one of its kind, which `todo` fills later."""
    if isinstance(item, Mapping):
        fresh: list[JSON] | dict[str, JSON] = {}
    elif isinstance(item, list):
        fresh = []
    else:
        return item
    todo.append((item, fresh, chain))
    return fresh


def _mask_at(value: JSON, sensitive: Sequence[str], path: Path) -> JSON:
    if value is ABSENT:
        return ABSENT
    if not any(isinstance(part, str) for part in path):
        return mask_unknown(value, sensitive)
    return mask(value, sensitive, under=path)


def _end_of_match(path: Path, sensitive: Sequence[str]) -> int | None:
    """How much of the path stands for the sensitive value that it leads to, or into; None where there is none."""
    paths = _paths(tuple(sensitive))
    chain: Path = ()
    for end, key in enumerate(path, start=1):
        if isinstance(key, str) and paths.match(chain := paths.down(chain, key)):
            return end
    return None


def _secrets(value: JSON, sensitive: tuple[str, ...]) -> Iterator[JSON]:
    """The scalars at and below sensitive paths, and the keys below them; the value itself where it is a scalar."""
    paths = _paths(sensitive)
    todo: list[tuple[JSON, Path, bool]] = [(value, (), not isinstance(value, Mapping | list))]
    while todo:
        part, chain, secret = todo.pop()
        if isinstance(part, Mapping):
            for key, item in part.items():
                if secret:
                    yield key
                inner = paths.down(chain, key)
                todo.append((item, inner, secret or paths.match(inner)))
        elif isinstance(part, list):
            todo.extend((item, chain, secret) for item in part)
        elif secret and part is not ABSENT:
            yield part


def _quotes_of(texts: Iterable[str]) -> re.Pattern[str] | None:
    """What matches each text, as it is or as Python or JSON quotes it."""
    forms: set[str] = set()
    for text in texts:
        stripped = text.strip()
        forms |= {text, stripped, repr(stripped)[1:-1], json.dumps(stripped)[1:-1]}
        forms.add(json.dumps(stripped, ensure_ascii=False)[1:-1])
    if not forms:
        return None
    # A short one is looked for as a word: `e` would otherwise be found in most of them.
    parts = [
        re.escape(form) if len(form) > SHORTEST_WORD else rf"(?<!\w){re.escape(form)}(?!\w)"
        for form in sorted(forms, key=len, reverse=True)
    ]
    return re.compile("|".join(parts), re.IGNORECASE)


def _is_of(word: str, words: set[str], squeezed: list[str]) -> bool:
    if any(character.isdigit() for character in word):
        return any(word in secret for secret in squeezed)
    return any(secret.startswith(word) for secret in words)


def _number_of(value: Any) -> list[float]:
    return [float(value)] if isinstance(value, Decimal) and value.is_finite() else []


# What stands together as an e-mail or a number of an order does, and what of it is no letter.
_JOINTS = ".@+•-"
_RUN = re.compile(rf"[\w{_JOINTS}]+")


def _hide_beside(run: str) -> str:
    """The run with its bullets standing for all of its words; not a pattern, which would take quadratic time."""
    place = run.find(BULLETS)
    if place < 0:
        return run
    begin = min(place, len(run) - len(run.lstrip(_JOINTS)))
    end = max(place + len(BULLETS), len(run.rstrip(_JOINTS)))
    return run[:begin] + BULLETS + run[end:]


_NUMBER = re.compile(r"[-+]?\d(?:[\d,_'\u00a0\u202f]*\d)?(?:\.\d+)?(?:[eE][-+]?\d+)?")


def _is_one_of(text: str, sizes: list[Decimal]) -> bool:
    """Whether the text writes a number of one of these sizes, rounded maybe."""
    try:
        written = abs(Decimal(re.sub(r"[,_'\u00a0\u202f]", "", text)))
        exponent = min(0, int(written.as_tuple().exponent))
        rounding = Decimal(5).scaleb(exponent - 1)
        return any(abs(size - written) <= rounding for size in sizes)
    except (ArithmeticError, ValueError):
        return True  # too long to be judged
