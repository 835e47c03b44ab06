"""Batches over HTTP: rows in and answers out, both in a stream, in constant memory.

``route`` takes a request, ``incoming`` its pieces, ``work`` answers them and ``outlet`` sends what
comes of it. Rows are read, scored and written by ``churn.pipeline.batch``, as ``churn score`` does;
JSON,
the ids of predictions and their records are here.
"""
