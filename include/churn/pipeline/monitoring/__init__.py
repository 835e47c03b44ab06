"""One monitoring run: reads the log and the outcomes, judges them, and writes the reports."""
