"""``python -m forecasting inspect`` and ``load``: a file read with columns and decisions given on the command line.

inspect sales.xlsx --json
load sales.csv --map item=SKU,date=Week,demand="Net units" --take all,fiscal-calendar=2023-01-30
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.errors import ConfigurationError
from data.schema import COMMERCIAL
from data.sources.upload import load
from data.sources.upload.column_mapping import ColumnMapping
from data.sources.upload.load import UploadPreview
from data.sources.upload.offers import NO, YES, Offer
from data.sources.upload.places.named import place_of
from data.sources.upload.readers.coded_columns import Telling, silent
from data.sources.upload.readers.table import many
from data.sources.upload.recipes import Recipe
from data.sources.upload.writing.difference import Difference, some_of, stretch_of

#: Name on the command line → role of the mapping.
_ROLES = {
    "item": "item_id", "date": "date", "demand": "demand", "price": "price", "promo": "promo", "stock": "stock",
    "name": "name", "location": "location",
}  # fmt: skip
_PLURAL = ("known", "past", "static")

_ROLE = re.compile(r"(?:^|,)\s*([a-z_]+)=")
_TAKEN = re.compile(r"(?:^|,)\s*(all|none|[a-z][a-z0-9-]*(?:=[^,]*)?)(?=,|$)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How a file is to be read, for both commands."""
    roles = ", ".join([*_ROLES, *_PLURAL])
    parser.add_argument(
        "file",
        help="CSV, Parquet or XLSX, also packed, a folder of them, or postgres:TABLE: item, period, units sold, and more",
    )
    parser.add_argument("--map", default="", help=f"ROLE=COLUMN, … where the headers do not tell; roles: {roles}, or a cost's")
    parser.add_argument("--take", help="offers to take: KIND, KIND=ANSWER, …, or all, or none (default: each as it proposes)")
    parser.add_argument("--recipe", type=Path, help="how a file of this form was read before (JSON)")


def add_load_arguments(parser: argparse.ArgumentParser) -> None:
    """What is to become of the file that is loaded."""
    parser.add_argument("--orders", type=Path, help="CSV, Parquet or XLSX: item_id, ordered, due, received, units")
    parser.add_argument("--name", help="of the catalog (default: the file's)")
    parser.add_argument("--append", action="store_true", help="add it to the catalog in use; says first what would change")
    parser.add_argument("--yes", action="store_true", help="with --append: take the change")


def read(options: argparse.Namespace, tell: Telling = silent) -> UploadPreview:
    """The file as the options say it is read; raises UploadError, ConfigurationError."""
    name, content = place_of(options.file)
    if options.recipe is not None and not options.recipe.is_file():
        raise ConfigurationError(f"There is no recipe {options.recipe}. Check its name.")
    recipe = Recipe.of(options.recipe.read_text("utf-8")) if options.recipe is not None else None
    decided = dict(recipe.decisions) if recipe else {}
    rest = ""
    for word in _words(options.take or ""):
        kind, _, answer = word.partition("=")
        if kind in ("all", "none"):
            rest = YES if kind == "all" else NO
        else:
            decided[kind] = answer or YES
    preview = load.preview(name, content, decided, tell)
    if rest:
        preview = load.all_answered(preview, rest, tell)
    if recipe is not None:
        preview = load.with_mapping(preview, recipe.mapping, tell)
    return load.review(preview, _mapped(preview.mapping, options.map), tell) if options.map else preview


def _words(text: str) -> list[str]:
    words = [found[1] for found in _TAKEN.finditer(text)]
    if sum(map(len, words)) + len(words) < len(text.replace(" ", "")):
        raise ConfigurationError(f"--take {text!r} is not understood. Write KIND, KIND=ANSWER, all or none, commas between.")
    return words


def _mapped(mapping: ColumnMapping, text: str) -> ColumnMapping:
    """The mapping with the columns of ``text`` in their roles; a column has one role, so that it loses its earlier one."""
    found = list(_ROLE.finditer(text))
    if not found or found[0].start() > 0:
        raise ConfigurationError(f"--map {text!r} is not understood. Write ROLE=COLUMN with commas between.")
    ends = [one.start() for one in found[1:]] + [len(text)]
    chosen = [(one[1], text[one.end() : end].strip()) for one, end in zip(found, ends, strict=True)]
    columns = {column for _, column in chosen}
    now = {role: getattr(mapping, role) for role in _ROLES.values()}
    single: dict[str, Any] = {role: "" if held in columns else held for role, held in now.items()}
    several = {role: [column for column in getattr(mapping, role) if column not in columns] for role in _PLURAL}
    commercial = {role: column for role, column in mapping.commercial.items() if column not in columns}
    for role, column in chosen:
        if role in _ROLES:
            single[_ROLES[role]] = column
        elif role in _PLURAL:
            several[role].append(column)
        elif role in COMMERCIAL:
            commercial[role] = column
        else:
            known = ", ".join([*_ROLES, *_PLURAL, *(name for name in COMMERCIAL if name != "price")])
            raise ConfigurationError(f"--map names {role!r}, which is no role of a column. Those are {known}.")
    plural: dict[str, Any] = {role: tuple(columns) for role, columns in several.items()}
    return replace(mapping, **single, **plural, commercial=commercial)


def as_json(preview: UploadPreview, recipe: Recipe | None) -> str:
    """What the file holds, for a program."""
    return json.dumps(
        {
            "file": preview.file_name,
            "rows": preview.rows,
            "items": preview.items,
            "periods": preview.periods,
            "frequency": preview.frequency.alias if preview.frequency else None,
            "step": preview.frequency.unit if preview.frequency else None,
            "first": str(preview.first.date()) if preview.first is not None else None,
            "last": str(preview.last.date()) if preview.last is not None else None,
            "total_demand": preview.total_demand,
            "locations": preview.locations,
            "planned": preview.planned,
            "loadable": preview.loadable,
            "columns": _columns(preview.mapping),
            "offers": [_offer(offer) for offer in preview.offers],
            "checks": [
                {"title": check.title, "finding": check.finding, "count": check.count, "severity": check.severity}
                for check in preview.checks
            ],
            "problems": [
                {"message": problem.message, "count": problem.count, "rows": list(problem.rows)} for problem in preview.problems
            ],
            "recipe": recipe.file_name if recipe else None,
        },
        ensure_ascii=False,
    )


def _columns(mapping: ColumnMapping) -> dict[str, object]:
    single = {name: getattr(mapping, role) for name, role in _ROLES.items() if getattr(mapping, role)}
    plural = {role: list(getattr(mapping, role)) for role in _PLURAL if getattr(mapping, role)}
    return {**single, **plural, **mapping.commercial}


def _offer(offer: Offer) -> dict[str, object]:
    return {
        "kind": offer.kind,
        "title": offer.title,
        "words": offer.words,
        "count": offer.count,
        "before": offer.before,
        "after": offer.after,
        "effect": offer.effect,
        "default": offer.default,
        "answer": offer.answer,
        "taken": offer.taken,
        "choices": [answer for answer, _ in offer.choices],
    }


def as_text(preview: UploadPreview, recipe: Recipe | None) -> str:
    """What the file holds, for a planner."""
    lines = [f"{preview.file_name}: {preview.rows:,} rows"]
    if preview.frequency is not None and preview.first is not None and preview.last is not None:
        where = f" at {preview.locations:,} locations" if preview.locations else ""
        lines.append(
            f"{preview.items:,} items{where}, {preview.periods:,} periods from {preview.first:%Y-%m-%d} to "
            f"{preview.last:%Y-%m-%d}. {preview.frequency_words}. Demand in all: {preview.total_demand:,.10g}."
        )
    roles = [f"{role} = {', '.join(c) if isinstance(c, list) else c}" for role, c in _columns(preview.mapping).items()]
    lines.append(f"Columns: {'; '.join(roles)}" if roles else "No column was recognised.")
    for offer in preview.offers:
        state = "taken" if offer.taken else "left"
        answer = "" if offer.answer in (YES, NO) else f" as {offer.answer}"
        lines += [
            f"[{state}{answer}] {offer.kind} ({offer.count:,}): {offer.words}",
            f"    {offer.before} → {offer.after}. {offer.effect}",
        ]
        if offer.choices:
            lines.append(f"    Answers: {', '.join(answer for answer, _ in offer.choices)}")
    lines += [f"• {check.title}: {check.finding}" for check in preview.checks]
    if preview.problems:
        lines += ["It cannot be loaded like this:", *(f"✗ {problem}" for problem in preview.problems)]
    if recipe is not None:
        lines.append(f"A file of this form was loaded before ({recipe.file_name}); load reads it in the same way.")
    return "\n".join(lines)


def difference_text(made: Difference) -> str:
    """What adding a file would change, for a planner."""
    if made.nothing:
        return f"{made.catalog} holds all of it already; nothing would change."
    lines = [f"Added to {made.catalog}, the file would change this:"]
    if made.added:
        lines.append(f"+ {many(len(made.added), 'period')}: {stretch_of(made.added)}, with {made.cells:,} numbers of demand.")
    if made.new_items:
        lines.append(f"+ {many(len(made.new_items), 'new item')}: {some_of(made.new_items)}.")
    if made.changed:
        lines.append(
            f"≠ {many(made.changed, 'number')} on record would change, from {made.before:,.10g} to {made.after:,.10g} units:"
        )
        lines += [f"    {one.item_id}, {one.period:%Y-%m-%d}: {one.before:,.10g} → {one.after:,.10g}" for one in made.examples]
    if made.attributes:
        lines.append(f"≠ {many(made.attributes, 'item')} would be described otherwise.")
    if made.unfilled:
        lines.append(f"! No demand at all in {many(len(made.unfilled), 'period')} added: {stretch_of(made.unfilled)}.")
    if made.absent:
        lines.append(f"! {many(made.absent, 'item')} that sold in the last period on record would be without demand after it.")
    if made.gone:
        lines.append(f"- {many(len(made.gone), 'period')} would be left out: {stretch_of(made.gone)}.")
    if made.lost_items:
        lines.append(f"- {many(len(made.lost_items), 'item')} would be left out: {some_of(made.lost_items)}.")
    return "\n".join(lines)
