"""Locations supplied by a depot: which depots are short, who gets how many now, and what the depot buys from outside."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from data.errors import TidelineError
from data.facts import About
from forecasting.purchasing.multi_echelon_plan import DepotLine, ProductPlan, contradictions, depot_lines
from forecasting.purchasing.purchase_plan import BuyPlan
from forecasting.service.background_jobs import FunctionJob
from pages.ui.display import exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.display.tables import Column, Kind, Table
from pages.ui.jobs import job_panel
from pages.ui.resources import catalog, jobs, purchasing
from pages.ui.shell import url_state

_JOB = "transfers"
_LISTED = 5
_SHOWN = 100  # products that can be chosen, the shortest first


def section(plan: BuyPlan, about: About) -> None:
    """Folded away until asked for, or open where the list has nothing else; the chosen product is kept in the URL."""
    url_state.opened_by_link("locations")
    if plan.located == len(plan) > 0:
        st.session_state.setdefault("locations", True)
    with st.expander("Locations", key="locations", on_change="rerun") as folded:
        if not folded.open:
            return
        lines = depot_lines(plan)
        for item_id, wrong in contradictions(plan)[:5]:
            st.warning(formats.plain(f"{item_id}: {wrong.message}"), icon=":material/warning:")
        if not lines:
            st.info(
                "No product of this list is supplied by a depot. Load a catalog whose items have the columns product, location "
                "and supplied_from (the location that supplies this one, empty where it is bought from outside), or choose "
                "all items.",
                icon=":material/info:",
            )
            return
        short = [one for one in lines if one.short > 0]
        st.markdown(
            f"Of {formats.whole(len(lines))} products supplied by a depot, **{formats.whole(len(short))}** have less at the "
            f"depot than their branches need, {formats.units(sum(one.short for one in short))} units in all."
        )
        st.html(shortest(lines, about).html())
        labels = [f"{one.product} from {one.depot}" for one in lines[:_SHOWN]]
        linked = st.query_params.get("product", "")
        first = labels.index(linked) if linked in labels else 0
        chosen = st.selectbox("Product", labels, index=first, key="locations-product")
        st.query_params["product"] = chosen
        line = lines[labels.index(chosen)]
        try:
            with st.spinner("Drawing what the branches may sell together"):
                found = purchasing.product_plan(plan.settings, line.product, line.depot)
        except TidelineError as error:
            st.info(formats.plain(str(error)), icon=":material/info:")
            return
        shown = table(found, about)
        st.html(shown.html())
        st.markdown(sentence(found))
        stamp = exports.Stamp(about.name, plan.creation_date, catalog.model_words(), supply=about.supply_words)
        downloads(shown, stamp, "locations-one")
        _everything(plan, about, stamp)


def address() -> dict[str, str]:
    """What a link needs to show the same product again; nothing while the part is closed."""
    product = st.query_params.get("product", "")
    return {"open": "locations", "product": product} if st.session_state.get("locations") and product else {}


def _everything(plan: BuyPlan, about: About, stamp: exports.Stamp) -> None:
    """The lists of all products, once they were asked for."""
    found = purchasing.kept_product_plans(plan.settings)
    if found is None:
        job = jobs.function(_JOB, f"{catalog.version()}/{plan.settings}")
        job_panel.section(job, _JOB, lambda: _offer(job, plan), went_wrong="The transfers could not be worked out.")
        return
    moved, bought = transfers(found, about), depot_orders(found, about)
    count = [formats.whole(len(listed)) for listed in (moved, bought)]
    st.markdown(f"All products: **{count[0]}** in the list of transfers, **{count[1]}** in that of orders from outside.")
    with st.container(horizontal=True, vertical_alignment="center"):
        for table_, key in ((moved, "transfers"), (bought, "depot-orders")):
            st.caption(table_.title, width="content")
            downloads(table_, stamp, key)


def _offer(job: FunctionJob, plan: BuyPlan) -> None:
    st.caption("The transfers of all products in one list, and what the depots buy: a few seconds for some thousand products.")
    if st.button("Work out all transfers", icon=":material/local_shipping:"):
        work = purchasing.product_plans(plan.settings)
        job_panel.start(_JOB, lambda: job.start(work))


def shortest(lines: Sequence[DepotLine], about: About) -> Table:
    """The products whose depots are shortest."""
    first = lines[:_LISTED]
    columns = (
        Column("Product", "text", [one.product for one in first]),
        Column("Depot", "text", [one.depot for one in first]),
        Column("Branches", "count", [one.branches for one in first]),
        Column("Branches lack", "units", [one.lacking for one in first]),
        Column("At the depot", "units", [one.on_hand for one in first]),
        Column("Depot short of", "units", [one.short for one in first]),
    )
    return Table("The shortest depots", columns, about.frequency, about.currency)


def sentence(found: ProductPlan) -> str:
    """What stays at the depot and what it buys, with the arithmetic."""
    order, units = found.order, formats.units
    return (
        f"{formats.plain(found.line.depot)} has {units(found.line.on_hand)}, and {units(found.moved.kept)} stay there. Until "
        f"its next order has reached the branches, these sell {formats.odds(order.tau)} fewer than {units(order.level)} "
        f"together; added up location by location it would be {units(order.added)}. With {units(order.position)} at the depot, "
        f"at the locations and on the way: **buy {units(order.quantity)} from outside.**"
    )


def transfers(found: Sequence[ProductPlan], about: About) -> Table:
    """A line for every location that gets something."""
    lines = [(one, row) for one in found for row in range(len(one.names)) if one.moved.given[row] > 0 and not one.is_depot[row]]
    columns = (
        Column("From", "text", [one.line.depot for one, _ in lines]),
        Column("To", "text", [one.names[row] for one, row in lines]),
        Column("Product", "text", [one.line.product for one, _ in lines]),
        Column("Item", "text", [one.item_ids[row] for one, row in lines]),
        Column("Units", "units", [float(one.moved.given[row]) for one, row in lines]),
    )
    return Table("Transfers of all products", columns, about.frequency, about.currency)


def depot_orders(found: Sequence[ProductPlan], about: About) -> Table:
    """A line for every depot that buys from outside."""
    lines = [one for one in found if one.order.quantity > 0]
    columns = (
        Column("Depot", "text", [one.line.depot for one in lines]),
        Column("Product", "text", [one.line.product for one in lines]),
        Column("Needed together", "units", [one.order.level for one in lines]),
        Column("Added up by location", "units", [one.order.added for one in lines]),
        Column("There and on the way", "units", [one.order.position for one in lines]),
        Column("Buy", "units", [one.order.quantity for one in lines]),
    )
    return Table("Depot orders", columns, about.frequency, about.currency)


def table(found: ProductPlan, about: About) -> Table:
    """A line for each location: need, what is there, what it gets, what it misses."""
    moved = found.moved
    still = [max(units, 0.0) for units in found.need - found.position - moved.given]
    whole: Kind = "count" if all(float(units).is_integer() for units in moved.given) else "units"
    columns = (
        Column("Location", "text", list(found.names)),
        Column("Need", "units", found.need.tolist()),
        Column("− on hand", "units", found.on_hand.tolist()),
        Column("− on the way", "units", found.on_the_way.tolist()),
        *([Column("+ back orders", "units", found.back_orders.tolist())] if found.back_orders.any() else []),
        Column("− given now", whole, moved.given.tolist()),
        Column("= still short", "units", still),
        Column("Expected to miss", "money", moved.missed.tolist()),
        Column("Next pack would save", "price", moved.marginal.tolist()),
    )
    return Table("Transfer list", columns, about.frequency, about.currency)
