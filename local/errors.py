"""Errors the operator can fix."""


class StackError(Exception):
    """What the operator can fix; the message is one line with the problem and the fix."""
