"""Batches over HTTP: rows in and answers out, both in a stream, in constant memory.

``request_stream`` reads the body in pieces, ``work`` answers them and ``response_stream`` sends the
answers. Rows are read, scored and written by ``churn.pipeline.batch``, as ``churn score`` does;
JSON, the ids of predictions and their log records are here.
"""
