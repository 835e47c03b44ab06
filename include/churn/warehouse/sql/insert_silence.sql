INSERT INTO alarm_silences (kind, subject, silenced_until, made_by)
VALUES ({kind}, {subject}, {until}, {who});
