-- Grain: one row per event and period that contains it.
SELECT event, period FROM tideline.events
