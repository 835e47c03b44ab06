-- Loads are cleaned one at a time, so the order in which they finished is that of their changes.
SELECT load_id FROM loads
WHERE verdict IN ('pass', 'flag')
ORDER BY finished_at DESC, load_id DESC
LIMIT 1;
