"""What a file would be read as if the planner agreed: one offer for each oddity found, taken or left with one click.

What is safe and loses nothing is done and told as a ``Check``; an offer changes numbers, rows or items, and says how many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: Kind of an offer → "yes", "no", or one of its choices; a kind that is not there goes by the offer's default. What is kept of
#: a file in a recipe, so that the next file of the same form is read without asking.
Decisions = Mapping[str, str]

YES, NO = "yes", "no"


@dataclass(frozen=True)
class Offer:
    """One repair that may be taken.

    Attributes
    ----------
    kind : its stable name, lower case with hyphens ("total-rows"): on the command line, in recipes and in decisions.
    title : two or three words.
    words : what was found and what would be done about it, with the count and in a planner's words.
    count : rows, items or periods that it changes.
    before, after : one example, as the file has it and as it would be read.
    effect : what it means for the forecast.
    default : the answer where the planner gives none: YES, NO or a choice. NO wherever both readings may be meant.
    answer : what the file is read with now.
    choices : the answers beside NO where there is more than YES, as (answer, words).
    """

    kind: str
    title: str
    words: str
    count: int
    before: str
    after: str
    effect: str
    default: str
    answer: str
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def taken(self) -> bool:
        """Whether the file is read with it."""
        return self.answer != NO


def answer_to(kind: str, decisions: Decisions, default: str, choices: tuple[str, ...] = (YES,)) -> str:
    """What was decided on an offer, its default where nothing was or the answer is none of its own.

    "yes" to an offer with choices takes its default, or its first choice where that is NO.
    """
    decided = decisions.get(kind, default)
    if decided in (NO, *choices):
        return decided
    if decided == YES:
        return default if default != NO else choices[0]
    return default
