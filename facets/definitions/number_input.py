"""A number that somebody typed or pasted, as its plain digits. Pure: every box that takes a number asks here."""

import re
from decimal import Decimal

MAX_LENGTH = 4_000  # characters

_PLAIN = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
# In groups of three, as the console writes numbers. One group alone may be three decimals after a comma.
_GROUPED_BY_COMMAS = re.compile(r"[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+\.[0-9]+|(?:,[0-9]{3}){2,})")
_GROUPED_BY_BLANKS = re.compile(r"[1-9][0-9]{0,2}(?:\s[0-9]{3})+(?:\.[0-9]+)?")
_COUNTED = re.compile(r"[1-9][0-9]{0,2}(?:[,\s][0-9]{3})+")
_ONE_COMMA = re.compile(r"([0-9]+),([0-9]{3})")
_COMMA_FOR_POINT = re.compile(r"([0-9]{1,3}(?:[.\s][0-9]{3})+|[0-9]*),([0-9]+)")
_MARKS = re.compile(r"[0-9.,\s]*[0-9][0-9.,\s]*")
_WORD = r"(?P<word>[^\W\d_]{1,10}|[%‰$€£¥₹₽₩₺])"
_WITH_A_WORD = re.compile(
    rf"[0-9.,\s]*[0-9.,]\s*{_WORD}|{_WORD.replace('word', 'before')}\s*[0-9.,]+[0-9.,\s]*"
)

_MINUS = "-\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d"
_PLUS = "+\uff0b"
# Marks that a page puts around a number to keep its direction, and that a copy takes along.
_UNSEEN = "\u200b\u200e\u200f\u061c\u2060\u202a\u202b\u202c\u2066\u2067\u2068\u2069\ufeff"


class Unreadable(ValueError):
    """The text cannot mean a value of its kind; the message says what to write instead."""


class AmbiguousNumber(Unreadable):
    """One comma with three digits behind it: a thousand, or decimals.

    Attributes:
        whole, fraction: the two readings, as plain digits.
    """

    def __init__(self, whole: str, fraction: str) -> None:
        super().__init__(f"A comma here can mean two numbers. Choose {whole} or {fraction}.")
        self.whole = whole
        self.fraction = fraction


def read_number(text: str, unit: str = "") -> str | None:
    """The plain digits of a number: `-1234.50` for `−1,234.50 EUR` where the unit is EUR.

    None where the text is no number at all, so that a schema may say what it wants instead.

    Raises:
        AmbiguousNumber: the comma may be a decimal one.
        Unreadable: it has marks that could mean another number.
    """
    if len(text) > MAX_LENGTH:
        raise Unreadable("The number has too many digits.")
    sign, body = _split_sign(text)
    body, has_unit = _without_unit(body, unit)
    if has_unit and not sign:
        sign, body = _split_sign(body)
    if _PLAIN.fullmatch(body):
        return sign + body
    if _GROUPED_BY_COMMAS.fullmatch(body) or _GROUPED_BY_BLANKS.fullmatch(body):
        return sign + re.sub(r"[,\s]", "", body)
    if comma := _ONE_COMMA.fullmatch(body):
        whole, fraction = comma.groups()
        raise AmbiguousNumber(f"{sign}{int(whole + fraction)}", f"{sign}{whole}.{fraction}")
    if _MARKS.fullmatch(body):
        raise Unreadable(_advice(sign, body))
    if len(body) < 100 and (parts := _WITH_A_WORD.fullmatch(body)):
        word = parts["word"] or parts["before"]
        raise Unreadable(
            f"Write the number alone, or with its unit {unit}; {word} is not its unit."
            if unit
            else f"Write the number alone, without {word}."
        )
    return None


def parse_number(text: str, unit: str = "") -> int | float:
    """The number to compare stored ones with.

    Raises:
        AmbiguousNumber, Unreadable
    """
    plain = read_number(text, unit)
    if plain is None:
        raise Unreadable("This is not a number.")
    number = Decimal(plain)
    if number and number.adjusted() >= 309:
        raise Unreadable("This is beyond what a number holds.")
    return int(number) if number == number.to_integral_value() else float(number)


def read_seq(text: str) -> int | None:
    """The number of an event, `1,234` as the console writes it too; None where the text is none."""
    text = text.strip()
    if _COUNTED.fullmatch(text):
        text = re.sub(r"[,\s]", "", text)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None


def _split_sign(text: str) -> tuple[str, str]:
    """The sign as ASCII, "" where there is none or a plus, and the rest."""
    text = text.strip().strip(_UNSEEN).strip()
    if text[:1] and text[0] in _MINUS:
        return "-", text[1:].strip()
    if text[:1] and text[0] in _PLUS:
        return "", text[1:].strip()
    return "", text


def _without_unit(body: str, unit: str) -> tuple[str, bool]:
    if not (unit := unit.strip()):
        return body, False
    # A unit of digits, such as "1000 km", begins after a blank.
    gap = r"\s+" if unit[0].isdigit() or unit[-1].isdigit() else r"\s*"
    for pattern in (rf"(?P<body>.+?){gap}{re.escape(unit)}", rf"{re.escape(unit)}{gap}(?P<body>.+)"):
        if parts := re.fullmatch(pattern, body, re.IGNORECASE | re.DOTALL):
            return parts["body"].strip(), True
    return body, False


def _advice(sign: str, body: str) -> str:
    if parts := _COMMA_FOR_POINT.fullmatch(body):
        whole = re.sub(r"[.\s]", "", parts[1]) or "0"
        return f"Write {sign}{whole}.{parts[2]}: decimals stand after a point, not a comma."
    if "," in body:
        return "Write the number without commas, such as 1234.50."
    if body.count(".") > 1:
        return "Write one point at most, before the decimals, such as 1234.50."
    return "Write the number without blanks between its digits, such as 1234.50."
