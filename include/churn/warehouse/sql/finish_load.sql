UPDATE loads SET
    cleaned_at = clock_timestamp(), accepted = {accepted}, rejected = {rejected},
    inserted = {inserted}, updated = {updated}, removed = {removed}
WHERE load_id = {load_id};
