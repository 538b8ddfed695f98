"""What a page says when it cannot answer: what is the matter, what to do, and a way back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from data.errors import NotTrained, ResourceError, TidelineError, TooLittleHistory, UnknownItem
from pages.ui.display import formats
from pages.ui.shell import frame


@contextmanager
def answered(question: str) -> Iterator[None]:
    """Everything a page shows stands in here: an error that Tideline raises on purpose becomes an empty state.

    ``question`` is the title then, for the page's own has not been drawn yet.
    """
    try:
        yield
    except ResourceError as error:
        empty(question, "There is no data to look at yet", _words(error), ("data", "Load the demo or your own data"))
    except UnknownItem as error:
        empty(question, "This item is not in the catalog", _words(error), ("today", "See all items"))
    except NotTrained as error:
        empty(question, "There is no model for this data yet", _words(error), ("data", "Train one"))
    except TooLittleHistory as error:
        empty(question, "This item's history is too short", _words(error), ("today", "See all items"))
    except TidelineError as error:
        empty(question, "This cannot be answered", _words(error), ("data", "Look at the data"))


def empty(question: str, title: str, words: str, *ways: tuple[str, str]) -> None:
    """An empty state: the page's question, what is the matter, what to do, and links to the pages where it is done."""
    st.title(question, anchor=False)
    with frame.box("empty", border=True):
        st.subheader(title, anchor=False)
        st.markdown(words)
        for name, label in ways:
            st.page_link(frame.page(name), label=label, icon=":material/arrow_forward:")


def no_item(question: str) -> None:
    """The item pages before an item is chosen."""
    words = "Search for it on the left by name, id or category, or take one from the ranking."
    empty(question, "Choose an item first", words, ("today", "See all items"))


def _words(error: TidelineError) -> str:
    return "  \n".join(formats.plain(line) for line in str(error).splitlines())
