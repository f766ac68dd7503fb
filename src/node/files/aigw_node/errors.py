"""Problems that an operator can mend: told in one line, without a traceback."""


class NodeError(Exception):
    """The node cannot start, and the message says what to do. It never holds a secret's value."""
