"""The use cases: each step of the pipeline, and what is done with a model or a customer by hand."""
