({is_valid}) IS TRUE AND row_number() OVER (
    PARTITION BY typed.customer_id, ({is_valid}) IS TRUE
    ORDER BY typed.snapshot_date DESC, typed.place DESC
) > 1
