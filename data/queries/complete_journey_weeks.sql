-- Grain: one row per chosen product and week with a sale or a promotion; NULL demand where nothing was sold.
-- Money is summed in whole cents, so that the sums do not hang on the order of the rows.
WITH sales AS (
    SELECT
        place, week, sum(quantity)::DOUBLE AS demand,
        sum(round(100 * sales_value)::BIGINT + round(100 * coupon_match_disc)::BIGINT) AS paid,
        sum(round(100 * retail_disc)::BIGINT) AS discount
    FROM read_parquet($transactions) JOIN chosen USING (product_id)
    WHERE quantity > 0 AND sales_value > 0 AND week BETWEEN $first_week AND $last_week
    GROUP BY place, week
),
listed AS (
    SELECT week, count(DISTINCT store_id) AS stores
    FROM read_parquet($promotions)
    WHERE week BETWEEN $first_week AND $last_week
    GROUP BY week
),
promoted AS (
    -- a set of stores is a number with one bit for each: much faster than counting distinct rows, of which there are 21 million
    SELECT place, week, bit_count(bit_or(1::HUGEINT << number)) AS stores
    FROM read_parquet($promotions)
    JOIN chosen USING (product_id)
    JOIN (
        SELECT store_id, (row_number() OVER (ORDER BY store_id) - 1)::INTEGER AS number
        FROM (SELECT DISTINCT store_id FROM read_parquet($promotions))
    ) USING (store_id)
    WHERE week BETWEEN $first_week AND $last_week AND (display_location != '0' OR mailer_location != '0')
    GROUP BY place, week
)
SELECT
    place, (week - $first_week)::INTEGER AS period, demand,
    paid / 100.0 / demand AS price, (paid + discount) / 100.0 / demand AS base_price,
    promoted.stores / listed.stores AS promo
FROM sales FULL JOIN promoted USING (place, week) LEFT JOIN listed USING (week)
