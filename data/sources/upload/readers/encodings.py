"""Which encoding a text is in, found from its bytes: a mark at its start, UTF-8, or the one under which it reads like words.

Each candidate decodes the rows that are not UTF-8; letters beside letters speak for it, signs within words against it.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import islice

from data.errors import Problem, UploadError
from data.sources.upload import limits
from data.sources.upload.offers import NO, Decisions, Offer, answer_to

#: Python's name of an encoding → what planners call it, the likeliest first.
NAMES = {
    "cp1252": "Windows-1252 (Western Europe)",
    "cp1250": "Windows-1250 (Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp932": "Shift-JIS (Japanese)",
    "gb18030": "GB18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "cp949": "EUC-KR (Korean)",
    "euc_jp": "EUC-JP (Japanese)",
    "cp850": "DOS 850 (Western Europe)",
    "mac_roman": "Mac Roman",
}
_SINGLE_BYTE = {"cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp850", "mac_roman"}

#: Rows that are weighed, and the least mean weight of a character beyond ASCII that still reads like words.
_ROWS, _LEAST = 2_000, 0.2

#: A row with bytes beyond ASCII; letters and signs that words and prices of Europe have.
_ABOVE_ASCII = re.compile(rb"[^\n]*[\x80-\xff][^\n]*")
_WESTERN = frozenset("äöüßéèêëàâáãåæçñóòôõøúùûíìîïÄÖÜÉÈÀÁÂÃÅÆÇÑÓÒÔÕØÚÙÛÍÌÎ")
_CENTRAL = frozenset("ąćęłńśźżĄĆĘŁŃŚŹŻčďěňřšťůžČĎĚŇŘŠŤŮŽőűŐŰ")
_TURKISH = frozenset("ğışĞİŞ")
_SIGNS = frozenset("€£°²³½§µ–—’‘“”„…·®™×«»ºª")


#: First and last leading byte of an encoding's everyday characters.
_COMMON = {
    "cp932": (0x88, 0x97),
    "euc_jp": (0xB0, 0xCF),
    "big5": (0xA4, 0xC6),
    "cp949": (0xCA, 0xFD),
    "euc_kr": (0xB0, 0xC8),
    "gb18030": (0xB0, 0xD7),
}


def as_utf8(name: str, content: bytes, decisions: Decisions) -> tuple[bytes, tuple[str, ...], tuple[Offer, ...]]:
    """The text in UTF-8 without a mark, with what is to be told and the choice of encodings where UTF-8 did not settle it.

    Raises UploadError where no encoding makes words of it, or where the planner wants none.
    """
    wide = _wide(content)
    if wide:
        try:
            text = content.decode(wide)
        except UnicodeDecodeError as error:
            raise UploadError(f"{name} begins like text in UTF-16 and is damaged. Save it again as “CSV UTF-8”.") from error
        return text.removeprefix("\ufeff").encode(), (f"The text is in {wide.upper()[:6]} and is read so.",), ()
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode()
    except UnicodeDecodeError:
        return _from_another(name, content, decisions)
    return content, (), ()


def _wide(content: bytes) -> str:
    """The encoding with two or four bytes a character, "" for none: by its mark, or by zeros in every second place."""
    if content.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = content[:4096]
    if len(head) >= 32 and head.count(b"\x00") > len(head) // 4:
        if head[0::2].count(b"\x00") == 0 and head[1::2].count(b"\x00") > len(head) // 4:
            return "utf-16-le"
        if head[1::2].count(b"\x00") == 0 and head[0::2].count(b"\x00") > len(head) // 4:
            return "utf-16-be"
    return ""


def is_wide_text(content: bytes) -> bool:
    """Whether the bytes are text with two or four bytes a character."""
    return bool(_wide(content))


def _from_another(name: str, content: bytes, decisions: Decisions) -> tuple[bytes, tuple[str, ...], tuple[Offer, ...]]:
    """The text from the encoding that fits best; rows that are UTF-8 among others that are not stay as they are."""
    rows = [found.group() for found in islice(_ABOVE_ASCII.finditer(content), _ROWS)]
    odd = [row for row in rows if not _is_utf8(row)]
    weights = {encoding: weight for encoding in NAMES if (weight := _weight(odd, encoding)) is not None}
    fitting = sorted((encoding for encoding in weights if weights[encoding] >= _LEAST), key=lambda one: -weights[one])
    if not fitting:
        raise _unreadable(name, content, odd)
    answer = answer_to("encoding", decisions, fitting[0], tuple(fitting))
    if answer == NO:
        raise _unreadable(name, content, odd, "was wanted")
    mixed = len(odd) < len(rows) / 2 and answer in _SINGLE_BYTE
    try:
        plain = _row_by_row(content, answer) if mixed else content.decode(answer).encode()
    except UnicodeDecodeError as error:  # a row after those that were weighed
        raise _unreadable(name, content, odd) from error
    example = next(filter(None, (_telling(row.decode(answer, "replace")) for row in odd)), "")
    told = f"The text is not in UTF-8; it is read as {NAMES[answer]}, so that a cell reads “{example}”."
    if mixed:
        told = f"Rows in two encodings: most in UTF-8, some in {NAMES[answer]}; each is read in its own (“{example}”)."
    offer = Offer(
        kind="encoding",
        title="Encoding of the text",
        words=f"The file is not in UTF-8. It is read as {NAMES[answer]}, under which its letters make words.",
        count=len(odd),
        before=_telling(odd[0].decode("ascii", "replace")),
        after=example,
        effect="Names and ids are whole; numbers are the same under each.",
        default=fitting[0],
        answer=answer,
        choices=tuple((encoding, f"{NAMES[encoding]}: “{_telling(odd[0].decode(encoding))}”") for encoding in fitting[:5]),
    )
    return plain, (told,), (offer,)


def _weight(rows: list[bytes], encoding: str) -> float | None:
    """How much the rows read like words, −2 … 1 a character beyond ASCII; None where they are not in this encoding."""
    try:
        text = "\n".join(row.decode(encoding) for row in rows)
    except UnicodeDecodeError:
        return None
    weight, count = 0.0, 0
    for place, letter in enumerate(text):
        if letter < "\x80":
            continue
        count += 1
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        weight += _weight_of(letter, before, after, encoding)
    return weight / count if count else None


def _weight_of(letter: str, before: str, after: str, encoding: str) -> float:
    beside = before.isalpha() or after.isalpha()
    if encoding not in _SINGLE_BYTE:
        return _weight_of_east(letter, before, after, encoding)
    if letter == "\xa0":
        return 0.5 if before.isdigit() and after.isdigit() else 0.0
    if letter in _SIGNS:  # a sign stands beside numbers or between words
        return -1.0 if before.isalpha() and after.isalpha() and letter not in "’·" else 0.5
    if not letter.isalpha():
        return -2.0
    if letter.isupper() and (before.islower() or (before.isalpha() and after.islower())):  # a capital within a word
        return -1.0
    script = unicodedata.name(letter, "").split(" ")[0]
    if script in ("CYRILLIC", "GREEK"):
        near = [one for one in (before, after) if one.isalpha()]
        return 0.95 if near and all(unicodedata.name(one, "").startswith(script) for one in near) else -1.0
    accents = [one for one in (before, after) if one.isalpha() and one > "\x80"]
    if len(accents) == 2 or (accents and script != "LATIN"):
        return -1.0
    usual = letter in _WESTERN or (letter in _CENTRAL and encoding == "cp1250") or (letter in _TURKISH and encoding == "cp1254")
    accents = [one for one in (before, after) if one.isalpha() and one > "\x80"]
    if (letter.isupper() and before.islower()) or len(accents) == 2 or (accents and script != "LATIN"):
        return -1.0  # a capital within a word, or accents side by side
    return (1.0 if beside else -0.5) if usual else 0.0 if letter in "œŒ" else -0.3


def _weight_of_east(letter: str, before: str, after: str, encoding: str) -> float:
    """Characters of the east stand in runs, and those of another encoding read as rare ones."""
    if "\uff61" <= letter <= "\uff9f":  # half-width kana, which few write and other encodings' bytes read as
        return -0.5
    if "\u3040" <= letter <= "\u30ff":
        return 1.0 if encoding in ("cp932", "euc_jp") else 0.2
    if "\uac00" <= letter <= "\ud7a3":
        return 0.9 if encoding == "cp949" and _is_common(letter, "euc_kr") else -1.0
    if letter in "、。「」・，：（）％￥○◯×　¥年月日":
        return 0.9
    if "\u4e00" <= letter <= "\u9fff":
        near = [one for one in (before, after) if one > "\x80"]
        common = _is_common(letter, encoding)
        return (0.9 if near else 0.1) if common else -0.4
    return -1.0


def _is_common(letter: str, encoding: str) -> bool:
    """Whether a character is of the first, everyday part of the encoding's table."""
    try:
        lead = letter.encode("gb2312" if encoding == "gb18030" else encoding)[0]
    except UnicodeEncodeError:
        return False
    first, last = _COMMON[encoding]
    return first <= lead <= last


def _is_utf8(row: bytes) -> bool:
    try:
        row.decode()
    except UnicodeDecodeError:
        return False
    return True


def _row_by_row(content: bytes, encoding: str) -> bytes:
    return _ABOVE_ASCII.sub(lambda row: row[0] if _is_utf8(row[0]) else row[0].decode(encoding).encode(), content)


def _telling(row: str) -> str:
    """The first cell of a row that holds more than ASCII."""
    cells = [cell.strip(" \"'") for cell in re.split(r"[;,\t|]", row)]
    return limits.shortened(next((cell for cell in cells if not cell.isascii()), cells[0] if cells else ""))


def _unreadable(name: str, content: bytes, odd: list[bytes], why: str = "makes words of it") -> UploadError:
    first = content.find(odd[0])
    line = content.count(b"\n", 0, first) + 1
    seen = limits.shortened(odd[0].decode("cp1252", errors="replace").strip())
    least = " in at least so many rows" if len(odd) == _ROWS else ""
    return UploadError(
        f"{name} is not UTF-8 text, and no other encoding {why}. Save it as “CSV UTF-8”.",
        [Problem(f"Bytes that are not UTF-8, first near “{seen}”{least}", len(odd), (line,))],
    )
