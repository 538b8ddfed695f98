"""Purchase orders, open and received: what was ordered when, due when, and received when.

An order that is not received by the end of the last period on record is open, as it was then.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import pyarrow as pa

from data.errors import DataError
from data.events import Stamp
from data.schema import Frequency


@dataclass(frozen=True, eq=False)
class Orders:
    """O orders of single items.

    Attributes
    ----------
    item_ids : [O] str.
    ordered, due, received : [O] datetime64[D]; NaT where nobody knows when it is due, and where it is not received.
    units : [O] float64, above 0.
    """

    item_ids: np.ndarray
    ordered: np.ndarray
    due: np.ndarray
    received: np.ndarray
    units: np.ndarray

    def __post_init__(self) -> None:
        for name in ("ordered", "due", "received"):
            object.__setattr__(self, name, np.asarray(getattr(self, name)).astype("datetime64[D]"))
        object.__setattr__(self, "units", np.asarray(self.units, np.float64))
        if len({len(getattr(self, one.name)) for one in fields(self)}) > 1:
            raise DataError("Every order needs an item, its dates and its units.")
        for words, wrong in self.faults().items():
            if wrong.any():
                place = np.flatnonzero(wrong)[0]
                raise DataError(
                    f"An order of {self.item_ids[place]!r} ordered on {self.ordered[place]}: {words}. Mend it, or leave it out."
                )

    def __len__(self) -> int:
        return len(self.item_ids)

    def faults(self) -> dict[str, np.ndarray]:
        """What may be wrong with an order, and where [O] it is."""
        return order_faults(self.ordered, self.due, self.received, self.units)

    def take(self, rows: np.ndarray) -> Orders:
        """These orders."""
        return Orders(self.item_ids[rows], self.ordered[rows], self.due[rows], self.received[rows], self.units[rows])

    @classmethod
    def none(cls) -> Orders:
        """No order at all."""
        days = np.zeros(0, "datetime64[D]")
        return cls(np.zeros(0, object), days, days, days, np.zeros(0))

    @classmethod
    def of_table(cls, rows: pa.Table) -> Orders:
        """From rows as ``table`` writes them."""
        item_ids = rows["item_id"].to_numpy(zero_copy_only=False)
        ordered, due, received = (rows[name].to_numpy().astype("datetime64[D]") for name in ("ordered", "due", "received"))
        return cls(item_ids, ordered, due, received, rows["units"].to_numpy())

    def table(self) -> pa.Table:
        """One row per order."""
        columns = {"item_id": pa.array(self.item_ids.tolist(), pa.string())}
        columns |= {name: pa.array(getattr(self, name), pa.date32()) for name in ("ordered", "due", "received")}
        return pa.table(columns | {"units": pa.array(self.units)})


def order_faults(ordered: np.ndarray, due: np.ndarray, received: np.ndarray, units: np.ndarray) -> dict[str, np.ndarray]:
    """What is wrong with orders whose cells could be read: words → where [O]; NaT and NaN are no fault of this kind."""
    return {
        "received before it was ordered": received < ordered,
        "due before it was ordered": due < ordered,
        "its units are negative": units < 0,
        "its units are zero": units == 0,
    }


def period_numbers(days: np.ndarray, last: pd.Timestamp, frequency: Frequency, stamp: Stamp) -> np.ndarray:
    """In which period [O] each day lies: 0 is the ``last`` on record, 1 the next; NaN for NaT.

    >>> week = Frequency.of("W-SUN")
    >>> days = np.array(["2024-01-07", "2024-01-08", "2024-01-01", "NaT"], "datetime64[D]")
    >>> period_numbers(days, pd.Timestamp("2024-01-07"), week, "last")
    array([ 0.,  1.,  0., nan])
    """
    known = days[~np.isnat(days)]
    if not known.size:
        return np.full(len(days), np.nan)
    day = np.timedelta64(1, "D")
    longest = {"day": 1, "week": 7, "month": 28}[frequency.unit]
    back, ahead = (max(int(gap / day) // longest + 2, 2) for gap in (last - known.min(), known.max() - last))
    stamps = pd.date_range(end=last, periods=back + 1, freq=frequency.alias).append(frequency.after(last, ahead))
    marks = stamps.to_numpy().astype("datetime64[D]")
    place = np.searchsorted(marks, days, "left") if stamp == "last" else np.searchsorted(marks, days, "right") - 1
    return np.where(np.isnat(days), np.nan, place - back)
