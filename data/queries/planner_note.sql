-- Grain: one row per change; nothing is ever taken out.
INSERT INTO audit (catalog, subject, item_id, value) VALUES (:catalog, :subject, :item_id, :value)
