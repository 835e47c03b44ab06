"""Many customers: rows read, scored and written a block at a time, by column.

``csv_reader`` cuts a stream into cells, ``table`` looks them up, ``scored_rows`` scores them and
``csv_writer`` writes them; ``score_file`` does it for a file. The service has readers and writers
of JSON besides, and records what it answers (``serving.api.batch``).
"""
