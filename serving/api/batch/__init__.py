"""Batches: rows in and answers out, both in a stream, in memory that does not grow with them.

``route`` takes a request, ``incoming`` its pieces, ``work`` answers them and ``outlet`` sends what
comes of it. Rows are read (``readers``), scored (``answers``), recorded (``records``) and written
(``writers``) a block at a time, by column.
"""
