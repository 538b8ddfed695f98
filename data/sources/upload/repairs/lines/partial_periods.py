"""Weeks and months added up from days that the file reaches over in part: the first and the last."""

from __future__ import annotations

import numpy as np

from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found, Lines
from data.sources.upload.repairs.meaning.unfinished_period import EFFECT, KIND, TITLE


def find(lines: Lines, decisions: Decisions) -> Found[Lines] | None:
    """Periods that were added up from a part of their open days are left out."""
    short, rows = lines.rows.short, lines.rows
    hit = np.isin(rows.days, list(short)) if short else np.zeros(len(rows.days), bool)
    if not hit.any() or len(np.unique(rows.days[~hit & ~np.isnat(rows.days)])) < 2:
        return None
    answer = answer_to(KIND, decisions, YES)
    held = [f"{start} holds {there} of {whole} open days" for start, (there, whole) in sorted(short.items())]
    offer = Offer(
        kind=KIND,
        title=TITLE,
        words=f"The file reaches over {many(len(short), 'period')} in part: {'; '.join(held)}. Left out of the history.",
        count=len(short),
        before=held[-1],
        after="left out of the history",
        effect=EFFECT,
        default=YES,
        answer=answer,
    )
    return Found(lines if answer == NO else lines.take(~hit), offer)
