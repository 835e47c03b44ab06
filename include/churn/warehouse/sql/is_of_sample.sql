customers.load_id IN (SELECT loads.load_id FROM loads WHERE loads.is_sample)
