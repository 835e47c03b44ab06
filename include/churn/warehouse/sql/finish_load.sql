UPDATE loads SET
    finished_at = clock_timestamp(),
    verdict = {verdict},
    reasons = {reasons},
    accepted = {accepted},
    rejected = {rejected},
    inserted = {inserted},
    updated = {updated},
    older = {older},
    removed = {removed},
    churned = {churned},
    complete = {complete},
    is_partial = {is_partial},
    is_baseline = {is_baseline},
    profile = {profile}
WHERE load_id = {load_id};
