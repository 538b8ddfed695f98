-- Grain: one row per product that is merchandise and was sold in enough different weeks; place is its number in catalog
-- order. A sale without quantity or without value (returns, gifts, weighed corrections) is none.
CREATE TEMP TABLE chosen AS
WITH sold AS (
    SELECT product_id, min(week) < $first_week AS sold_before
    FROM read_parquet($transactions)
    WHERE quantity > 0 AND sales_value > 0 AND week <= $last_week
    GROUP BY product_id
    HAVING count(DISTINCT week) FILTER (week >= $first_week) >= $least_weeks
),
merchandise AS (
    SELECT
        product_id, brand, department AS department_code, regexp_replace(package_size, '\s+', ' ', 'g') AS size,
        coalesce(product_category, 'UNKNOWN') AS category_code,
        -- names are cut at 30 characters: drop a bracket that was never closed
        regexp_replace(coalesce(product_type, product_category, 'UNKNOWN'), '\s*\([^)]*$', '') AS type_code
    FROM read_parquet($products)
    WHERE department NOT IN ('FUEL', 'COUPON', 'MISCELLANEOUS', 'CNTRL/STORE SUP', 'POSTAL CENTER')
      AND category_code NOT IN ('COUPON/MISC ITEMS', 'COUPON', 'COUPONS/STORE & MFG', 'BOTTLE DEPOSITS')
),
worded AS (
    SELECT
        *,
        upper(department_code[1]) || lower(department_code[2:]) AS department,
        upper(category_code[1]) || lower(category_code[2:]) AS category,
        upper(type_code[1]) || lower(type_code[2:]) AS product_type
    FROM merchandise
)
SELECT
    (row_number() OVER (ORDER BY product_id) - 1)::INTEGER AS place,
    product_id,
    CASE department
        WHEN 'Drug gm' THEN 'Drug and general merchandise'
        WHEN 'Meat-pckgd' THEN 'Meat, packaged'
        WHEN 'Seafood-pckgd' THEN 'Seafood, packaged'
        ELSE department
    END AS department,
    category, product_type, brand,
    -- a type of one word that the category does not hold ("Premium") says too little by itself
    CASE
        WHEN contains(type_code, ' ') OR contains(category_code, type_code) THEN product_type
        ELSE category || ': ' || lower(product_type)
    END || coalesce(', ' || lower(size), '') AS name,
    sold_before
FROM worded JOIN sold USING (product_id)
ORDER BY place
