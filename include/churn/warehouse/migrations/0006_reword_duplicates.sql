-- The reason of a duplicate row; churn.warehouse.cleaning.row_rules has the new wording.
UPDATE rejected_rows SET
    reasons = array_replace(
        reasons,
        'customer_id: appears again further down or of a later day, and that row counts',
        'customer_id: duplicate; another row of this customer is later in the file or more recent'
    )
WHERE
    'customer_id: appears again further down or of a later day, and that row counts'
    = any(reasons);
