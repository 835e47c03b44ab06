"""Errors the operator can mend."""


class StackError(Exception):
    """Something the operator can mend; the message is one line that says what and how."""
