-- Grain: quantities, one row per item and creation date of a catalog; reviews, one per item and reason; terms, one per field
-- and scope, which is an item, a category or, both empty, everything; history_marks, one per mark;
-- fiscal_calendars, one per catalog; audit, one per change.
CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    saved_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    catalog TEXT NOT NULL,
    subject TEXT NOT NULL,
    item_id TEXT NOT NULL,
    value TEXT
);
CREATE INDEX IF NOT EXISTS audit_by_item ON audit (catalog, subject, item_id, id);
CREATE TABLE IF NOT EXISTS quantities (
    catalog TEXT NOT NULL,
    creation_date TEXT NOT NULL,
    item_id TEXT NOT NULL,
    units REAL NOT NULL CHECK (units >= 0),
    PRIMARY KEY (catalog, creation_date, item_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reviews (
    catalog TEXT NOT NULL,
    reason TEXT NOT NULL,
    item_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reviewed', 'snoozed')),
    figure REAL NOT NULL,
    creation_date TEXT NOT NULL,
    PRIMARY KEY (catalog, reason, item_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS terms (
    catalog TEXT NOT NULL,
    category TEXT NOT NULL,
    item_id TEXT NOT NULL,
    field TEXT NOT NULL,
    value REAL NOT NULL CHECK (value >= 0),
    PRIMARY KEY (catalog, category, item_id, field)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history_marks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    catalog TEXT NOT NULL,
    kind TEXT NOT NULL,
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    item_id TEXT NOT NULL,
    category TEXT NOT NULL,
    units REAL CHECK (units >= 0),
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    other TEXT NOT NULL,
    share REAL NOT NULL CHECK (share BETWEEN 0 AND 1),
    known TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS fiscal_calendars (
    catalog TEXT NOT NULL PRIMARY KEY,
    pattern TEXT NOT NULL,
    first_day TEXT NOT NULL,
    ends TEXT NOT NULL,
    named_by TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS history_marks_by_catalog ON history_marks (catalog, number);
