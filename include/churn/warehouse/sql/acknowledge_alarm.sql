UPDATE alarms SET
    acknowledged_at = {now},
    acknowledged_by = {who},
    note = {note}
WHERE alarm_id = {alarm_id} AND closed_at IS NULL AND acknowledged_at IS NULL;
