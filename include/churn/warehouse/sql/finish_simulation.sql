UPDATE simulations SET finished_at = clock_timestamp()
WHERE seed = {seed} AND first_day = {start} AND last_day = {end}
